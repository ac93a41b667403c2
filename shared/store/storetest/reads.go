package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"ascend/shared/store"
)

var reads = map[string]func(*suite){
	"batch reads are aligned with the keys and nil where there is no item": func(s *suite) {
		pk := s.partition()
		var keys []store.Key
		for i := range 100 {
			k := store.Key{Table: Things, PK: pk, SK: fmt.Sprintf("%03d", i)}
			if i%2 == 1 {
				k.Table = Others
			}
			keys = append(keys, k)
			if i%3 != 0 {
				s.put(store.Item{Key: k, Attrs: store.Attrs{"rank": store.N(int64(i))}})
			}
		}
		items, err := s.store.Get(s.Context(), keys...)
		if err != nil || len(items) != len(keys) {
			s.Fatalf("%d items, %v", len(items), err)
		}
		for i, it := range items {
			if i%3 == 0 {
				if it != nil {
					s.Errorf("key %d: got %v, want nil", i, it.Key)
				}
				continue
			}
			s.is(it, store.Item{Key: keys[i], Attrs: store.Attrs{"rank": store.N(int64(i))}})
		}
	},
	"a key asked for twice is answered twice": func(s *suite) {
		k, other := s.thing(), s.thing()
		s.put(store.Item{Key: k, Body: []byte("x")})
		items, err := s.store.Get(s.Context(), k, other, k)
		if err != nil || len(items) != 3 || items[0] == nil || items[1] != nil || items[2] == nil {
			s.Fatalf("got %v, %v", items, err)
		}
	},
	"no keys are no items": func(s *suite) {
		if items, err := s.store.Get(s.Context()); err != nil || len(items) != 0 {
			s.Fatalf("got %v, %v", items, err)
		}
	},
	"an item comes back as it was put": func(s *suite) {
		it := store.Item{
			Key: s.thing(),
			Attrs: store.Attrs{
				"status": store.S("a\x00b ünïcode 💥"), "empty": store.S(""), "a": store.S("clash"), "pk": store.S("clash"), "body": store.S("clash"),
				"rank": store.N(-7), "big": store.N(1<<53 - 1), "small": store.N(-(1<<53 - 1)), "zero": store.N(0),
				"tags": store.Set("one", "two", "drei"), "_A9": store.S("name"),
			},
			Body:    []byte{0, 1, 2, 255, '#'},
			Index:   map[store.Index]store.IndexKey{ByOwner: {PK: s.Name(), SK: "x"}},
			Expires: time.Unix(1_900_000_000, 0),
		}
		s.put(it)
		s.is(s.get(it.Key), it)
	},
	"an empty set is no attribute": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k, Attrs: store.Attrs{"tags": store.Set(), "rank": store.N(1)}})
		s.has(s.get(k).Attrs, store.Attrs{"rank": store.N(1)})
	},
	"a body of 200 KB survives": func(s *suite) {
		k := s.thing()
		body := bytes.Repeat([]byte("0123456789abcdef"), 200<<10/16)
		s.put(store.Item{Key: k, Body: body})
		s.is(s.get(k), store.Item{Key: k, Body: body})
	},
	"a batch larger than one answer of the store is read whole": func(s *suite) {
		pk := s.partition()
		body := bytes.Repeat([]byte{7}, 380_000)
		var keys []store.Key
		for i := range 50 { // 19 MB; DynamoDB answers 16 MB at once
			k := store.Key{Table: Others, PK: pk, SK: fmt.Sprint(i)}
			s.put(store.Item{Key: k, Body: body})
			keys = append(keys, k)
		}
		items, err := s.store.Get(s.Context(), keys...)
		if err != nil {
			s.Fatal(err)
		}
		for i, it := range items {
			s.is(it, store.Item{Key: keys[i], Body: body})
		}
		page := s.query(store.Query{Table: Others, PK: pk, Limit: 50})
		if len(page.Items) != 50 || page.More {
			s.Errorf("query: %d items, more %v; want all 50", len(page.Items), page.More)
		}
		for _, k := range keys {
			s.write(store.Delete{Key: k})
		}
	},
	"an expired item is there until it is swept": func(s *suite) {
		it := store.Item{Key: s.thing(), Expires: time.Now().Add(-time.Second).Truncate(time.Second)}
		s.put(it)
		s.is(s.get(it.Key), it)
	},
	"what a read returned does not change with the item": func(s *suite) {
		k := s.thing()
		s.put(store.Item{Key: k, Body: []byte("before"), Attrs: store.Attrs{"status": store.S("before")}})
		it := s.get(k)
		s.put(store.Item{Key: k, Body: []byte("after!"), Attrs: store.Attrs{"status": store.S("after!")}})
		s.is(it, store.Item{Key: k, Body: []byte("before"), Attrs: store.Attrs{"status": store.S("before")}})
	},
	"an ended context is answered with unavailable": func(s *suite) {
		k := s.thing()
		_, get := s.store.Get(cancelled(), k)
		_, query := s.store.Query(cancelled(), store.Query{Table: Things, PK: k.PK, Limit: 1})
		_, write := s.store.Write(cancelled(), store.Put{Item: store.Item{Key: k}})
		all := s.store.WriteAll(cancelled(), store.Put{Item: store.Item{Key: k}})
		for what, err := range map[string]error{"get": get, "query": query, "write": write, "write all": all} {
			if !errors.Is(err, store.ErrUnavailable) {
				s.Errorf("%s: %v, want unavailable", what, err)
			}
		}
		if s.get(k) != nil {
			s.Error("a write that was cancelled before it began was made")
		}
	},
}
