package storetest

import (
	"time"

	"ascend/shared/store"
)

var writes = map[string]func(*suite){
	"a put replaces the whole item": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k, Attrs: store.Attrs{"rank": store.N(1)}, Body: []byte("old"), Expires: time.Unix(1_900_000_000, 0)})
		next := store.Item{Key: k, Attrs: store.Attrs{"status": store.S("new")}}
		s.put(next)
		s.is(s.get(k), next)
	},
	"a put and a delete return nothing": func(s *suite) {
		k := s.thing()
		if it := s.write(store.Put{Item: store.Item{Key: k}}); it != nil {
			s.Errorf("put returned %v", it)
		}
		if it := s.write(store.Delete{Key: k}); it != nil {
			s.Errorf("delete returned %v", it)
		}
	},
	"deleting removes, and removing what is not there is no error": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k})
		s.write(store.Delete{Key: k})
		if it := s.get(k); it != nil {
			s.Errorf("still there: %v", it)
		}
		s.write(store.Delete{Key: k})
	},
	"a delete's condition is held": func(s *suite) {
		k := s.thing()
		if c := s.conflict(store.Delete{Key: k, If: []store.Cond{store.Present()}}); c.Old != nil || c.Key != k {
			s.Errorf("conflict %+v", c)
		}
		it := store.Item{Key: k, Attrs: store.Attrs{"status": store.S("a")}, Body: []byte("b")}
		s.put(it)
		s.is(s.conflict(store.Delete{Key: k, If: []store.Cond{store.Equal("status", store.S("b"))}}).Old, it)
		s.write(store.Delete{Key: k, If: []store.Cond{store.Equal("status", store.S("a"))}})
		if s.get(k) != nil {
			s.Error("still there")
		}
	},
	"an update changes attributes, keeps the rest and returns the item without body": func(s *suite) {
		it := store.Item{
			Key: s.thing(), Body: []byte("body"), Expires: time.Unix(1_900_000_000, 0),
			Attrs: store.Attrs{
				"kept": store.S("k"), "status": store.S("old"), "rank": store.N(5), "tags": store.Set("a"),
				"gone": store.S("x"), "goneset": store.Set("x"), "emptied": store.Set("x"),
			},
		}
		s.put(it)
		got := s.write(store.Update{
			Key:    it.Key,
			Set:    store.Attrs{"status": store.S("new"), "added": store.Set("x", "y"), "emptied": store.Set()},
			Add:    map[string]int64{"rank": -7, "count": 3},
			AddTo:  map[string]string{"tags": "b", "fresh": "f"},
			Remove: []string{"gone", "goneset", "never"},
		})
		it.Attrs = store.Attrs{
			"kept": store.S("k"), "status": store.S("new"), "added": store.Set("x", "y"),
			"rank": store.N(-2), "count": store.N(3), "tags": store.Set("a", "b"), "fresh": store.Set("f"),
		}
		s.is(s.get(it.Key), it)
		it.Body = nil
		s.is(got, it)
	},
	"adding a member that is there changes nothing": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k, Attrs: store.Attrs{"tags": store.Set("a", "b")}})
		s.has(s.write(store.Update{Key: k, AddTo: map[string]string{"tags": "a"}}).Attrs, store.Attrs{"tags": store.Set("a", "b")})
	},
	"taking a member leaves the others, and the last takes the attribute with it": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k, Attrs: store.Attrs{"tags": store.Set("a", "b"), "one": store.Set("a"), "other": store.Set("b")}})
		got := s.write(store.Update{Key: k, TakeFrom: map[string]string{"tags": "a", "one": "a", "other": "a", "none": "a"}})
		s.has(got.Attrs, store.Attrs{"tags": store.Set("b"), "other": store.Set("b")})
	},
	"an update of a missing item conflicts and makes none": func(s *suite) {
		k := s.thing()
		for _, conds := range [][]store.Cond{nil, {store.Absent()}, {store.Below("n", "limit"), store.Lacks("tags", "a")}} {
			c := s.conflict(store.Update{Key: k, If: conds, Add: map[string]int64{"n": 1}})
			if c.Old != nil || c.Op != 0 || c.Key != k {
				s.Errorf("conflict %+v", c)
			}
		}
		if s.get(k) != nil {
			s.Error("the update made an item")
		}
	},
	"a conflict carries the item as it stands and changes nothing": func(s *suite) {
		it := store.Item{
			Key: s.thing(), Body: []byte("mine"), Expires: time.Unix(1_900_000_000, 0),
			Attrs: store.Attrs{"command": store.S("c1"), "rank": store.N(1), "tags": store.Set("a")},
			Index: map[store.Index]store.IndexKey{ByOwner: {PK: s.Name(), SK: "1"}},
		}
		s.put(it)
		put := s.conflict(store.Put{Item: store.Item{Key: it.Key, Body: []byte("other")}, If: []store.Cond{store.Absent()}})
		s.is(put.Old, it)
		update := s.conflict(store.Update{Key: it.Key, If: []store.Cond{store.Equal("rank", store.N(2))}, Add: map[string]int64{"rank": 1}})
		s.is(update.Old, it)
		s.is(s.get(it.Key), it)
	},
	"an update that cannot be computed is an error, not a conflict": func(s *suite) {
		k := s.thing()
		it := store.Item{Key: k, Attrs: store.Attrs{"status": store.S("x"), "rank": store.N(1), "tags": store.Set("a")}}
		s.put(it)
		for name, u := range map[string]store.Update{
			"add to a string":             {Key: k, Add: map[string]int64{"status": 1}},
			"add to a set":                {Key: k, Add: map[string]int64{"tags": 1}},
			"add a member to a number":    {Key: k, AddTo: map[string]string{"rank": "a"}},
			"add a member to a string":    {Key: k, AddTo: map[string]string{"status": "a"}},
			"take a member from a number": {Key: k, TakeFrom: map[string]string{"rank": "a"}},
			"one good and one bad change": {Key: k, Add: map[string]int64{"rank": 1, "status": 1}},
		} {
			_, err := s.store.Write(s.Context(), u)
			s.refused(name, err)
		}
		s.is(s.get(k), it)
	},
}
