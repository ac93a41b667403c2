package storetest

import (
	"fmt"

	"ascend/shared/store"
)

var groups = map[string]func(*suite){
	"a group is made whole": func(s *suite) {
		put, update, deleted, checked := s.thing(), s.thing(), s.thing(), s.thing()
		other := store.Key{Table: Others, PK: put.PK, SK: put.SK}
		s.put(store.Item{Key: update, Attrs: store.Attrs{"n": store.N(1)}, Body: []byte("b")}, store.Item{Key: deleted}, store.Item{Key: checked})
		s.all(
			store.Put{Item: store.Item{Key: put, Body: []byte("p")}, If: []store.Cond{store.Absent()}},
			store.Put{Item: store.Item{Key: other}},
			store.Update{Key: update, Add: map[string]int64{"n": 1}},
			store.Delete{Key: deleted, If: []store.Cond{store.Present()}},
			store.Check{Key: checked, If: []store.Cond{store.Present()}},
		)
		s.is(s.get(put), store.Item{Key: put, Body: []byte("p")})
		s.is(s.get(other), store.Item{Key: other})
		s.is(s.get(update), store.Item{Key: update, Attrs: store.Attrs{"n": store.N(2)}, Body: []byte("b")})
		s.is(s.get(checked), store.Item{Key: checked})
		if s.get(deleted) != nil {
			s.Error("the delete was not made")
		}
	},
	"a group with a conflict makes nothing and tells which operation and item": func(s *suite) {
		exists := store.Item{Key: s.thing(), Attrs: store.Attrs{"x": store.S("a"), "n": store.N(1)}, Body: []byte("old")}
		s.put(exists)
		bad := map[string]store.Op{
			"put":    store.Put{Item: store.Item{Key: exists.Key}, If: []store.Cond{store.Absent()}},
			"update": store.Update{Key: exists.Key, If: []store.Cond{store.Equal("x", store.S("b"))}, Add: map[string]int64{"n": 1}},
			"delete": store.Delete{Key: exists.Key, If: []store.Cond{store.Equal("x", store.S("b"))}},
			"check":  store.Check{Key: exists.Key, If: []store.Cond{store.Absent()}},
		}
		for name, op := range bad {
			for at := range 3 {
				ops := []store.Op{store.Put{Item: store.Item{Key: s.thing()}}, store.Put{Item: store.Item{Key: s.thing()}}}
				fresh := []store.Key{store.KeyOf(ops[0]), store.KeyOf(ops[1])}
				ops = append(ops[:at:at], append([]store.Op{op}, ops[at:]...)...)
				c := s.isConflict(nil, s.store.WriteAll(s.Context(), ops...))
				if c.Op != at || c.Key != exists.Key {
					s.Errorf("%s at %d: conflict names operation %d, %v", name, at, c.Op, c.Key)
				}
				s.is(c.Old, exists)
				s.is(s.get(exists.Key), exists)
				for _, k := range fresh {
					if s.get(k) != nil {
						s.Errorf("%s at %d: a part of the group was made", name, at)
					}
				}
			}
		}
	},
	"an update of a missing item conflicts in a group too": func(s *suite) {
		k, fresh := s.thing(), s.thing()
		c := s.isConflict(nil, s.store.WriteAll(s.Context(),
			store.Put{Item: store.Item{Key: fresh}}, store.Update{Key: k, Add: map[string]int64{"n": 1}}))
		if c.Op != 1 || c.Key != k || c.Old != nil || s.get(fresh) != nil || s.get(k) != nil {
			s.Errorf("conflict %+v", c)
		}
	},
	"with several conflicts the first is told": func(s *suite) {
		a, b := s.thing(), s.thing()
		s.put(store.Item{Key: a}, store.Item{Key: b})
		c := s.isConflict(nil, s.store.WriteAll(s.Context(),
			store.Put{Item: store.Item{Key: s.thing()}},
			store.Put{Item: store.Item{Key: b}, If: []store.Cond{store.Absent()}},
			store.Put{Item: store.Item{Key: a}, If: []store.Cond{store.Absent()}}))
		if c.Op != 1 || c.Key != b {
			s.Errorf("conflict %+v", c)
		}
	},
	"a group has room for 100 writes": func(s *suite) {
		pk := s.partition()
		var ops []store.Op
		for i := range 100 {
			ops = append(ops, store.Put{Item: store.Item{Key: store.Key{Table: Things, PK: pk, SK: fmt.Sprintf("%03d", i)}}})
		}
		s.all(ops...)
		if page := s.query(store.Query{Table: Things, PK: pk, Limit: 1000}); len(page.Items) != 100 {
			s.Errorf("%d items, want 100", len(page.Items))
		}
	},
	"a group that cannot be computed makes nothing": func(s *suite) {
		k, fresh := s.thing(), s.thing()
		s.put(store.Item{Key: k, Attrs: store.Attrs{"x": store.S("a")}})
		err := s.store.WriteAll(s.Context(), store.Put{Item: store.Item{Key: fresh}}, store.Update{Key: k, Add: map[string]int64{"x": 1}})
		s.refused("add to a string", err)
		if s.get(fresh) != nil {
			s.Error("a part of the group was made")
		}
	},
	"a group keeps indexes in step": func(s *suite) {
		a, b := s.indexed("1"), s.indexed("2")
		b.Index = map[store.Index]store.IndexKey{ByOwner: {PK: a.Index[ByOwner].PK, SK: "2"}}
		s.all(store.Put{Item: a}, store.Put{Item: b})
		s.eventually("both listed", func() bool { return len(s.query(s.owned(a)).Items) == 2 })
		s.all(store.Delete{Key: a.Key}, store.Update{Key: b.Key, Set: store.Attrs{"rank": store.N(4)}})
		s.eventually("one listed", func() bool {
			page := s.query(s.owned(a))
			return len(page.Items) == 1 && page.Items[0].Attrs["rank"].Num() == 4
		})
	},
}

func (s *suite) all(ops ...store.Op) {
	s.Helper()
	if err := s.store.WriteAll(s.Context(), ops...); err != nil {
		s.Fatalf("write all: %v", err)
	}
}
