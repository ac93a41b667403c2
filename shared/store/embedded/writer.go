package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"go.etcd.io/bbolt"
)

const (
	// One commit takes at most this many requests and, but for its last
	// request, bytes of changes.
	maxRequests = 1024
	maxBytes    = 4 << 20
)

// submit hands a request to the writer and waits for the answer.
func (s *Store) submit(ctx context.Context, r *request) error {
	if err := alive(ctx); err != nil {
		return err
	}
	if err := s.enqueue(r); err != nil {
		return err
	}
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

func (s *Store) enqueue(r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return unavailable(ErrClosed)
	case s.failed != nil:
		return s.failed
	}
	s.waiting = append(s.waiting, r)
	if len(s.waiting) == 1 {
		s.rouse()
	}
	return nil
}

// rouse makes the writer look, now or when it next would wait.
func (s *Store) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take gives the requests that wait and leaves spare for the next.
func (s *Store) take(spare []*request) (requests []*request, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests, s.waiting = s.waiting, spare
	return requests, s.closed
}

// becomesDurable waits for the end of the commit of a transaction and tells
// whether it is on the disk.
func (s *Store) becomesDurable(id int64) bool {
	s.committing.Lock()
	defer s.committing.Unlock()
	return id <= s.durable.Load()
}

// writer is the one goroutine that changes the file.
type writer struct {
	store    *Store
	batch    batch
	owed     []*request  // performed, to be answered after the commit
	requests int         // performed since the last commit
	clock    *time.Timer // commits what is deferred
	running  bool        // the clock, from the first deferred update on
	failed   error       // of the file; ends all writing
}

func newWriter(s *Store) *writer {
	w := &writer{
		store: s, clock: time.NewTimer(s.deferral),
		batch: batch{store: s, buckets: make([]*bbolt.Bucket, len(s.buckets))},
	}
	w.clock.Stop()
	return w
}

// run decides and applies requests as they come. It commits when a caller
// waits for that and no further request does, so that all that come while a
// commit runs share the next.
func (w *writer) run() {
	defer close(w.store.stopped)
	var requests []*request
	var closed bool
	for {
		clear(requests)
		requests, closed = w.store.take(requests[:0])
		for _, r := range requests {
			w.perform(r)
		}
		switch {
		case len(requests) > 0:
			// Callers just answered often come back at once: let them run, as
			// long as each turn brings more of them.
			runtime.Gosched()
		case len(w.owed) > 0 || closed:
			w.commit()
			if closed {
				return
			}
		default:
			select {
			case <-w.store.wake:
			case <-w.clock.C:
				w.commit()
			}
		}
	}
}

// perform does one request and answers it, unless the answer is for the commit
// to give.
func (w *writer) perform(r *request) {
	if !r.state.CompareAndSwap(pending, taken) {
		return
	}
	if w.failed == nil {
		if err := w.batch.perform(r); err != nil {
			w.fail(errors.Join(err, w.batch.drop()))
		}
	}
	if r.deferred || w.failed != nil {
		r.answer(w.failed)
	} else {
		w.owed = append(w.owed, r)
	}
	w.requests++
	switch {
	case w.requests >= maxRequests || w.batch.bytes >= maxBytes:
		w.commit()
	case r.deferred && w.batch.bytes > 0 && !w.running:
		w.running = true
		w.clock.Reset(w.store.deferral)
	}
}

// commit makes the batch durable and answers those who wait for it.
func (w *writer) commit() {
	if w.running {
		w.running = false
		w.clock.Stop()
	}
	if err := w.batch.commit(); err != nil {
		w.fail(fmt.Errorf("commit: %w; the store takes no further writes until it is opened again", err))
	}
	for _, r := range w.owed {
		r.answer(w.failed)
	}
	clear(w.owed)
	w.owed, w.requests = w.owed[:0], 0
}

// fail ends all writing after a failure of the file: whether anything was
// written is not known and, as a failed sync may have dropped what it should
// have written, nothing more may be.
func (w *writer) fail(err error) {
	w.failed = unavailable(err)
	w.store.mu.Lock()
	w.store.failed = w.failed
	w.store.mu.Unlock()
}

// answer gives the caller the outcome, or the failure of the file.
func (r *request) answer(failed error) {
	if failed != nil {
		r.item, r.err = nil, failed
	}
	close(r.done)
}
