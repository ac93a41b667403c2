package storetest

import "ascend/shared/store"

// truth is a row of a condition's truth table.
type truth struct {
	name  string
	attrs store.Attrs // nil: there is no item
	cond  store.Cond
	holds bool
}

var truths = []truth{
	{"absent without item", nil, store.Absent(), true},
	{"absent with item", store.Attrs{}, store.Absent(), false},
	{"present without item", nil, store.Present(), false},
	{"present with item", store.Attrs{}, store.Present(), true},

	{"equal without item", nil, store.Equal("x", store.S("a")), false},
	{"equal without attribute", store.Attrs{}, store.Equal("x", store.S("a")), false},
	{"the empty string is not an absent attribute", store.Attrs{}, store.Equal("x", store.S("")), false},
	{"zero is not an absent attribute", store.Attrs{}, store.Equal("x", store.N(0)), false},
	{"equal strings", store.Attrs{"x": store.S("a")}, store.Equal("x", store.S("a")), true},
	{"equal empty strings", store.Attrs{"x": store.S("")}, store.Equal("x", store.S("")), true},
	{"strings in another case", store.Attrs{"x": store.S("A")}, store.Equal("x", store.S("a")), false},
	{"equal numbers", store.Attrs{"x": store.N(12)}, store.Equal("x", store.N(12)), true},
	{"other numbers", store.Attrs{"x": store.N(12)}, store.Equal("x", store.N(-12)), false},
	{"a number is no string", store.Attrs{"x": store.N(12)}, store.Equal("x", store.S("12")), false},
	{"a string is no number", store.Attrs{"x": store.S("0")}, store.Equal("x", store.N(0)), false},
	{"a set is no string", store.Attrs{"x": store.Set("a")}, store.Equal("x", store.S("a")), false},

	{"below without item", nil, store.Below("n", "limit"), true},
	{"below without both", store.Attrs{}, store.Below("n", "limit"), true},
	{"below without limit", store.Attrs{"n": store.N(1 << 40)}, store.Below("n", "limit"), true},
	{"below without count", store.Attrs{"limit": store.N(1)}, store.Below("n", "limit"), true},
	{"below without count and limit 0", store.Attrs{"limit": store.N(0)}, store.Below("n", "limit"), false},
	{"below without count and limit under 0", store.Attrs{"limit": store.N(-1)}, store.Below("n", "limit"), false},
	{"limit 0", store.Attrs{"n": store.N(0), "limit": store.N(0)}, store.Below("n", "limit"), false},
	{"one below", store.Attrs{"n": store.N(9), "limit": store.N(10)}, store.Below("n", "limit"), true},
	{"at the limit", store.Attrs{"n": store.N(10), "limit": store.N(10)}, store.Below("n", "limit"), false},
	{"above", store.Attrs{"n": store.N(11), "limit": store.N(10)}, store.Below("n", "limit"), false},
	{"numbers are compared as numbers", store.Attrs{"n": store.N(9), "limit": store.N(100)}, store.Below("n", "limit"), true},
	{"negative count", store.Attrs{"n": store.N(-1), "limit": store.N(0)}, store.Below("n", "limit"), true},
	{"count of another kind", store.Attrs{"n": store.S("1"), "limit": store.N(10)}, store.Below("n", "limit"), false},
	{"limit of another kind", store.Attrs{"n": store.N(1), "limit": store.S("10")}, store.Below("n", "limit"), false},
	{"limit of another kind without count", store.Attrs{"limit": store.S("10")}, store.Below("n", "limit"), false},
	{"limit a set without count", store.Attrs{"limit": store.Set("10")}, store.Below("n", "limit"), false},

	{"lacks without item", nil, store.Lacks("tags", "a"), true},
	{"lacks without attribute", store.Attrs{}, store.Lacks("tags", "a"), true},
	{"lacks another member", store.Attrs{"tags": store.Set("b", "ab")}, store.Lacks("tags", "a"), true},
	{"lacks a member that is there", store.Attrs{"tags": store.Set("b", "a")}, store.Lacks("tags", "a"), false},

	{"holds without item", nil, store.Holds("tags", "a"), false},
	{"holds without attribute", store.Attrs{}, store.Holds("tags", "a"), false},
	{"holds another member", store.Attrs{"tags": store.Set("b", "ab")}, store.Holds("tags", "a"), false},
	{"holds a member that is there", store.Attrs{"tags": store.Set("b", "a")}, store.Holds("tags", "a"), true},
	{"a string holds no member", store.Attrs{"tags": store.S("bab")}, store.Holds("tags", "a"), false},
}

var conditions = map[string]func(*suite){
	"each condition holds exactly when it should": func(s *suite) {
		for _, row := range truths {
			row.test(s)
		}
	},
	"all conditions must hold": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k, Attrs: store.Attrs{"x": store.S("a"), "n": store.N(1), "limit": store.N(2)}})
		good := []store.Cond{store.Present(), store.Equal("x", store.S("a")), store.Below("n", "limit"), store.Lacks("tags", "t")}
		add := store.Update{Key: k, If: good, Add: map[string]int64{"m": 1}}
		s.write(add)
		for i := range good {
			bad := append([]store.Cond{}, good...)
			bad[i] = store.Equal("x", store.S("b"))
			add.If = bad
			_ = s.conflict(add)
		}
		s.has(s.get(k).Attrs, store.Attrs{"x": store.S("a"), "n": store.N(1), "limit": store.N(2), "m": store.N(1)})
	},
	"conditions look at the item before the write": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k, Attrs: store.Attrs{"n": store.N(0), "limit": store.N(1)}})
		u := store.Update{Key: k, If: []store.Cond{store.Below("n", "limit")}, Add: map[string]int64{"n": 1}}
		s.write(u)
		_ = s.conflict(u)
	},
}

// test asks the row's condition in each kind of operation.
func (row truth) test(s *suite) {
	prepare := func() store.Key {
		k := s.thing()
		if row.attrs != nil {
			s.put(store.Item{Key: k, Attrs: row.attrs})
		}
		return k
	}
	conds := []store.Cond{row.cond}
	verdict := func(what string, err error, want bool) {
		c, conflict := store.Conflict(err)
		switch {
		case err != nil && !conflict:
			s.Errorf("%s, %s: %v", row.name, what, err)
		case conflict == want:
			s.Errorf("%s, %s: holds is %v, want %v", row.name, what, !conflict, want)
		case conflict && (c.Old == nil) != (row.attrs == nil):
			s.Errorf("%s, %s: conflict shows %v", row.name, what, c.Old)
		}
	}
	_, err := s.store.Write(s.Context(), store.Put{Item: store.Item{Key: prepare()}, If: conds})
	verdict("put", err, row.holds)
	_, err = s.store.Write(s.Context(), store.Delete{Key: prepare(), If: conds})
	verdict("delete", err, row.holds)
	_, err = s.store.Write(s.Context(), store.Update{Key: prepare(), If: conds, Set: store.Attrs{"y": store.N(1)}})
	verdict("update", err, row.holds && row.attrs != nil)
	err = s.store.WriteAll(s.Context(), store.Check{Key: prepare(), If: conds}, store.Put{Item: store.Item{Key: s.thing()}})
	verdict("check", err, row.holds)
}
