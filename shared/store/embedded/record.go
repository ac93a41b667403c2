package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"ascend/shared/store"
)

// ErrCorrupt marks a stored record that does not decode.
var ErrCorrupt = errors.New("corrupt record")

// encode returns the record of an item, without its key:
//
//	body · expiry in Unix seconds or 0
//	number of indexes, each: name · partition key · sort key
//	number of attributes, each: name · kind · value
//
// Numbers are unsigned varints (those of attributes zigzag), strings their
// length and bytes, sets their count and members. encoding/json took nine times
// as long, which a submission to the local server pays several times.
func encode(it *store.Item) []byte {
	b := appendString(make([]byte, 0, it.Size()+32+8*(len(it.Attrs)+len(it.Index))), it.Body)
	var expires uint64
	if !it.Expires.IsZero() {
		expires = uint64(it.Expires.Unix())
	}
	b = binary.AppendUvarint(b, expires)
	b = binary.AppendUvarint(b, uint64(len(it.Index)))
	for name, at := range it.Index {
		b = appendString(appendString(appendString(b, name), at.PK), at.SK)
	}
	b = binary.AppendUvarint(b, uint64(len(it.Attrs)))
	for name, v := range it.Attrs {
		b = append(appendString(b, name), v.Kind())
		switch v.Kind() {
		case store.KindNumber:
			b = binary.AppendVarint(b, v.Num())
		case store.KindSet:
			b = binary.AppendUvarint(b, uint64(len(v.Members())))
			for _, member := range v.Members() {
				b = appendString(b, member)
			}
		default:
			b = appendString(b, v.Str())
		}
	}
	return b
}

func appendString[T ~string | ~[]byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decode returns the item of a record. Nothing of it points into raw. Any
// bytes are safe to decode.
func decode(k store.Key, raw []byte) (*store.Item, error) {
	body, rest, ok := cutString(raw)
	if !ok {
		return nil, fmt.Errorf("%w: body", ErrCorrupt)
	}
	it := &store.Item{Key: k}
	if len(body) > 0 {
		it.Body = bytes.Clone(body)
	}
	r := reader{rest: string(rest)} // one copy for all strings
	if expires := r.uvarint(); expires != 0 {
		it.Expires = time.Unix(int64(expires), 0).UTC()
	}
	if n := r.count(); n > 0 {
		it.Index = make(map[store.Index]store.IndexKey, n)
		for range n {
			it.Index[store.Index(r.str())] = store.IndexKey{PK: r.str(), SK: r.str()}
		}
	}
	if n := r.count(); n > 0 {
		it.Attrs = make(store.Attrs, n)
		for range n {
			it.Attrs[r.str()] = r.value()
		}
	}
	if r.bad || r.rest != "" {
		return nil, fmt.Errorf("%w: attributes", ErrCorrupt)
	}
	return it, nil
}

// cutString cuts a string from the front of a record.
func cutString(raw []byte) (s, rest []byte, ok bool) {
	size, n := binary.Uvarint(raw)
	if n <= 0 || size > uint64(len(raw)-n) {
		return nil, nil, false
	}
	return raw[n : n+int(size)], raw[n+int(size):], true
}

// reader reads the parts of a record. After a bad one it returns zero values.
type reader struct {
	rest string
	bad  bool
}

func (r *reader) uvarint() (v uint64) {
	for i := 0; i < len(r.rest) && i < binary.MaxVarintLen64; i++ {
		c := r.rest[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return v
		}
	}
	r.rest, r.bad = "", true
	return 0
}

// count reads a number of elements, each of at least one byte.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.rest, r.bad = "", true
		return 0
	}
	return int(n)
}

func (r *reader) str() string {
	n := r.count()
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) value() store.Value {
	switch kind := r.uvarint(); byte(kind) {
	case store.KindString:
		return store.S(r.str())
	case store.KindNumber:
		u := r.uvarint()
		return store.N(int64(u>>1) ^ -int64(u&1))
	case store.KindSet:
		members := make([]string, r.count())
		for i := range members {
			members[i] = r.str()
		}
		return store.Set(members...)
	default:
		r.rest, r.bad = "", true
		return store.Value{}
	}
}
