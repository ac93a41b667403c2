package store

import (
	"fmt"

	"ascend/shared/domain/problem"
)

// MaxItem is the size of the largest item, in bytes as Item.Size counts them:
// below DynamoDB's 409,600 by room for attribute names and index keys.
const MaxItem = 390_000

// Size returns the bytes that the item counts against MaxItem: its key, its
// attributes, its index keys and its body.
func (i *Item) Size() int {
	size := len(i.Key.PK) + len(i.Key.SK) + len(i.Body)
	for name, v := range i.Attrs {
		size += len(name) + v.size()
	}
	for _, at := range i.Index {
		size += len(at.PK) + len(at.SK)
	}
	return size
}

func (v Value) size() int {
	if v.kind == KindNumber {
		return 8
	}
	size := len(v.s)
	for _, member := range v.set {
		size += len(member)
	}
	return size
}

// TooLargeError says that a write would have made an item larger than MaxItem.
// Nothing was written, and a retry would fail in the same way.
type TooLargeError struct {
	Key  Key
	Size int // 0 where the store does not tell
}

func (e *TooLargeError) Error() string {
	if e.Size == 0 {
		return fmt.Sprintf("store: item %v grows above %d bytes", e.Key, MaxItem)
	}
	return fmt.Sprintf("store: item %v of %d bytes, at most %d", e.Key, e.Size, MaxItem)
}

// Unwrap returns the problem that a caller of the service may see.
func (e *TooLargeError) Unwrap() error {
	return problem.TooLarge("the record that this request would make is too large: at most %d bytes can be stored", MaxItem)
}
