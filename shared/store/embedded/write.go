package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"ascend/shared/store"
	"ascend/shared/store/internal/bounds"
)

// request is a group of writes on its way through the writer. The caller
// prepares it, the writer decides and applies it.
type request struct {
	ops      []operation
	sweep    []expiry // what Sweep asks to forget
	change   func(*bbolt.Tx) error
	deferred bool // answered before its commit
	single   [1]operation

	state atomic.Int32
	done  chan struct{}
	item  *store.Item // of an Update
	swept int
	err   error
}

// The states of a request: whoever moves it away from pending owns it.
const (
	pending int32 = iota
	taken
	abandoned
)

// operation is one write, with all that can be known before the item is read.
type operation struct {
	op    store.Op
	conds []store.Cond
	table *table
	key   []byte
	next  image // what a Put stores

	// What the writer found and decided.
	raw    []byte // the item's record before
	old    record
	exists bool
	attrs  store.Attrs // after an Update
	writes bool
}

// image is what the file holds of an item; without value there is none.
type image struct {
	value   []byte
	entries []entry
	expires uint64
}

// entry is an image's place in one index.
type entry struct {
	slot       int
	key, value []byte
}

// Write makes one write. If ctx ends first it may still take place, as the
// error's store.ErrUnavailable says.
func (s *Store) Write(ctx context.Context, op store.Op) (*store.Item, error) {
	if err := bounds.Op(op); err != nil {
		return nil, err
	}
	r := &request{done: make(chan struct{})}
	r.ops = r.single[:]
	if update, ok := op.(store.Update); ok {
		r.deferred = update.Deferred
	}
	if err := s.plan(&r.ops[0], op); err != nil {
		return nil, err
	}
	if err := s.submit(ctx, r); err != nil {
		return nil, err
	}
	return r.item, nil
}

// WriteAll makes all writes or none, and is answered when they are durable.
func (s *Store) WriteAll(ctx context.Context, ops ...store.Op) error {
	if err := bounds.Group(ops); err != nil {
		return err
	}
	r := &request{done: make(chan struct{}), ops: make([]operation, len(ops))}
	for i, op := range ops {
		if err := s.plan(&r.ops[i], op); err != nil {
			return err
		}
	}
	return s.submit(ctx, r)
}

// update makes other changes of the file, durable when it returns. change must
// fail before it changes anything.
func (s *Store) update(ctx context.Context, change func(*bbolt.Tx) error) error {
	return s.submit(ctx, &request{change: change, done: make(chan struct{})})
}

// plan does the caller's part of a write.
func (s *Store) plan(o *operation, op store.Op) error {
	k := store.KeyOf(op)
	t, err := s.table(k.Table)
	if err != nil {
		return err
	}
	o.op, o.table = op, t
	o.key = appendKey(make([]byte, 0, len(k.PK)+len(k.SK)+1), k.PK, k.SK)
	switch op := op.(type) {
	case store.Put:
		o.conds = op.If
		r := record{attrs: withoutEmptySets(op.Item.Attrs), body: op.Item.Body}
		if !op.Item.Expires.IsZero() {
			r.expires = min(uint64(op.Item.Expires.Unix()), maxExpiry)
		}
		for name, at := range op.Item.Index {
			if _, ok := t.indexes[name]; !ok {
				return fmt.Errorf("store: table %q has no index %q", k.Table, name)
			}
			r.indexes = append(r.indexes, indexEntry{name, at})
		}
		o.next = t.image(o.key, r)
	case store.Update:
		o.conds = op.If
	case store.Delete:
		o.conds = op.If
	case store.Check:
		o.conds = op.If
	}
	return nil
}

// image lays a record out for the file.
func (t *table) image(key []byte, r record) image {
	im := image{value: encode(r), expires: r.expires}
	if len(r.indexes) == 0 {
		return im
	}
	projected := encode(record{expires: r.expires, attrs: t.projection(r.attrs)})
	im.entries = make([]entry, 0, len(r.indexes))
	for _, e := range r.indexes {
		im.entries = append(im.entries, entry{t.indexes[e.name], t.indexKey(e.at, key), projected})
	}
	return im
}

func (t *table) indexKey(at store.IndexKey, key []byte) []byte {
	return appendIndexKey(make([]byte, 0, len(at.PK)+len(at.SK)+2+len(key)), at, key)
}

// projection is what of an item's attributes its index entries hold.
func (t *table) projection(attrs store.Attrs) store.Attrs {
	if len(t.project) == 0 {
		return nil
	}
	projected := make(store.Attrs, len(t.project))
	for _, name := range t.project {
		if v, ok := attrs[name]; ok {
			projected[name] = v
		}
	}
	return projected
}

// decide evaluates an operation against the transaction's state. The error is
// a conflict, or says why the operation cannot be done.
func (b *batch) decide(o *operation, number int) error {
	k := store.KeyOf(o.op)
	raw := b.bucket(o.table.slot).Get(o.key)
	if o.exists = raw != nil; o.exists {
		o.raw = raw
		var err error
		if o.old, err = decode(raw); err != nil {
			return fmt.Errorf("read %v: %w", k, err)
		}
	}
	update, isUpdate := o.op.(store.Update)
	if !holds(o.conds, o.exists, o.old.attrs) || isUpdate && !o.exists {
		conflict := &store.ConflictError{Op: number, Key: k}
		if o.exists {
			conflict.Old = o.old.item(k, true)
		}
		return conflict
	}
	switch o.op.(type) {
	case store.Put:
		o.writes = true
	case store.Update:
		attrs, err := updated(o.old.attrs, update)
		if err != nil {
			return err
		}
		next := o.old
		next.attrs = attrs
		o.next = o.table.image(o.key, next)
		if len(o.next.value) > bounds.MaxItem {
			return &store.TooLargeError{Key: k, Size: len(o.next.value)}
		}
		o.attrs, o.writes = attrs, true
	case store.Delete:
		o.writes = o.exists
	}
	return nil
}

// apply makes the operation's changes. An error leaves the transaction half done.
func (b *batch) apply(o *operation) error {
	if !o.writes {
		return nil
	}
	if o.table.streamed {
		if err := b.record(o); err != nil {
			return err
		}
	}
	if err := b.retract(o); err != nil {
		return err
	}
	if o.next.value == nil {
		return b.delete(o.table.slot, o.key)
	}
	if err := b.put(o.table.slot, o.key, o.next.value); err != nil {
		return err
	}
	for _, e := range o.next.entries {
		if err := b.put(e.slot, e.key, e.value); err != nil {
			return err
		}
	}
	if o.next.expires == 0 || o.next.expires == o.old.expires {
		return nil
	}
	return b.put(expirySlot, expiry{o.next.expires, o.table.name, o.key}.encode(), []byte{})
}

// retract deletes the old item's places in indexes and among the expiries
// that the next one does not take.
func (b *batch) retract(o *operation) error {
	for _, old := range o.old.indexes {
		slot, ok := o.table.indexes[old.name]
		if !ok {
			continue
		}
		key := o.table.indexKey(old.at, o.key)
		kept := slices.ContainsFunc(o.next.entries, func(e entry) bool {
			return e.slot == slot && bytes.Equal(e.key, key)
		})
		if kept {
			continue
		}
		if err := b.delete(slot, key); err != nil {
			return err
		}
	}
	if o.old.expires == 0 || o.old.expires == o.next.expires {
		return nil
	}
	return b.delete(expirySlot, expiry{o.old.expires, o.table.name, o.key}.encode())
}

// The slots of the buckets that list items by their expiry, and changes.
const (
	expirySlot = iota
	feedSlot
)

// expiry is an entry of that bucket.
type expiry struct {
	at    uint64
	table store.Table
	key   []byte
}

func (e expiry) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 9+len(e.table)+len(e.key)), e.at)
	return append(append(append(b, e.table...), 0), e.key...)
}
