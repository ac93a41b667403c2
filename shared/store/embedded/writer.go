package embedded

import (
	"context"
	"fmt"
	"runtime"

	"ascend/shared/store"
)

// A commit takes requests until it has this many bytes of changes.
const batchBytes = 4 << 20

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
		s.wake.Signal()
	}
	return nil
}

// run is the writer: it commits all requests that wait together.
func (s *Store) run() {
	defer close(s.stopped)
	var spare []*request
	for {
		requests := s.gather(spare[:0])
		if len(requests) == 0 {
			return
		}
		for rest := requests; len(rest) > 0; {
			n, err := len(rest), s.failed // only the writer sets it
			if err == nil {
				n, err = s.commit(rest)
			}
			if err != nil && s.failed == nil {
				s.mu.Lock()
				s.failed = err
				s.mu.Unlock()
			}
			for _, r := range rest[:n] {
				if err != nil {
					r.item, r.err = nil, err
				}
				close(r.done)
			}
			rest = rest[n:]
		}
		clear(requests)
		spare = requests
	}
}

// gather waits for requests and takes them, leaving spare for the next; none
// means that the store was closed.
func (s *Store) gather(spare []*request) []*request {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.waiting) == 0 && !s.closed {
		s.wake.Wait()
	}
	// Callers just answered often come back at once: let them run, as long as
	// each turn brings more of them.
	for n := 0; n < len(s.waiting); {
		n = len(s.waiting)
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
	requests := s.waiting
	s.waiting = spare
	return requests
}

// batch is what one commit changes, over the state before it.
type batch struct {
	store    *Store
	snapshot snapshot
	changes  []change
	bytes    int
	latest   []map[string][]byte // by slot: the batch's own values
}

func newBatch(s *Store) batch {
	b := batch{store: s, latest: make([]map[string][]byte, len(s.buckets))}
	for _, t := range s.tables {
		b.latest[t.slot] = map[string][]byte{} // of the indexes nothing is read
	}
	return b
}

// get reads a key of a table as the batch leaves it.
func (b *batch) get(slot int, key []byte) []byte {
	if value, ok := b.latest[slot][string(key)]; ok {
		return value
	}
	return b.snapshot.get(slot, key)
}

func (b *batch) put(slot int, key, value []byte) {
	b.changes = append(b.changes, change{slot, key, value})
	b.bytes += len(key) + len(value)
	if latest := b.latest[slot]; latest != nil {
		latest[string(key)] = value
	}
}

func (b *batch) reset() {
	clear(b.changes)
	b.changes, b.bytes = b.changes[:0], 0
	for _, latest := range b.latest {
		clear(latest)
	}
}

// commit decides and applies the first n requests in order and makes them
// durable. Its error is a failure of the disk: whether anything was written is
// not known and, as a failed sync may have dropped what it should have written,
// nothing more may be.
func (s *Store) commit(requests []*request) (n int, err error) {
	b := &s.batch
	defer b.reset()
	n, err = s.decide(b, requests)
	if err != nil || len(b.changes) == 0 {
		return n, err
	}
	s.log.encode(s.buckets, b.changes)
	if s.log.full() {
		err = s.freeze()
	}
	if err == nil {
		err = s.log.append()
	}
	if err != nil {
		return n, unavailable(fmt.Errorf("commit: %w; the store takes no further writes until it is opened again", err))
	}
	s.state.Lock()
	defer s.state.Unlock()
	for _, c := range b.changes {
		s.memory.put(c.slot, c.key, c.value)
	}
	s.memory.last = s.log.last
	return n, nil
}

// decide performs requests on the batch until it is large enough.
func (s *Store) decide(b *batch, requests []*request) (n int, err error) {
	s.state.RLock()
	b.snapshot, err = s.snapshot()
	s.state.RUnlock()
	if err != nil {
		return len(requests), unavailable(err)
	}
	for n < len(requests) && b.bytes < batchBytes {
		r := requests[n]
		n++
		if r.state.CompareAndSwap(pending, taken) {
			b.perform(r)
		}
	}
	if err := b.snapshot.tx.Rollback(); err != nil {
		return n, unavailable(err)
	}
	return n, nil
}

// perform does one request; its error is in r.err.
func (b *batch) perform(r *request) {
	if r.sweep != nil {
		r.swept = b.forget(r.sweep)
		return
	}
	// The operations are of distinct items: all are decided before any is done.
	for i := range r.ops {
		if r.err = b.decide(&r.ops[i], i); r.err != nil {
			return
		}
	}
	for i := range r.ops {
		b.apply(&r.ops[i])
	}
	if o := &r.ops[0]; o.attrs != nil {
		next := record{expires: o.next.expires, attrs: o.attrs}
		r.item = next.item(store.KeyOf(o.op), false)
	}
}
