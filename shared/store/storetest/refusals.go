package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

var refusals = map[string]func(*suite){
	"keys that no store can hold are refused": func(s *suite) {
		good := s.thing()
		for name, k := range badKeys(good) {
			_, err := s.store.Get(s.Context(), good, k)
			s.refused("get with "+name, err)
			_, err = s.store.Write(s.Context(), store.Put{Item: store.Item{Key: k}})
			s.refused("put with "+name, err)
			_, err = s.store.Write(s.Context(), store.Delete{Key: k})
			s.refused("delete with "+name, err)
			_, err = s.store.Write(s.Context(), store.Update{Key: k, Add: map[string]int64{"n": 1}})
			s.refused("update with "+name, err)
			s.refused("check with "+name, s.store.WriteAll(s.Context(), store.Check{Key: k, If: []store.Cond{store.Absent()}}))
		}
	},
	"odd but lawful keys are kept apart": func(s *suite) {
		pk := s.partition()
		odd := []string{"#", "##", " ", "\x01", "\n", "%00", "é", "e\u0301", "💥", "\u2028", `"\`, "'; --", strings.Repeat("x", 1024)}
		for i, sort := range odd {
			s.put(store.Item{Key: store.Key{Table: Things, PK: pk, SK: sort}, Attrs: store.Attrs{"i": store.N(int64(i))}})
			s.put(store.Item{Key: store.Key{Table: Things, PK: pk + sort, SK: sort}, Attrs: store.Attrs{"i": store.N(int64(-i))}})
		}
		for i, sort := range odd {
			s.has(s.get(store.Key{Table: Things, PK: pk, SK: sort}).Attrs, store.Attrs{"i": store.N(int64(i))})
			s.has(s.get(store.Key{Table: Things, PK: pk + sort, SK: sort}).Attrs, store.Attrs{"i": store.N(int64(-i))})
		}
	},
	"writes that break a rule are refused and change nothing": func(s *suite) {
		k := s.thing()
		it := store.Item{Key: k, Attrs: store.Attrs{"n": store.N(1)}}
		s.put(it)
		put := func(change func(*store.Item)) store.Op {
			next := store.Item{Key: k, Attrs: store.Attrs{}}
			change(&next)
			return store.Put{Item: next}
		}
		set := func(name string, v store.Value) store.Op { return put(func(it *store.Item) { it.Attrs[name] = v }) }
		when := func(c store.Cond) store.Op { return store.Delete{Key: k, If: []store.Cond{c}} }
		at := func(index store.Index, pk, sk string) store.Op {
			return put(func(it *store.Item) { it.Index = map[store.Index]store.IndexKey{index: {PK: pk, SK: sk}} })
		}
		for name, op := range map[string]store.Op{
			"a lone check":               store.Check{Key: k, If: []store.Cond{store.Present()}},
			"an item above 400 KB":       put(func(it *store.Item) { it.Body = make([]byte, 400_001) }),
			"an attribute without name":  set("", store.S("x")),
			"a name with a dot":          set("a.b", store.S("x")),
			"a name with a hash":         set("#a", store.S("x")),
			"a name outside ASCII":       set("é", store.S("x")),
			"a name of 65 characters":    set(strings.Repeat("x", 65), store.S("x")),
			"a number of 2^53":           set("n", store.N(1<<53)),
			"a number of -2^53":          set("n", store.N(-1<<53)),
			"a string that is not UTF-8": set("x", store.S("\xff")),
			"a set with an empty member": set("x", store.Set("a", "")),
			"a set with a member twice":  set("x", store.Set("a", "b", "a")),
			"an unknown index":           at("nowhere", "a", "b"),
			"an empty index partition":   at(ByOwner, "", "b"),
			"an empty index sort key":    at(ByOwner, "a", ""),
			"an index key with NUL":      at(ByOwner, "a\x00", "b"),
			"an expiry before 1970":      put(func(it *store.Item) { it.Expires = time.Unix(-5, 0) }),
			"an update of nothing":       store.Update{Key: k},
			"an attribute named twice":   store.Update{Key: k, Set: store.Attrs{"n": store.N(1)}, Add: map[string]int64{"n": 1}},
			"a removal named twice":      store.Update{Key: k, Remove: []string{"n", "n"}},
			"an empty member":            store.Update{Key: k, AddTo: map[string]string{"x": ""}},
			"adding 2^53":                store.Update{Key: k, Add: map[string]int64{"x": 1 << 53}},
			"equal to a set":             when(store.Equal("x", store.Set("a"))),
			"a condition without name":   when(store.Equal("", store.S("a"))),
			"below without limit's name": when(store.Below("n", "")),
			"lacks the empty member":     when(store.Lacks("x", "")),
			"an unknown test":            when(store.Cond{Test: 99}),
		} {
			_, err := s.store.Write(s.Context(), op)
			s.refused(name, err)
			if _, alone := op.(store.Check); !alone {
				s.refused(name+" in a group", s.store.WriteAll(s.Context(), op))
			}
		}
		s.is(s.get(k), it)
	},
	"an item of more than the largest size is refused as too large": func(s *suite) {
		k := s.thing()
		it := store.Item{Key: k, Attrs: store.Attrs{"n": store.N(1), "x": store.Set("a", "b")}, Index: map[store.Index]store.IndexKey{ByOwner: {PK: "o", SK: k.SK}}}
		it.Body = make([]byte, store.MaxItem-it.Size())
		if it.Size() != store.MaxItem {
			s.Fatalf("the largest item counts %d bytes", it.Size())
		}
		s.put(it)
		it.Body = append(it.Body, 0)
		_, err := s.store.Write(s.Context(), store.Put{Item: it})
		s.tooLarge("put", k, err)
		s.tooLarge("put in a group", k, s.store.WriteAll(s.Context(), store.Put{Item: it}))
	},
	"an update that lets an item grow too large is refused as such": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k, Attrs: store.Attrs{"x": store.S(strings.Repeat("x", 300_000))}})
		grow := store.Update{Key: k, Set: store.Attrs{"y": store.S(strings.Repeat("y", 150_000))}}
		_, err := s.store.Write(s.Context(), grow)
		s.tooLarge("update", k, err)
		s.tooLarge("update in a group", k, s.store.WriteAll(s.Context(), store.Check{Key: s.thing(), If: []store.Cond{store.Absent()}}, grow))
		if _, grew := s.get(k).Attrs["y"]; grew {
			s.Error("it grew all the same")
		}
	},
	"groups of no, too many, too large or equal items are refused": func(s *suite) {
		k := s.thing()
		s.refused("no writes", s.store.WriteAll(s.Context()))
		s.refused("twice the same item", s.store.WriteAll(s.Context(), store.Put{Item: store.Item{Key: k}}, store.Delete{Key: k}))
		s.refused("a check without condition", s.store.WriteAll(s.Context(), store.Check{Key: k}))
		var ops []store.Op
		for i := range 101 {
			ops = append(ops, store.Put{Item: store.Item{Key: store.Key{Table: Things, PK: k.PK, SK: fmt.Sprint(i)}}})
		}
		s.refused("101 writes", s.store.WriteAll(s.Context(), ops...))
		for i := range ops[:11] {
			ops[i] = store.Put{Item: store.Item{Key: store.KeyOf(ops[i]), Body: make([]byte, 380_000)}}
		}
		s.refused("more than 4 MB", s.store.WriteAll(s.Context(), ops[:11]...))
	},
	"queries and reads out of bounds are refused": func(s *suite) {
		q := store.Query{Table: Things, PK: "p", Limit: 1}
		for name, change := range map[string]func(*store.Query){
			"no partition":       func(q *store.Query) { q.PK = "" },
			"no table":           func(q *store.Query) { q.Table = "" },
			"an unknown table":   func(q *store.Query) { q.Table = "nothing" },
			"an unknown index":   func(q *store.Query) { q.Index = "nothing" },
			"limit 0":            func(q *store.Query) { q.Limit = 0 },
			"limit 1001":         func(q *store.Query) { q.Limit = 1001 },
			"a prefix not UTF-8": func(q *store.Query) { q.Prefix = "\xc3" },
			"a bound with NUL":   func(q *store.Query) { q.After = "a\x00" },
			"a bound too long":   func(q *store.Query) { q.Before = strings.Repeat("x", 1025) },
		} {
			bad := q
			change(&bad)
			_, err := s.store.Query(s.Context(), bad)
			s.refused(name, err)
		}
		_, err := s.store.Get(s.Context(), make([]store.Key, 101)...)
		s.refused("101 keys", err)
	},
}

// badKeys returns keys that differ from a good one in one fault.
func badKeys(good store.Key) map[string]store.Key {
	bad := func(change func(*store.Key)) store.Key {
		k := good
		change(&k)
		return k
	}
	return map[string]store.Key{
		"no table":                  bad(func(k *store.Key) { k.Table = "" }),
		"an unknown table":          bad(func(k *store.Key) { k.Table = "nothing" }),
		"no partition key":          bad(func(k *store.Key) { k.PK = "" }),
		"no sort key":               bad(func(k *store.Key) { k.SK = "" }),
		"NUL in the partition key":  bad(func(k *store.Key) { k.PK += "\x00" }),
		"NUL in the sort key":       bad(func(k *store.Key) { k.SK = "a\x00b" }),
		"a partition key not UTF-8": bad(func(k *store.Key) { k.PK = "\xff" }),
		"a sort key not UTF-8":      bad(func(k *store.Key) { k.SK = "\xed\xa0\x80" }),
		"a long partition key":      bad(func(k *store.Key) { k.PK = strings.Repeat("x", 2049) }),
		"a long sort key":           bad(func(k *store.Key) { k.SK = strings.Repeat("x", 1025) }),
	}
}

// refused fails the test unless err reports a mistake of the caller.
func (s *suite) refused(what string, err error) {
	s.Helper()
	_, conflict := store.Conflict(err)
	if err == nil || conflict || errors.Is(err, store.ErrUnavailable) {
		s.Errorf("%s: got %v, want a refusal", what, err)
	}
}

// tooLarge fails unless err says that the item at k would be too large, which
// is no unavailable store.
func (s *suite) tooLarge(what string, k store.Key, err error) {
	s.Helper()
	s.refused(what, err)
	var large *store.TooLargeError
	if !errors.As(err, &large) || large.Key != k || problem.Unavailable("write", err).Kind != problem.KindTooLarge {
		s.Errorf("%s: got %v, want that %v is too large", what, err, k)
	}
}
