package storetest

import (
	"math/rand/v2"
	"slices"
	"strings"

	"ascend/shared/store"
)

var queries = map[string]func(*suite){
	"the table's items are ordered by the bytes of the sort key, in every range": func(s *suite) {
		s.ranges("", func(pk, sort string) store.Item {
			return store.Item{Key: store.Key{Table: Things, PK: pk, SK: sort}, Body: []byte(sort)}
		})
	},
	"an index is ordered by the bytes of its sort key, in every range": func(s *suite) {
		base := s.partition()
		s.ranges(ByOwner, func(pk, sort string) store.Item {
			return store.Item{
				Key:   store.Key{Table: Things, PK: base + "#" + sort, SK: "it"},
				Body:  []byte("not in the index"),
				Index: map[store.Index]store.IndexKey{ByOwner: {PK: pk, SK: sort}},
			}
		})
	},
	"partitions are apart though one name begins another": func(s *suite) {
		pk := s.partition()
		for _, name := range []string{pk, pk + "#", pk + "#1", pk + "\x01", pk + "0"} {
			s.put(store.Item{Key: store.Key{Table: Things, PK: name, SK: "a"}}, store.Item{Key: store.Key{Table: Things, PK: name, SK: "b"}})
		}
		page := s.query(store.Query{Table: Things, PK: pk, Limit: 10})
		if !slices.Equal(page.Sort, []string{"a", "b"}) || page.Items[0].Key.PK != pk {
			s.Errorf("got %q", page.Sort)
		}
	},
	"tables are apart though keys are the same": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k})
		if page := s.query(store.Query{Table: Others, PK: k.PK, Limit: 10}); len(page.Items) != 0 {
			s.Errorf("got %v", page.Items)
		}
	},
	"a table's query returns whole items": func(s *suite) {
		it := store.Item{Key: s.thing(), Attrs: store.Attrs{"secret": store.S("x"), "tags": store.Set("t")}, Body: []byte("body")}
		s.put(it)
		page := s.query(store.Query{Table: Things, PK: it.Key.PK, Limit: 1})
		if len(page.Items) != 1 || page.More {
			s.Fatalf("got %d items, more %v", len(page.Items), page.More)
		}
		s.is(&page.Items[0], it)
	},
	"an index returns keys and projected attributes, no body": func(s *suite) {
		it := s.indexed("1")
		it.Attrs = store.Attrs{"status": store.S("open"), "rank": store.N(3), "tags": store.Set("t"), "secret": store.S("x")}
		s.put(it)
		want := it
		want.Body = nil
		want.Attrs = store.Attrs{"status": store.S("open"), "rank": store.N(3), "tags": store.Set("t")}
		s.eventually("listed", func() bool { return len(s.query(s.owned(it)).Items) == 1 })
		s.is(&s.query(s.owned(it)).Items[0], want)
	},
	"an index lists only the items that name it": func(s *suite) {
		it, plain := s.indexed("1"), s.thing()
		s.put(store.Item{Key: plain}, it)
		s.eventually("listed", func() bool { return len(s.query(s.owned(it)).Items) == 1 })
		q := s.owned(it)
		q.Index = Urgent
		if page := s.query(q); len(page.Items) != 0 {
			s.Errorf("the other index lists %v", page.Items)
		}
	},
	"an index lists all items of one sort key": func(s *suite) {
		first := s.indexed("same")
		for range 5 {
			it := s.indexed("same")
			it.Index = first.Index
			s.put(it)
		}
		s.eventually("all listed", func() bool { return len(s.query(s.owned(first)).Items) == 5 })
	},
	"a put without the index, or at another place in it, leaves the old place": func(s *suite) {
		it := s.indexed("1")
		s.put(it)
		s.eventually("listed", func() bool { return slices.Equal(s.query(s.owned(it)).Sort, []string{"1"}) })
		it.Index = map[store.Index]store.IndexKey{ByOwner: {PK: it.Index[ByOwner].PK, SK: "2"}}
		s.put(it)
		s.eventually("moved", func() bool { return slices.Equal(s.query(s.owned(it)).Sort, []string{"2"}) })
		q := s.owned(it)
		it.Index = nil
		s.put(it)
		s.eventually("gone", func() bool { return len(s.query(q).Items) == 0 })
		if s.get(it.Key) == nil {
			s.Error("the item went too")
		}
	},
	"deleting an item empties its indexes": func(s *suite) {
		it := s.indexed("1")
		it.Index[Urgent] = it.Index[ByOwner]
		s.put(it)
		q := s.owned(it)
		s.eventually("listed", func() bool { return len(s.query(q).Items) == 1 })
		s.write(store.Delete{Key: it.Key})
		s.eventually("gone", func() bool { return len(s.query(q).Items) == 0 })
		q.Index = Urgent
		s.eventually("gone from the other", func() bool { return len(s.query(q).Items) == 0 })
	},
	"an update shows in the index and keeps its place": func(s *suite) {
		it := s.indexed("1")
		it.Attrs = store.Attrs{"status": store.S("open"), "rank": store.N(1)}
		s.put(it)
		s.write(store.Update{Key: it.Key, Set: store.Attrs{"status": store.S("closed"), "secret": store.S("x")}, Add: map[string]int64{"rank": 2}})
		want := show(store.Attrs{"status": store.S("closed"), "rank": store.N(3)})
		s.eventually("updated", func() bool {
			page := s.query(s.owned(it))
			return len(page.Items) == 1 && page.Sort[0] == "1" && show(page.Items[0].Attrs) == want
		})
	},
}

// indexed returns a new item listed in ByOwner at a partition of its own.
func (s *suite) indexed(sort string) store.Item {
	return store.Item{
		Key:   s.thing(),
		Body:  []byte("body"),
		Index: map[store.Index]store.IndexKey{ByOwner: {PK: s.partition(), SK: sort}},
	}
}

// owned returns the query for the partition of the index that an item is in.
func (s *suite) owned(it store.Item) store.Query {
	return store.Query{Table: Things, Index: ByOwner, PK: it.Index[ByOwner].PK, Limit: 10}
}

// ranges puts items at many sort keys and compares queries of all kinds of
// ranges with what a sorted list says.
func (s *suite) ranges(index store.Index, item func(pk, sort string) store.Item) {
	// U+FFFD sorts below U+1F4A5 as bytes, above it as UTF-16.
	alphabet := []string{"a", "b", "B", "#", "0", "9", "é", "\uFFFD", "\U0001F4A5", "\U0010FFFF", "\x01", "~"}
	random := rand.New(rand.NewPCG(1, 2))
	word := func(least, most int) string {
		var b strings.Builder
		for range least + random.IntN(most-least+1) {
			b.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		return b.String()
	}
	pk := s.partition()
	var sorted []string
	for range 120 {
		if sort := word(1, 4); !slices.Contains(sorted, sort) {
			sorted = append(sorted, sort)
			s.put(item(pk, sort))
		}
	}
	slices.Sort(sorted)
	s.eventually("all listed", func() bool {
		return len(s.query(store.Query{Table: Things, Index: index, PK: pk, Limit: 1000}).Items) == len(sorted)
	})
	bound := func() string {
		switch random.IntN(3) {
		case 0:
			return ""
		case 1:
			return word(1, 3)
		default:
			return sorted[random.IntN(len(sorted))]
		}
	}
	for range 400 {
		q := store.Query{
			Table: Things, Index: index, PK: pk,
			After: bound(), Before: bound(), Descending: random.IntN(2) == 0, Limit: 1 + random.IntN(12),
		}
		if random.IntN(2) == 0 {
			q.Prefix = word(1, 2)
		}
		want := selected(sorted, q)
		more := len(want) > q.Limit
		want = want[:min(len(want), q.Limit)]
		page := s.query(q)
		if !slices.Equal(page.Sort, want) || page.More != more {
			s.Fatalf("%+v:\n got %q more %v\nwant %q more %v", q, page.Sort, page.More, want, more)
		}
		for i, it := range page.Items {
			if want := item(pk, page.Sort[i]).Key; it.Key != want {
				s.Fatalf("%+v: item %d is %v, want %v", q, i, it.Key, want)
			}
		}
	}
	s.pages(store.Query{Table: Things, Index: index, PK: pk, Limit: 7}, sorted)
	s.pages(store.Query{Table: Things, Index: index, PK: pk, Limit: 7, Descending: true}, sorted)
}

// pages reads everything page by page.
func (s *suite) pages(q store.Query, sorted []string) {
	s.Helper()
	want := selected(sorted, q)
	var got []string
	for {
		page := s.query(q)
		got = append(got, page.Sort...)
		if !page.More {
			break
		}
		last := page.Sort[len(page.Sort)-1]
		if q.Descending {
			q.Before = last
		} else {
			q.After = last
		}
	}
	if !slices.Equal(got, want) {
		s.Errorf("page by page, descending %v:\n got %q\nwant %q", q.Descending, got, want)
	}
}

// selected returns the sort keys of a query's range in its order.
func selected(sorted []string, q store.Query) []string {
	var in []string
	for _, sort := range sorted {
		if strings.HasPrefix(sort, q.Prefix) && (q.After == "" || sort > q.After) && (q.Before == "" || sort < q.Before) {
			in = append(in, sort)
		}
	}
	if q.Descending {
		slices.Reverse(in)
	}
	return in
}
