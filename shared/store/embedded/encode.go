package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"ascend/shared/store"
)

// ErrCorrupt marks a stored record that does not decode.
var ErrCorrupt = errors.New("corrupt record")

// A stored record is
//
//	version (1 byte) · length of the head · head · body (the rest)
//
// and its head
//
//	expiry in Unix seconds, 0 for none
//	number of indexes, each: name · partition key · sort key
//	number of attributes, in the order of their names, each: name · kind · value
//
// Lengths, counts and the expiry are unsigned varints, numbers zigzag varints,
// strings their length and bytes, sets their count and members. An index entry
// is a record without indexes and body.
const recordVersion = 1

// record is a stored record taken apart. The strings share one copy of the
// head; the body still points into what was decoded.
type record struct {
	expires uint64
	indexes []indexEntry
	attrs   store.Attrs
	body    []byte
}

type indexEntry struct {
	name store.Index
	at   store.IndexKey
}

func encode(r record) []byte {
	size := 16 + len(r.body)
	for _, e := range r.indexes {
		size += 8 + len(e.name) + len(e.at.PK) + len(e.at.SK)
	}
	for name, v := range r.attrs {
		size += 14 + len(name) + len(v.Str())
		for _, m := range v.Members() {
			size += 3 + len(m)
		}
	}
	// The head is written behind the room its own length may need.
	const room = 1 + binary.MaxVarintLen32
	b := make([]byte, room, size+room)
	b = binary.AppendUvarint(b, r.expires)
	b = binary.AppendUvarint(b, uint64(len(r.indexes)))
	for _, e := range r.indexes {
		b = appendString(b, string(e.name))
		b = appendString(b, e.at.PK)
		b = appendString(b, e.at.SK)
	}
	var few [24]string
	names := few[:0]
	for name := range r.attrs {
		names = append(names, name)
	}
	slices.Sort(names)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		b = appendValue(appendString(b, name), r.attrs[name])
	}
	head := len(b) - room
	var length [binary.MaxVarintLen32]byte
	n := binary.PutUvarint(length[:], uint64(head))
	start := room - n - 1
	b[start] = recordVersion
	copy(b[start+1:], length[:n])
	return append(b[start:], r.body...)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendValue(b []byte, v store.Value) []byte {
	b = append(b, v.Kind())
	switch v.Kind() {
	case store.KindNumber:
		return binary.AppendVarint(b, v.Num())
	case store.KindSet:
		b = binary.AppendUvarint(b, uint64(len(v.Members())))
		for _, m := range v.Members() {
			b = appendString(b, m)
		}
		return b
	default:
		return appendString(b, v.Str())
	}
}

// decode takes a record apart. Any bytes are safe to decode.
func decode(raw []byte) (record, error) {
	if len(raw) == 0 || raw[0] != recordVersion {
		return record{}, fmt.Errorf("%w: unknown version", ErrCorrupt)
	}
	length, n := binary.Uvarint(raw[1:])
	if n <= 0 || length > uint64(len(raw)-1-n) {
		return record{}, fmt.Errorf("%w: head of %d bytes in %d", ErrCorrupt, length, len(raw))
	}
	end := 1 + n + int(length)
	rd := reader{rest: string(raw[1+n : end])}
	r := record{expires: rd.uvarint(), body: raw[end:]}
	if count := rd.count(3); count > 0 {
		r.indexes = make([]indexEntry, count)
		for i := range r.indexes {
			r.indexes[i].name = store.Index(rd.str())
			r.indexes[i].at = store.IndexKey{PK: rd.str(), SK: rd.str()}
		}
	}
	if count := rd.count(3); count > 0 {
		r.attrs = make(store.Attrs, count)
		for range count {
			name := rd.str()
			r.attrs[name] = rd.value()
		}
		if len(r.attrs) != count {
			rd.bad = true
		}
	}
	if rd.bad || rd.rest != "" || r.expires > maxExpiry {
		return record{}, fmt.Errorf("%w: damaged head", ErrCorrupt)
	}
	return r, nil
}

// maxExpiry is the last second of the year 9999.
const maxExpiry = 253402300799

// reader consumes a head. After a bad byte it yields zero values.
type reader struct {
	rest string
	bad  bool
}

func (r *reader) uvarint() uint64 {
	var v uint64
	for i := 0; i < len(r.rest) && i < binary.MaxVarintLen64; i++ {
		c := r.rest[i]
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return v
		}
	}
	r.fail()
	return 0
}

// count reads a number of elements that take at least size bytes each.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) str() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) value() store.Value {
	if r.rest == "" {
		r.fail()
		return store.Value{}
	}
	kind := r.rest[0]
	r.rest = r.rest[1:]
	switch kind {
	case store.KindString:
		return store.S(r.str())
	case store.KindNumber:
		u := r.uvarint()
		return store.N(int64(u>>1) ^ -int64(u&1))
	case store.KindSet:
		members := make([]string, r.count(1))
		for i := range members {
			members[i] = r.str()
		}
		return store.Set(members...)
	default:
		r.fail()
		return store.Value{}
	}
}

func (r *reader) fail() { r.rest, r.bad = "", true }

// item is what a caller gets of a record: nothing of it points into the file.
func (r record) item(k store.Key, withBody bool) *store.Item {
	it := &store.Item{Key: k, Attrs: r.attrs}
	if withBody && len(r.body) > 0 {
		it.Body = slices.Clone(r.body)
	}
	if r.expires != 0 {
		it.Expires = time.Unix(int64(r.expires), 0).UTC()
	}
	return it
}
