package storetest

import (
	"fmt"
	"sync/atomic"

	"ascend/shared/store"
)

// Reads are asked only after a write that is not deferred was answered: before
// that they may show deferred updates or not.
var deferred = map[string]func(*suite){
	"a deferred update is as any other once another write was answered": func(s *suite) {
		it := store.Item{
			Key: s.thing(), Body: []byte("body"),
			Attrs: store.Attrs{"rank": store.N(5), "tags": store.Set("a"), "gone": store.S("x")},
			Index: map[store.Index]store.IndexKey{ByOwner: {PK: s.Name(), SK: "1"}},
		}
		s.put(it)
		got := s.write(store.Update{
			Key: it.Key, Deferred: true,
			Set: store.Attrs{"status": store.S("new")}, Add: map[string]int64{"rank": -7},
			AddTo: map[string]string{"tags": "b"}, Remove: []string{"gone"},
		})
		it.Attrs = store.Attrs{"status": store.S("new"), "rank": store.N(-2), "tags": store.Set("a", "b")}
		s.put(store.Item{Key: s.thing()})
		s.is(s.get(it.Key), it)
		s.eventually("the index shows the update", func() bool {
			page := s.query(store.Query{Table: Things, Index: ByOwner, PK: s.Name(), Limit: 2})
			return len(page.Items) == 1 && show(page.Items[0].Attrs) == show(it.Attrs)
		})
		it.Body, it.Index = nil, nil
		s.is(got, it)
	},
	"a deferred update is there after a write that met a conflict": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k})
		s.write(store.Update{Key: k, Add: map[string]int64{"n": 1}, Deferred: true})
		s.conflict(store.Put{Item: store.Item{Key: k}, If: []store.Cond{store.Absent()}})
		s.has(s.get(k).Attrs, store.Attrs{"n": store.N(1)})
	},
	"conditions of the writes that follow see it at once": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k, Attrs: store.Attrs{"limit": store.N(3)}})
		count := store.Update{Key: k, If: []store.Cond{store.Below("n", "limit")}, Add: map[string]int64{"n": 1}, Deferred: true}
		for n := range int64(3) {
			s.has(s.write(count).Attrs, store.Attrs{"n": store.N(n + 1), "limit": store.N(3)})
		}
		full := store.Item{Key: k, Attrs: store.Attrs{"n": store.N(3), "limit": store.N(3)}}
		s.is(s.conflict(count).Old, full)
		err := s.store.WriteAll(s.Context(),
			store.Put{Item: store.Item{Key: s.thing()}},
			store.Check{Key: k, If: []store.Cond{store.Below("n", "limit")}},
		)
		s.is(s.isConflict(nil, err).Old, full)
		count.Deferred = false
		s.is(s.conflict(count).Old, full)
		s.write(store.Delete{Key: k, If: []store.Cond{store.Equal("n", store.N(3))}})
	},
	"a deferred update of a missing item conflicts and makes none": func(s *suite) {
		k := s.thing()
		if c := s.conflict(store.Update{Key: k, Add: map[string]int64{"n": 1}, Deferred: true}); c.Old != nil {
			s.Errorf("conflict %+v", c)
		}
		s.put(store.Item{Key: s.thing()})
		if s.get(k) != nil {
			s.Error("the update made an item")
		}
	},
	"a deferred update in a group stands or falls with it": func(s *suite) {
		k, other := s.thing(), s.thing()
		s.put(store.Item{Key: k})
		group := []store.Op{
			store.Update{Key: k, Add: map[string]int64{"n": 1}, Deferred: true},
			store.Put{Item: store.Item{Key: other}, If: []store.Cond{store.Absent()}},
		}
		if err := s.store.WriteAll(s.Context(), group...); err != nil {
			s.Fatal(err)
		}
		s.isConflict(nil, s.store.WriteAll(s.Context(), group...))
		s.has(s.get(k).Attrs, store.Attrs{"n": store.N(1)})
	},
	"64 deferred writers against a limit: exactly the limit is admitted": func(s *suite) {
		const writers, limit = 64, 20
		k := s.thing()
		s.put(store.Item{Key: k, Attrs: store.Attrs{"limit": store.N(limit)}})
		var admitted atomic.Int64
		s.together(writers, func(n int) error {
			member := fmt.Sprint(n)
			err := s.again(func() error {
				_, err := s.store.Write(s.Context(), store.Update{
					Key: k, If: []store.Cond{store.Below("n", "limit"), store.Lacks("who", member)},
					Add: map[string]int64{"n": 1}, AddTo: map[string]string{"who": member}, Deferred: true,
				})
				return err
			})
			if _, ok := store.Conflict(err); ok {
				return nil
			}
			if err != nil {
				return err
			}
			admitted.Add(1)
			return s.again(func() error {
				_, err := s.store.Write(s.Context(), store.Put{Item: store.Item{Key: s.key(member)}})
				return err
			})
		})
		s.put(store.Item{Key: s.thing()})
		it := s.get(k)
		if n, who := it.Attrs["n"].Num(), len(it.Attrs["who"].Members()); n != limit || who != limit || admitted.Load() > limit {
			s.Errorf("counted %d, %d members, %d told of success; want %d", n, who, admitted.Load(), limit)
		}
	},
}
