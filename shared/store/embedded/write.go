package embedded

import (
	"context"
	"fmt"
	"maps"

	"ascend/shared/store"
	"ascend/shared/store/internal/bounds"
)

// Write makes one write. If ctx ends first it may still take place, as the
// error's store.ErrUnavailable says.
func (s *Store) Write(ctx context.Context, op store.Op) (item *store.Item, err error) {
	if err := bounds.Op(op); err != nil {
		return nil, err
	}
	_, update := op.(store.Update)
	relaxed := update && s.tables[store.KeyOf(op).Table].relaxed
	var w write
	err = s.submit(ctx, relaxed, func(b *batch) (err error) {
		if w, err = b.decide(0, op); err == nil {
			b.apply(w)
		}
		return err
	})
	if err != nil || !update {
		return nil, err
	}
	w.next.Body, w.next.Index = nil, nil
	return w.next, nil
}

// WriteAll makes all writes or none, and returns when they are durable.
func (s *Store) WriteAll(ctx context.Context, ops ...store.Op) error {
	if err := bounds.Group(ops); err != nil {
		return err
	}
	return s.submit(ctx, false, func(b *batch) (err error) {
		// The operations are of distinct items: all are decided before any is done.
		writes := make([]write, len(ops))
		for i, op := range ops {
			if writes[i], err = b.decide(i, op); err != nil {
				return err
			}
		}
		for _, w := range writes {
			b.apply(w)
		}
		return nil
	})
}

// write is a decided operation.
type write struct {
	table     table
	key       []byte
	raw       []byte      // the record of old
	old, next *store.Item // nil where there was, or is to be, no item
	none      bool        // nothing changes
}

// decide evaluates an operation against the batch's state. The error is a
// conflict, or says why the operation cannot be done.
func (b *batch) decide(number int, op store.Op) (w write, err error) {
	k := store.KeyOf(op)
	if w.table, err = b.store.table(k.Table); err != nil {
		return w, err
	}
	w.key = key(k.PK, k.SK)
	if w.raw = b.bucket(w.table.slot).Get(w.key); w.raw != nil {
		if w.old, err = decode(k, w.raw); err != nil {
			return w, fmt.Errorf("read %v: %w", k, err)
		}
	}
	conds, update := []store.Cond(nil), false
	switch op := op.(type) {
	case store.Put:
		conds, w.next = op.If, &op.Item
		w.next.Attrs = withoutEmptySets(w.next.Attrs)
	case store.Update:
		conds, update = op.If, true
	case store.Delete:
		conds, w.none = op.If, w.old == nil
	case store.Check:
		conds, w.none = op.If, true
	}
	if !holds(conds, w.old) || update && w.old == nil {
		if w.old != nil {
			w.old.Index = nil
		}
		return w, &store.ConflictError{Op: number, Key: k, Old: w.old}
	}
	if update {
		next := *w.old
		w.next = &next
		if next.Attrs, err = updated(w.old.Attrs, op.(store.Update)); err != nil {
			return w, err
		}
		if size := next.Size(); size > store.MaxItem {
			return w, &store.TooLargeError{Key: k, Size: size}
		}
	}
	if w.next != nil {
		for index := range w.next.Index {
			if _, ok := w.table.indexes[index]; !ok && !update {
				return w, fmt.Errorf("store: table %q has no index %q", k.Table, index)
			}
		}
	}
	return w, nil
}

// apply makes the changes of a decided write.
func (b *batch) apply(w write) {
	if w.none {
		return
	}
	var raw []byte
	if w.next != nil {
		raw = encode(w.next)
	}
	if w.table.streamed {
		b.record(w, raw)
	}
	if w.old != nil {
		for index, at := range w.old.Index {
			if slot, ok := w.table.indexes[index]; ok {
				b.delete(slot, indexKey(at, w.key))
			}
		}
		if !w.old.Expires.IsZero() {
			b.delete(expirySlot, expiryKey(w.old, w.key))
		}
	}
	if w.next == nil {
		b.delete(w.table.slot, w.key)
		return
	}
	b.put(w.table.slot, w.key, raw)
	if len(w.next.Index) > 0 {
		entry := encode(&store.Item{Attrs: w.table.projection(w.next.Attrs), Expires: w.next.Expires})
		for index, at := range w.next.Index {
			if slot, ok := w.table.indexes[index]; ok {
				b.put(slot, indexKey(at, w.key), entry)
			}
		}
	}
	if !w.next.Expires.IsZero() {
		b.put(expirySlot, expiryKey(w.next, w.key), nil)
	}
}

// projection returns the attributes that the table's index entries hold.
func (t table) projection(attrs store.Attrs) store.Attrs {
	projected := make(store.Attrs, len(t.project))
	for _, name := range t.project {
		if v, ok := attrs[name]; ok {
			projected[name] = v
		}
	}
	return projected
}

// withoutEmptySets returns attrs without what is no attribute at all.
func withoutEmptySets(attrs store.Attrs) store.Attrs {
	empty := func(_ string, v store.Value) bool {
		return v.Kind() == store.KindSet && len(v.Members()) == 0
	}
	for name, v := range attrs {
		if empty(name, v) {
			kept := maps.Clone(attrs)
			maps.DeleteFunc(kept, empty)
			return kept
		}
	}
	return attrs
}
