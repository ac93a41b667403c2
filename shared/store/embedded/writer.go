package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"go.etcd.io/bbolt"

	"ascend/shared/store"
)

// maxBatch is how many requests one commit takes at most.
const maxBatch = 1024

// submit hands a request to the writer and waits for the answer.
func (s *Store) submit(ctx context.Context, r *request) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return unavailable(ErrClosed)
	case s.failed != nil:
		err := s.failed
		s.mu.Unlock()
		return err
	}
	s.waiting = append(s.waiting, r)
	if len(s.waiting) == 1 {
		s.wake.Signal()
	}
	s.mu.Unlock()

	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(pending, abandoned) {
		return unavailable(fmt.Errorf("write not begun: %w", ctx.Err()))
	}
	select {
	case <-r.done: // both were ready: the answer is the better news
		return r.err
	default:
		return unavailable(fmt.Errorf("write may take effect: %w", ctx.Err()))
	}
}

// run is the writer: it commits all requests that wait together.
func (s *Store) run() {
	defer close(s.stopped)
	var spare []*request
	for {
		s.mu.Lock()
		for len(s.waiting) == 0 && !s.closed {
			s.wake.Wait()
		}
		// Callers just answered often come back at once: let them run, as long
		// as each turn brings more of them.
		for n := 0; n < len(s.waiting); {
			n = len(s.waiting)
			s.mu.Unlock()
			runtime.Gosched()
			s.mu.Lock()
		}
		requests := s.waiting
		if len(requests) == 0 {
			s.mu.Unlock()
			return
		}
		s.waiting = spare[:0]
		failed := s.failed
		s.mu.Unlock()

		for rest := requests; len(rest) > 0; {
			n := min(len(rest), maxBatch)
			if failed == nil {
				failed = s.commit(rest[:n])
			}
			for _, r := range rest[:n] {
				if failed != nil {
					r.item, r.err = nil, failed
				}
				close(r.done)
			}
			rest = rest[n:]
		}
		clear(requests)
		spare = requests
		if failed != nil {
			s.mu.Lock()
			s.failed = failed
			s.mu.Unlock()
		}
	}
}

// batch is one write transaction of the file.
type batch struct {
	store   *Store
	tx      *bbolt.Tx
	buckets []*bbolt.Bucket // by slot, as far as used
}

func (b *batch) bucket(slot int) *bbolt.Bucket {
	if b.buckets[slot] == nil {
		bucket := b.tx.Bucket(b.store.buckets[slot])
		bucket.FillPercent = fillPercent
		b.buckets[slot] = bucket
	}
	return b.buckets[slot]
}

// commit decides and applies requests in order and makes them durable. Its
// error is a failure of the file: whether anything was written is not known
// and, as a failed sync may have dropped what it should have written, nothing
// more may be.
func (s *Store) commit(requests []*request) error {
	tx, err := s.db.Begin(true)
	if err != nil {
		return unavailable(err)
	}
	b := &batch{store: s, tx: tx, buckets: make([]*bbolt.Bucket, len(s.buckets))}
	wrote := false
	for _, r := range requests {
		if !r.state.CompareAndSwap(pending, taken) {
			continue
		}
		changed, err := b.perform(r)
		if err != nil {
			return unavailable(errors.Join(err, tx.Rollback()))
		}
		wrote = wrote || changed
	}
	if !wrote {
		if err := tx.Rollback(); err != nil {
			return unavailable(err)
		}
		return nil
	}
	if err := tx.Commit(); err != nil {
		return unavailable(fmt.Errorf("commit: %w; the store takes no further writes until it is opened again", err))
	}
	return nil
}

// perform does one request. The error is the file's; the request's own is in r.err.
func (b *batch) perform(r *request) (changed bool, err error) {
	if r.sweep != nil {
		changed, r.swept, err = b.forget(r.sweep)
		return changed, err
	}
	// The operations are of distinct items: all are decided before any is done.
	for i := range r.ops {
		if r.err = b.decide(&r.ops[i], i); r.err != nil {
			return false, nil
		}
	}
	for i := range r.ops {
		o := &r.ops[i]
		if err := b.apply(o); err != nil {
			return false, fmt.Errorf("write %v: %w", store.KeyOf(o.op), err)
		}
		changed = changed || o.writes
	}
	if o := &r.ops[0]; o.attrs != nil {
		next := record{expires: o.next.expires, attrs: o.attrs}
		r.item = next.item(store.KeyOf(o.op), false)
	}
	return changed, nil
}
