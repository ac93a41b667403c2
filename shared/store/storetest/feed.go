package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"ascend/shared/store"
)

// RunFeed tests the change feed of a store that has the tables of Definitions.
// open is called once; other tests may write to the store before.
func RunFeed(t *testing.T, open func(t *testing.T) (store.Store, store.Feed)) {
	s, feed := open(t)
	for _, name := range slices.Sorted(maps.Keys(feeds)) {
		t.Run(name, func(t *testing.T) {
			feeds[name](&feedSuite{suite: &suite{T: t, store: s}, feed: feed})
		})
	}
}

// feedSuite is one test of the feed.
type feedSuite struct {
	*suite
	feed store.Feed
}

var feeds = map[string]func(*feedSuite){
	"each write of an item is told with the item before and after it": func(s *feedSuite) {
		from := s.end()
		first := s.indexed("1")
		first.Body, first.Expires = []byte(strings.Repeat(`{"a":"body"}`, 100)), time.Unix(1_900_000_000, 0).UTC()
		first.Attrs = store.Attrs{"status": store.S("new"), "rank": store.N(1), "tags": store.Set("a", "b")}
		s.put(first)
		s.write(store.Update{Key: first.Key, Add: map[string]int64{"rank": 1}, TakeFrom: map[string]string{"tags": "b"}})
		second := first
		second.Attrs = store.Attrs{"status": store.S("new"), "rank": store.N(2), "tags": store.Set("a")}
		third := store.Item{Key: first.Key, Body: []byte("other")}
		s.put(third)
		s.write(store.Delete{Key: first.Key})
		changes, _ := s.of(from, 4, first.Key)
		for i, want := range []struct{ before, after *store.Item }{{nil, &first}, {&first, &second}, {&second, &third}, {&third, nil}} {
			s.image(changes[i].Old, want.before)
			s.image(changes[i].New, want.after)
			if c := changes[i]; c.Key != first.Key || c.Sequence == "" || time.Since(c.At).Abs() > time.Hour {
				s.Errorf("change %d is %+v", i, c)
			}
		}
	},
	"a group is told whole, and what was not made is not told": func(s *feedSuite) {
		from := s.end()
		put, update, gone, checked := s.thing(), s.thing(), s.thing(), s.thing()
		s.put(store.Item{Key: update}, store.Item{Key: gone}, store.Item{Key: checked})
		s.all(
			store.Put{Item: store.Item{Key: put, Attrs: store.Attrs{"n": store.N(1)}}, If: []store.Cond{store.Absent()}},
			store.Update{Key: update, Add: map[string]int64{"n": 1}},
			store.Delete{Key: gone},
			store.Check{Key: checked, If: []store.Cond{store.Present()}},
		)
		_ = s.conflict(store.Put{Item: store.Item{Key: put, Attrs: store.Attrs{"n": store.N(2)}}, If: []store.Cond{store.Absent()}})
		_ = s.isConflict(nil, s.store.WriteAll(s.Context(),
			store.Update{Key: update, Add: map[string]int64{"n": 1}},
			store.Update{Key: gone, Add: map[string]int64{"n": 1}},
		))
		s.write(store.Delete{Key: gone}) // nothing is there
		s.write(store.Update{Key: checked, Add: map[string]int64{"n": 1}})
		changes, _ := s.of(from, 7, put, update, gone, checked)
		told := map[store.Key][]string{}
		for _, c := range changes {
			told[c.Key] = append(told[c.Key], counts(c))
		}
		for key, want := range map[store.Key][]string{put: {"- 1"}, update: {"- 0", "0 1"}, gone: {"- 0", "0 -"}, checked: {"- 0", "0 1"}} {
			if !slices.Equal(told[key], want) {
				s.Errorf("%v: %q, want %q", key, told[key], want)
			}
		}
	},
	"the changes of an item come in the order of its writes, with concurrent writers": func(s *feedSuite) {
		const items, writers, each = 5, 8, 10
		from := s.end()
		keys := make([]store.Key, items)
		for i := range keys {
			keys[i] = s.thing()
			s.put(store.Item{Key: keys[i]})
		}
		s.together(writers, func(n int) error {
			for i := range each {
				mark := fmt.Sprintf("%d-%d", n, i)
				err := s.again(func() error {
					_, err := s.store.Write(s.Context(), store.Update{
						Key: keys[(n+i)%items], If: []store.Cond{store.Lacks("who", mark)},
						Add: map[string]int64{"n": 1}, AddTo: map[string]string{"who": mark},
					})
					if _, ok := store.Conflict(err); ok {
						return nil // a repeat found its first attempt
					}
					return err
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		changes, _ := s.of(from, items+writers*each, keys...)
		reached := map[store.Key]string{}
		for _, c := range changes {
			before, after, _ := strings.Cut(counts(c), " ")
			if last, ok := reached[c.Key]; ok && last != before || !ok && before != "-" {
				s.Errorf("%v: a change from %s follows one to %s", c.Key, before, last)
			}
			reached[c.Key] = after
		}
		for _, key := range keys {
			if n := fmt.Sprint(s.get(key).Attrs["n"].Num()); reached[key] != n {
				s.Errorf("%v: the last change is to %s, stored is %s", key, reached[key], n)
			}
		}
	},
	"reading resumes after any position, also after one kept as text": func(s *feedSuite) {
		from := s.end()
		k := s.thing()
		const n = 7
		s.put(store.Item{Key: k})
		for range n - 1 {
			s.write(store.Update{Key: k, Add: map[string]int64{"n": 1}})
		}
		all, end := s.of(from, n, k)
		var got []string
		for at := from; len(got) < n; {
			changes, next, err := s.feed.Changes(s.Context(), store.Position([]byte(at)), 2)
			if err != nil || len(changes) > 2 {
				s.Fatalf("after %q: %d changes, %v", at, len(changes), err)
			}
			again, _, err := s.feed.Changes(s.Context(), at, 2)
			if err != nil || len(changes) > 0 && (len(again) == 0 || again[0].Sequence != changes[0].Sequence) {
				s.Fatalf("read again after %q: %v, %v", at, again, err)
			}
			for _, c := range changes {
				got = append(got, counts(c))
			}
			at = next
		}
		for i, c := range all {
			if got[i] != counts(c) {
				s.Errorf("change %d: %s in parts, %s at once", i, got[i], counts(c))
			}
		}
		s.write(store.Update{Key: k, Add: map[string]int64{"n": 1}})
		if changes, _ := s.of(end, 1, k); counts(changes[0]) != fmt.Sprint(n-1, " ", n) {
			s.Errorf("after the end: %s", counts(changes[0]))
		}
	},
	"a write that leaves the item as it was breaks no chain": func(s *feedSuite) {
		from := s.end()
		it := store.Item{Key: s.thing(), Attrs: store.Attrs{"n": store.N(1)}}
		s.put(it, it)
		s.write(store.Update{Key: it.Key, Add: map[string]int64{"n": 1}})
		for _, c := range s.until(from, func(all []store.Change) bool {
			return len(all) > 0 && counts(all[len(all)-1]) == "1 2"
		}, it.Key) {
			if got := counts(c); got != "- 1" && got != "1 1" && got != "1 2" {
				s.Errorf("change %s", got)
			}
		}
	},
	"tables that are not streamed are not in the feed": func(s *feedSuite) {
		from := s.end()
		k := s.thing()
		other := store.Key{Table: Others, PK: k.PK, SK: k.SK}
		s.put(store.Item{Key: other})
		s.all(store.Put{Item: store.Item{Key: k}}, store.Update{Key: other, Add: map[string]int64{"n": 1}})
		if changes, _ := s.of(from, 1, k, other); changes[0].Key != k {
			s.Errorf("%v is in the feed", changes[0].Key)
		}
	},
	"from the empty position on, every change is read": func(s *feedSuite) {
		k := s.thing()
		s.put(store.Item{Key: k})
		s.of("", 1, k)
	},
	"what cannot be read is an error": func(s *feedSuite) {
		end := s.end()
		for name, read := range map[string]struct {
			after store.Position
			limit int
		}{"limit 0": {end, 0}, "limit 1001": {end, 1001}, "no position": {"nonsense", 1}} {
			if changes, _, err := s.feed.Changes(s.Context(), read.after, read.limit); err == nil || errors.Is(err, store.ErrUnavailable) {
				s.Errorf("%s: %d changes, %v", name, len(changes), err)
			}
		}
		if _, _, err := s.feed.Changes(cancelled(), end, 1); !errors.Is(err, store.ErrUnavailable) {
			s.Errorf("cancelled: %v", err)
		}
	},
}

// end returns a position after every write that was answered.
func (s *feedSuite) end() store.Position {
	s.Helper()
	k := s.thing()
	s.put(store.Item{Key: k})
	_, at := s.of("", 1, k)
	return at
}

// of returns the changes of items after a position, of which there must be n.
func (s *feedSuite) of(after store.Position, n int, keys ...store.Key) ([]store.Change, store.Position) {
	s.Helper()
	changes, at := s.read(after, func(all []store.Change) bool { return len(all) >= n }, keys...)
	if len(changes) != n {
		s.Fatalf("%d changes, want %d", len(changes), n)
	}
	return changes, at
}

// until returns the changes of items, read until done.
func (s *feedSuite) until(after store.Position, done func([]store.Change) bool, keys ...store.Key) []store.Change {
	s.Helper()
	changes, _ := s.read(after, done, keys...)
	return changes
}

// read returns the changes of items, read until done.
func (s *feedSuite) read(at store.Position, done func([]store.Change) bool, keys ...store.Key) (all []store.Change, _ store.Position) {
	s.Helper()
	s.eventually("the changes are in the feed", func() bool {
		for {
			changes, next, err := s.feed.Changes(s.Context(), at, 1000)
			if err != nil {
				s.Fatalf("read the feed after %q: %v", at, err)
			}
			at = next
			for _, c := range changes {
				if c.Err != nil {
					s.Fatalf("change %s: %v", c.Sequence, c.Err)
				}
				if slices.Contains(keys, c.Key) {
					all = append(all, c)
				}
			}
			if len(changes) == 0 {
				return done(all)
			}
		}
	})
	return all, at
}

// image fails the test unless an image is the item as wanted.
func (s *feedSuite) image(got, want *store.Item) {
	s.Helper()
	if want == nil || got == nil {
		if got != want {
			s.Errorf("image %v, want %v", got, want)
		}
		return
	}
	s.is(got, *want)
}

// counts returns attribute n of a change before and after, - where there is no item.
func counts(c store.Change) string {
	n := func(it *store.Item) string {
		if it == nil {
			return "-"
		}
		return fmt.Sprint(it.Attrs["n"].Num())
	}
	return n(c.Old) + " " + n(c.New)
}
