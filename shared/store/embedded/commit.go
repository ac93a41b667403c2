package embedded

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"go.etcd.io/bbolt"
)

// maxRequests is how many requests one commit takes.
const maxRequests = 1024

// request is a change of the file on its way through the writer.
type request struct {
	ctx context.Context //nolint:containedctx // the request is a call that waits in a channel
	// change makes the change. Where it returns an error, which is the caller's
	// answer, it has changed nothing.
	change  func(*batch) error
	relaxed bool // answered before its commit
	err     error
	done    chan struct{}
}

// submit hands a change to the writer and waits for the answer.
func (s *Store) submit(ctx context.Context, relaxed bool, change func(*batch) error) error {
	if err := alive(ctx); err != nil {
		return err
	}
	r := &request{ctx: ctx, change: change, relaxed: relaxed, done: make(chan struct{})}
	select {
	case s.requests <- r:
	case <-s.closing:
		return unavailable(ErrClosed)
	case <-ctx.Done():
		return unavailable(fmt.Errorf("write not begun: %w", ctx.Err()))
	}
	var why error
	select {
	case <-r.done:
		return r.err
	case <-s.stopped:
		why = ErrClosed
	case <-ctx.Done():
		why = ctx.Err()
	}
	select {
	case <-r.done: // both were ready
		return r.err
	default:
		return unavailable(fmt.Errorf("the write may take effect: %w", why))
	}
}

// batch is what the next commit changes. What is changed is seen by later
// requests at once and by readers after the commit.
type batch struct {
	store    *Store
	tx       *bbolt.Tx       // begun with the first request
	buckets  []*bbolt.Bucket // by slot, as far as used
	changed  bool
	last     uint64     // sequence number of the last change in the feed, 0 for none
	requests int        // performed
	owed     []*request // performed, to be answered after the commit
	failed   error      // of the file; ends all writing
}

// run performs requests as they come. It commits when a caller waits for that
// and no further request comes, so that all that come while a commit runs share
// the next one.
func (s *Store) run() {
	defer close(s.stopped)
	b := &s.batch
	for {
		select {
		case r := <-s.requests:
			b.perform(r)
			continue
		default:
		}
		if len(b.owed) > 0 {
			// Callers just answered often come back at once: let them run.
			runtime.Gosched()
			if len(s.requests) == 0 {
				b.commit()
			}
			continue
		}
		var late <-chan time.Time
		if b.changed {
			late = time.After(s.relaxation)
		}
		select {
		case r := <-s.requests:
			b.perform(r)
		case <-late:
			b.commit()
		case <-s.closing:
			if len(s.requests) == 0 {
				b.commit()
				return
			}
		}
	}
}

// perform does one request and answers it, unless the answer is for the commit
// to give. Conflicts too are answered after the commit of what they show.
func (b *batch) perform(r *request) {
	if b.tx == nil && b.failed == nil {
		var err error
		b.tx, err = b.store.db.Begin(true)
		b.fail(err)
	}
	switch err := r.ctx.Err(); {
	case b.failed != nil:
		r.err = b.failed
	case err != nil: // the caller has left
		r.err = unavailable(err)
	default:
		if r.err = r.change(b); b.failed != nil {
			r.err = b.failed
		}
	}
	if r.relaxed || b.failed != nil {
		close(r.done)
	} else {
		b.owed = append(b.owed, r)
	}
	if b.requests++; b.requests >= maxRequests || b.failed != nil {
		b.commit()
	}
}

// commit makes the batch durable and answers those who wait for it. After a
// failure of the file nothing more is written: whether the last commit was is
// not known, and a failed sync may have dropped pages that it should have written.
func (b *batch) commit() {
	switch {
	case b.tx == nil:
	case b.failed != nil || !b.changed:
		_ = b.tx.Rollback() // of a transaction that is open it always succeeds
	default:
		if err := b.store.commit(b.tx); err != nil { // ends the transaction in any case
			b.fail(fmt.Errorf("commit: %w", err))
		} else if b.last != 0 {
			b.store.feed.advance(b.last)
		}
	}
	for _, r := range b.owed {
		if b.failed != nil {
			r.err = b.failed
		}
		close(r.done)
	}
	clear(b.owed)
	clear(b.buckets)
	b.tx, b.changed, b.last, b.requests, b.owed = nil, false, 0, 0, b.owed[:0]
}

// fail notes a failure of the file. What the batch does after it is of no account.
func (b *batch) fail(err error) {
	if err != nil && b.failed == nil {
		b.failed = unavailable(fmt.Errorf("%w; the store takes no further writes until it is opened again", err))
	}
}

func (b *batch) bucket(slot int) *bbolt.Bucket {
	if b.buckets[slot] == nil {
		b.buckets[slot] = b.tx.Bucket(b.store.buckets[slot])
		b.buckets[slot].FillPercent = fillPercent
	}
	return b.buckets[slot]
}

func (b *batch) put(slot int, key, value []byte) {
	b.changed = true
	b.fail(b.bucket(slot).Put(key, value))
}

func (b *batch) delete(slot int, key []byte) {
	b.changed = true
	b.fail(b.bucket(slot).Delete(key))
}
