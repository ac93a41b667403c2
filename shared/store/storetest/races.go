package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"ascend/shared/store"
)

var races = map[string]func(*suite){
	"of concurrent conditional puts one wins and the others see it": func(s *suite) {
		k := s.thing()
		var winner atomic.Int64
		winner.Store(-1)
		var losers sync.Map
		s.together(32, func(n int) error {
			err := s.again(func() error {
				_, err := s.store.Write(s.Context(), store.Put{
					Item: store.Item{Key: k, Attrs: store.Attrs{"winner": store.N(int64(n))}}, If: []store.Cond{store.Absent()},
				})
				return err
			})
			if c, ok := store.Conflict(err); ok {
				if c.Old == nil {
					return errors.New("conflict without the winner's item")
				}
				// A repeat after a lost answer meets its own item and has won.
				if won := c.Old.Attrs["winner"].Num(); won != int64(n) {
					losers.Store(n, won)
					return nil
				}
				err = nil
			}
			if err == nil && !winner.CompareAndSwap(-1, int64(n)) {
				return errors.New("a second winner")
			}
			return err
		})
		seen := s.get(k).Attrs["winner"].Num()
		if seen != winner.Load() {
			s.Errorf("stored winner %d, told %d", seen, winner.Load())
		}
		losers.Range(func(n, won any) bool {
			if won != seen {
				s.Errorf("loser %v was shown winner %v, stored is %d", n, won, seen)
			}
			return true
		})
	},
	"64 writers against a limit: exactly the limit is admitted": func(s *suite) {
		const writers, limit = 64, 20
		k := s.thing()
		s.put(store.Item{Key: k, Attrs: store.Attrs{"limit": store.N(limit)}})
		var admitted atomic.Int64
		s.together(writers, func(n int) error {
			member := fmt.Sprint(n)
			err := s.again(func() error {
				_, err := s.store.Write(s.Context(), store.Update{
					Key: k, If: []store.Cond{store.Below("n", "limit"), store.Lacks("who", member)},
					Add: map[string]int64{"n": 1}, AddTo: map[string]string{"who": member},
				})
				return err
			})
			if _, ok := store.Conflict(err); ok {
				return nil
			}
			if err == nil {
				admitted.Add(1)
			}
			return err
		})
		it := s.get(k)
		if n, who := it.Attrs["n"].Num(), len(it.Attrs["who"].Members()); n != limit || who != limit || admitted.Load() > limit {
			s.Errorf("counted %d, %d members, %d told of success; want %d", n, who, admitted.Load(), limit)
		}
	},
	"concurrent updates all take effect": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k})
		s.together(32, func(n int) error {
			return s.again(func() error {
				_, err := s.store.Write(s.Context(), store.Update{
					Key: k, If: []store.Cond{store.Lacks("who", fmt.Sprint(n))},
					Add: map[string]int64{"n": int64(n)}, AddTo: map[string]string{"who": fmt.Sprint(n)},
				})
				if _, ok := store.Conflict(err); ok {
					return nil // a repeat found its first attempt
				}
				return err
			})
		})
		if n := s.get(k).Attrs["n"].Num(); n != 31*32/2 {
			s.Errorf("sum %d, want %d", n, 31*32/2)
		}
	},
	"concurrent groups move without loss": func(s *suite) {
		a, b := s.thing(), s.thing()
		s.put(store.Item{Key: a, Attrs: store.Attrs{"n": store.N(100)}}, store.Item{Key: b, Attrs: store.Attrs{"n": store.N(0)}})
		s.together(8, func(n int) error {
			for i := range 4 {
				mark := s.key(fmt.Sprintf("mark %d %d", n, i))
				err := s.again(func() error {
					return s.store.WriteAll(s.Context(),
						store.Put{Item: store.Item{Key: mark}, If: []store.Cond{store.Absent()}},
						store.Update{Key: a, Add: map[string]int64{"n": -1}},
						store.Update{Key: b, Add: map[string]int64{"n": 1}},
					)
				})
				if c, ok := store.Conflict(err); ok && c.Op == 0 {
					continue // a repeat found its first attempt
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if x, y := s.get(a).Attrs["n"].Num(), s.get(b).Attrs["n"].Num(); x != 68 || y != 32 {
			s.Errorf("%d and %d, want 68 and 32", x, y)
		}
	},
	"a batch read after a write sees it": func(s *suite) {
		s.together(16, func(n int) error {
			k := s.key(fmt.Sprint("own ", n))
			for i := range 10 {
				if err := s.again(func() error {
					_, err := s.store.Write(s.Context(), store.Put{Item: store.Item{Key: k, Attrs: store.Attrs{"i": store.N(int64(i))}}})
					return err
				}); err != nil {
					return err
				}
				items, err := s.store.Get(s.Context(), k)
				if err != nil {
					return err
				}
				if items[0] == nil || items[0].Attrs["i"].Num() != int64(i) {
					return fmt.Errorf("read %v after writing %d", items[0], i)
				}
			}
			return nil
		})
	},
}

// key returns a key in the test's first partition.
func (s *suite) key(sort string) store.Key {
	return store.Key{Table: Things, PK: s.Name(), SK: sort}
}

// together runs n functions at the same time.
func (s *suite) together(n int, f func(n int) error) {
	s.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			if err := f(i); err != nil {
				s.Errorf("%d: %v", i, err)
			}
		})
	}
	close(start)
	wg.Wait()
}

// again retries while the store is unavailable, and returns the last error.
func (s *suite) again(f func() error) error {
	var err error
	for i := range 30 {
		if err = f(); !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		time.Sleep(time.Duration(i+1) * 5 * time.Millisecond)
	}
	return err
}
