// Package faulty is a store for tests that fails by plan and counts what is
// asked of it. Around any store it shows what a caller does when a request or
// an answer is lost, and how many calls, one after the other, a command makes.
package faulty

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"ascend/shared/store"
)

// Fault is what happens to one call.
type Fault int

// The faults. Each is answered with store.ErrUnavailable and ErrInjected.
const (
	// None lets the call pass.
	None Fault = iota
	// RequestLost answers without asking the store: nothing was done.
	RequestLost
	// ResponseLost asks the store and drops its answer: a write was done, or
	// met a conflict, and the caller cannot know.
	ResponseLost
	// Throttled answers like RequestLost; only its text differs.
	Throttled
	// Cancelled answers as if the caller's context had ended while the call was
	// under way, with context.Canceled: a write still takes effect.
	Cancelled
)

// All lists the faults, for matrices.
var All = []Fault{RequestLost, ResponseLost, Throttled, Cancelled}

// String names the fault, for tests.
func (f Fault) String() string {
	return [...]string{"none", "request lost", "response lost", "throttled", "cancelled"}[f]
}

// ErrInjected is in the chain of every injected error.
var ErrInjected = errors.New("injected fault")

func (f Fault) err() error {
	if f == Cancelled {
		return fmt.Errorf("%w: %w: %w", store.ErrUnavailable, ErrInjected, context.Canceled)
	}
	return fmt.Errorf("%w: %w: %v", store.ErrUnavailable, ErrInjected, f)
}

// Call is one call of the store.
type Call struct {
	N      int         // from 1, in the order of their beginnings
	Method string      // Get, Query, Write, WriteAll or Healthy
	Keys   []store.Key // of a Get
	Query  store.Query // of a Query
	Ops    []store.Op  // of a Write or WriteAll
	Fault  Fault
	Depth  int // 1 + the most calls, one after the other, that had ended before it began
}

// IsWrite reports whether the call may change the store.
func (c Call) IsWrite() bool { return len(c.Ops) > 0 }

// Plan chooses the fault of each call. It is asked by one call at a time.
type Plan func(Call) Fault

// Nth lets fault happen to the n-th call, from 1.
func Nth(n int, fault Fault) Plan {
	return func(c Call) Fault {
		if c.N == n {
			return fault
		}
		return None
	}
}

// Seeded lets one of the faults happen to a call with probability rate, the same
// calls for the same seed.
func Seeded(seed uint64, rate float64, faults ...Fault) Plan {
	random := rand.New(rand.NewPCG(seed, 0))
	return func(Call) Fault {
		if random.Float64() >= rate {
			return None
		}
		return faults[random.IntN(len(faults))]
	}
}

// Store passes calls to another store, except those that its plan picks.
type Store struct {
	inner store.Store

	mu    sync.Mutex
	plan  Plan
	calls []Call
	ended int // the depth of the deepest call that has ended
}

var _ store.Store = (*Store)(nil)

// New decorates inner. A nil plan injects nothing.
func New(inner store.Store, plan Plan) *Store { return &Store{inner: inner, plan: plan} }

// Reset forgets the calls so far, counts from 1 again and takes another plan.
// No call may be under way.
func (s *Store) Reset(plan Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan, s.calls, s.ended = plan, nil, 0
}

// Calls lists the calls since the last Reset, in the order of their beginnings.
func (s *Store) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Counts sums up calls.
type Counts struct {
	Calls  int // in all
	Writes int // of them Write and WriteAll
	Depth  int // the longest chain of calls of which none overlap: the round trips
}

// Counts sums up the calls since the last Reset.
func (s *Store) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Counts{Calls: len(s.calls)}
	for _, call := range s.calls {
		if call.IsWrite() {
			c.Writes++
		}
		c.Depth = max(c.Depth, call.Depth)
	}
	return c
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, keys ...store.Key) (items []*store.Item, err error) {
	err = s.call(Call{Method: "Get", Keys: slices.Clone(keys)}, func() error {
		items, err = s.inner.Get(ctx, keys...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// Query implements store.Store.
func (s *Store) Query(ctx context.Context, q store.Query) (page store.Page, err error) {
	err = s.call(Call{Method: "Query", Query: q}, func() error {
		page, err = s.inner.Query(ctx, q)
		return err
	})
	if err != nil {
		return store.Page{}, err
	}
	return page, nil
}

// Write implements store.Store.
func (s *Store) Write(ctx context.Context, op store.Op) (item *store.Item, err error) {
	err = s.call(Call{Method: "Write", Ops: []store.Op{op}}, func() error {
		item, err = s.inner.Write(ctx, op)
		return err
	})
	if err != nil {
		return nil, err
	}
	return item, nil
}

// WriteAll implements store.Store.
func (s *Store) WriteAll(ctx context.Context, ops ...store.Op) error {
	return s.call(Call{Method: "WriteAll", Ops: slices.Clone(ops)}, func() error { return s.inner.WriteAll(ctx, ops...) })
}

// Healthy passes a probe of the store's health on, for stores that take one.
func (s *Store) Healthy(ctx context.Context) error {
	probe, ok := s.inner.(interface{ Healthy(context.Context) error })
	if !ok {
		return nil
	}
	return s.call(Call{Method: "Healthy"}, func() error { return probe.Healthy(ctx) })
}

func (s *Store) call(c Call, do func() error) error {
	s.mu.Lock()
	c.N, c.Depth = len(s.calls)+1, s.ended+1
	if s.plan != nil {
		c.Fault = s.plan(c)
	}
	s.calls = append(s.calls, c)
	s.mu.Unlock()

	var err error
	if c.Fault != RequestLost && c.Fault != Throttled {
		err = do()
	}
	if c.Fault != None {
		err = c.Fault.err()
	}
	s.mu.Lock()
	s.ended = max(s.ended, c.Depth)
	s.mu.Unlock()
	return err
}
