package embedded

import (
	"fmt"

	"go.etcd.io/bbolt"

	"ascend/shared/store"
)

// batch is what the next commit changes: an open transaction, begun with the
// first request. What is applied is seen by later requests at once and by
// readers after the commit.
type batch struct {
	store   *Store
	tx      *bbolt.Tx
	buckets []*bbolt.Bucket // by slot, as far as used
	bytes   int             // of keys and values changed
	last    uint64          // sequence number of the last change in the feed, 0 where none
}

// perform decides and applies one request. Its own error is in r.err; the one
// returned is the file's and leaves the batch half done.
func (b *batch) perform(r *request) (err error) {
	if b.tx == nil {
		if b.tx, err = b.store.db.Begin(true); err != nil {
			return err
		}
	}
	if r.sweep != nil {
		r.swept, err = b.forget(r.sweep)
		return err
	}
	if r.change != nil {
		if r.err = r.change(b.tx); r.err == nil {
			b.bytes++
		}
		return nil
	}
	// The operations are of distinct items: all are decided before any is done.
	for i := range r.ops {
		if r.err = b.decide(&r.ops[i], i); r.err != nil {
			return nil
		}
	}
	for i := range r.ops {
		if err := b.apply(&r.ops[i]); err != nil {
			return fmt.Errorf("write %v: %w", store.KeyOf(r.ops[i].op), err)
		}
	}
	if o := &r.ops[0]; o.attrs != nil {
		next := record{expires: o.next.expires, attrs: o.attrs}
		r.item = next.item(store.KeyOf(o.op), false)
	}
	return nil
}

func (b *batch) bucket(slot int) *bbolt.Bucket {
	if b.buckets[slot] == nil {
		bucket := b.tx.Bucket(b.store.buckets[slot])
		bucket.FillPercent = fillPercent
		b.buckets[slot] = bucket
	}
	return b.buckets[slot]
}

func (b *batch) put(slot int, key, value []byte) error {
	b.bytes += len(key) + len(value)
	return b.bucket(slot).Put(key, value)
}

func (b *batch) delete(slot int, key []byte) error {
	b.bytes += len(key)
	return b.bucket(slot).Delete(key)
}

// commit brings the changes to the disk and begins anew.
func (b *batch) commit() error {
	if b.bytes == 0 {
		return b.drop()
	}
	b.store.committing.Lock()
	defer b.store.committing.Unlock()
	id, last := b.tx.ID(), b.last
	err := b.store.commit(b.tx) // ends the transaction in any case
	b.reset()
	if err != nil {
		return err
	}
	b.store.durable.Store(int64(id))
	if last != 0 {
		b.store.feed.advance(last)
	}
	return nil
}

// drop forgets the changes.
func (b *batch) drop() error {
	if b.tx == nil {
		return nil
	}
	err := b.tx.Rollback()
	b.reset()
	return err
}

func (b *batch) reset() {
	b.tx, b.bytes, b.last = nil, 0, 0
	clear(b.buckets)
}
