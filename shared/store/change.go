package store

import "time"

// Change is one committed write of an item, as the change stream tells it: at
// least once, in the order of one item's writes within a shard, in no order
// across items. Consumers must not mind repeats. The items come without their
// places in indexes.
type Change struct {
	Key      Key
	Old, New *Item     // before and after; nil where there was, or is, no such item
	Sequence string    // of the record within its shard
	At       time.Time // about when it was written, to the second
}
