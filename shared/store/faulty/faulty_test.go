package faulty_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"ascend/shared/store"
	"ascend/shared/store/embedded"
	"ascend/shared/store/faulty"
	"ascend/shared/store/storetest"
)

func open(t *testing.T) store.Store {
	t.Helper()
	s, err := embedded.Open(filepath.Join(t.TempDir(), "store.db"), embedded.Options{Tables: storetest.Definitions()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestWithoutPlanItIsTheStore(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole suite once more: 3 s")
	}
	storetest.Run(t, func(t *testing.T) store.Store { return faulty.New(open(t), nil) })
}

func put(sort string) store.Put {
	return store.Put{
		Item: store.Item{Key: store.Key{Table: storetest.Things, PK: "p", SK: sort}}, If: []store.Cond{store.Absent()},
	}
}

func TestEachFaultDoesWhatItSays(t *testing.T) {
	for fault, applied := range map[faulty.Fault]bool{
		faulty.RequestLost: false, faulty.Throttled: false, faulty.ResponseLost: true, faulty.Cancelled: true,
	} {
		t.Run(fault.String(), func(t *testing.T) {
			inner := open(t)
			s := faulty.New(inner, faulty.Nth(1, fault))
			calls := map[string]func() error{
				"Write":    func() error { _, err := s.Write(t.Context(), put("one")); return err },
				"WriteAll": func() error { return s.WriteAll(t.Context(), put("all")) },
				"Get": func() error {
					items, err := s.Get(t.Context(), put("one").Item.Key)
					if items != nil {
						t.Error("a failed read returned items")
					}
					return err
				},
				"Query": func() error {
					page, err := s.Query(t.Context(), store.Query{Table: storetest.Things, PK: "p", Limit: 1})
					if page.Items != nil {
						t.Error("a failed query returned items")
					}
					return err
				},
			}
			for method, call := range calls {
				s.Reset(faulty.Nth(1, fault))
				err := call()
				if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, faulty.ErrInjected) {
					t.Errorf("%s: %v", method, err)
				}
				if errors.Is(err, context.Canceled) != (fault == faulty.Cancelled) {
					t.Errorf("%s: %v", method, err)
				}
				if got := s.Calls(); len(got) != 1 || got[0].Method != method || got[0].Fault != fault {
					t.Errorf("%s: calls %+v", method, got)
				}
			}
			items, err := inner.Get(t.Context(), put("one").Item.Key, put("all").Item.Key)
			if err != nil {
				t.Fatal(err)
			}
			for i, it := range items {
				if (it != nil) != applied {
					t.Errorf("write %d applied: %v, want %v", i, it != nil, applied)
				}
			}
		})
	}
}

func TestARetryOfALostAnswerMeetsItsOwnItem(t *testing.T) {
	s := faulty.Retrying(faulty.New(open(t), faulty.Nth(1, faulty.ResponseLost)), 2, 1)
	_, err := s.Write(t.Context(), put("one"))
	if c, ok := store.Conflict(err); !ok || c.Old == nil {
		t.Errorf("got %v, want a conflict that shows the item", err)
	}
	s = faulty.Retrying(faulty.New(open(t), faulty.Nth(1, faulty.RequestLost)), 2, 1)
	if _, err := s.Write(t.Context(), put("one")); err != nil {
		t.Errorf("got %v after a lost request", err)
	}
}

func TestSeededFaultsRepeat(t *testing.T) {
	draw := func(seed uint64) (faults []faulty.Fault) {
		plan := faulty.Seeded(seed, 0.3, faulty.All...)
		for range 1000 {
			faults = append(faults, plan(faulty.Call{}))
		}
		return faults
	}
	first, again, other := draw(1), draw(1), draw(2)
	seen := map[faulty.Fault]int{}
	same := true
	for i, fault := range first {
		seen[fault]++
		if fault != again[i] {
			t.Fatalf("call %d: %v, then %v", i, fault, again[i])
		}
		same = same && fault == other[i]
	}
	if same {
		t.Error("two seeds give the same faults")
	}
	if n := 1000 - seen[faulty.None]; n < 240 || n > 360 {
		t.Errorf("%d of 1000 calls failed at a rate of 0.3", n)
	}
	for _, fault := range faulty.All {
		if seen[fault] == 0 {
			t.Errorf("no %v in 1000 calls", fault)
		}
	}
}

// gate holds every read until its channel is closed.
type gate struct {
	store.Store
	begun chan struct{}
	open  chan struct{}
}

func (g gate) Get(context.Context, ...store.Key) ([]*store.Item, error) {
	g.begun <- struct{}{}
	<-g.open
	return nil, nil
}

func TestDepthCountsCallsThatFollowEachOther(t *testing.T) {
	g := gate{Store: open(t), begun: make(chan struct{}), open: make(chan struct{})}
	s := faulty.New(g, nil)
	done := make(chan error)
	go func() {
		_, err := s.Get(t.Context(), put("x").Item.Key)
		done <- err
	}()
	<-g.begun
	// Beside the read: two writes, one after the other.
	for _, sort := range []string{"a", "b"} {
		if _, err := s.Write(t.Context(), put(sort)); err != nil {
			t.Fatal(err)
		}
	}
	if c := s.Counts(); c != (faulty.Counts{Calls: 3, Writes: 2, Depth: 2}) {
		t.Errorf("got %+v", c)
	}
	close(g.open)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := s.WriteAll(t.Context(), put("c")); err != nil {
		t.Fatal(err)
	}
	if c := s.Counts(); c != (faulty.Counts{Calls: 4, Writes: 3, Depth: 3}) {
		t.Errorf("got %+v", c)
	}
	s.Reset(nil)
	if c := s.Counts(); c != (faulty.Counts{}) {
		t.Errorf("after reset: %+v", c)
	}
}
