package page_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ascend/shared/app/page"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

const numbers store.Index = "numbers"

// shelf is a store with one partition of entries, in order, that counts its calls.
type shelf struct {
	store.Store
	sorts   []string        // of the entries
	gone    map[string]bool // entries without a record
	queries int
	read    int // entries that queries returned
	gets    int
	records int
	err     error
}

func newShelf(n int) *shelf {
	s := &shelf{gone: map[string]bool{}}
	for i := range n {
		s.sorts = append(s.sorts, sortKey(10*i))
	}
	return s
}

func sortKey(n int) string { return fmt.Sprintf("e#%08d", n) }

func (s *shelf) Query(_ context.Context, q store.Query) (found store.Page, err error) {
	s.queries++
	sorts := slices.Clone(s.sorts)
	if q.Descending {
		slices.Reverse(sorts)
	}
	for _, sort := range sorts {
		if !strings.HasPrefix(sort, q.Prefix) || sort <= q.After || q.Before != "" && sort >= q.Before {
			continue
		}
		if len(found.Items) == q.Limit {
			found.More = true
			break
		}
		item := s.item(sort)
		if q.Index != "" {
			item.Body = nil
		}
		found.Items, found.Sort = append(found.Items, item), append(found.Sort, sort)
	}
	s.read += len(found.Items)
	return found, s.err
}

func (s *shelf) Get(_ context.Context, keys ...store.Key) ([]*store.Item, error) {
	s.gets++
	s.records += len(keys)
	items := make([]*store.Item, len(keys))
	for i, k := range keys {
		if item := s.item(k.SK); !s.gone[k.SK] {
			items[i] = &item
		}
	}
	return items, s.err
}

// item returns the entry of a sort key; its attribute is the digit before the last.
func (s *shelf) item(sort string) store.Item {
	return store.Item{
		Key: store.Key{Table: "t", PK: "p", SK: sort}, Body: []byte(sort),
		Attrs: store.Attrs{"digit": store.S(sort[len(sort)-2 : len(sort)-1])},
	}
}

// list returns the list of the entries of a digit, of all where that is "".
func (s *shelf) list(q store.Query, digit string) page.List[string] {
	match := func(item store.Item) bool { return digit == "" || item.Attrs["digit"].Str() == digit }
	return page.List[string]{Name: "entries", Scan: page.Query(s, q, match, decode)}
}

func decode(item *store.Item) (*string, error) {
	if item == nil {
		return nil, nil
	}
	text := string(item.Body)
	return &text, nil
}

var newestFirst = store.Query{Table: "t", Index: numbers, PK: "p", Prefix: "e#", Descending: true}

// read reads a part of a list, of up to most items.
func read(t testing.TB, l page.List[string], r page.Range, most int) ([]string, page.Part) {
	t.Helper()
	var items []string
	part, err := page.Read(context.Background(), l, r, func(item string) bool {
		if len(items) == most {
			return false
		}
		items = append(items, item)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return items, part
}

func TestPagesAreWhatANaiveListShows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		s := newShelf(r.IntN(300))
		q := newestFirst
		q.Descending = r.IntN(2) == 0
		if r.IntN(2) == 0 {
			q.Index = "" // entries with their records
		} else {
			for _, sort := range s.sorts {
				s.gone[sort] = r.IntN(10) == 0
			}
		}
		digit := []string{"", "3"}[r.IntN(2)]
		var matching []string
		for _, sort := range s.sorts {
			if digit == "" || sort[len(sort)-2:len(sort)-1] == digit {
				matching = append(matching, sort)
			}
		}
		if q.Descending {
			slices.Reverse(matching)
		}
		limit, most, offset := 1+r.IntN(70), 1+r.IntN(70), r.IntN(40)*r.IntN(2)
		wanted := page.Range{Limit: limit, Offset: offset}
		var seen []string
		for {
			items, part := read(t, s.list(q, digit), wanted, most)
			if part.Total != len(matching) || !part.Exact || len(items) > min(limit, most) {
				t.Fatalf("round %d: %d items of %+v, want a total of %d", round, len(items), part, len(matching))
			}
			if wanted.Cursor != nil && (part.Offset != wanted.Cursor.Offset || part.Offset > len(matching)) {
				t.Fatalf("round %d: after %+v comes %+v", round, wanted.Cursor, part)
			}
			seen = append(seen, items...)
			if wanted.Cursor = part.Next; wanted.Cursor == nil {
				break
			}
		}
		want := slices.DeleteFunc(slices.Clone(matching[min(offset, len(matching)):]), func(sort string) bool { return s.gone[sort] })
		if !slices.Equal(seen, want) {
			t.Fatalf("round %d: limit %d, at most %d, offset %d: %d items, want %d", round, limit, most, offset, len(seen), len(want))
		}
	}
}

func TestEntriesThatAreAddedBreakNoListing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, descending := range []bool{true, false} {
		s := newShelf(200)
		before := slices.Clone(s.sorts)
		q := newestFirst
		q.Descending = descending
		times := map[string]int{}
		for wanted := (page.Range{Limit: 7}); ; {
			items, part := read(t, s.list(q, ""), wanted, 7)
			for _, item := range items {
				times[item]++
			}
			if wanted.Cursor = part.Next; wanted.Cursor == nil {
				break
			}
			for _, sort := range []string{sortKey(r.IntN(2000)), sortKey(2000 + len(s.sorts))} {
				if !slices.Contains(s.sorts, sort) {
					s.sorts = append(s.sorts, sort)
				}
			}
			slices.Sort(s.sorts)
		}
		for _, sort := range before {
			if times[sort] != 1 {
				t.Errorf("%s was listed %d times", sort, times[sort])
			}
		}
		for sort, n := range times {
			if n > 1 {
				t.Errorf("%s was listed %d times", sort, n)
			}
		}
	}
}

func TestACursorCostsTheSameHoweverFarItIs(t *testing.T) {
	for _, size := range []int{1_000, 100_000} {
		s := newShelf(size)
		for _, place := range []int{10, size / 2, size - 200} {
			s.queries, s.gets, s.read, s.records = 0, 0, 0, 0
			items, part := read(t, s.list(newestFirst, ""), page.Range{Limit: 100, Cursor: &page.Cursor{After: sortKey(10 * (size - place))[2:]}}, 1000)
			if len(items) != 100 || part.Next == nil || s.queries != 1 || s.read != 101 || s.gets != 2 || s.records != 100 {
				t.Errorf("of %d after %d: %d items by %d queries of %d entries and %d reads of %d records", size, place, len(items), s.queries, s.read, s.gets, s.records)
			}
		}
	}
}

func TestAPageOfARareFilterDoesNotAskAgainForEachEntry(t *testing.T) {
	s := newShelf(20_000)
	items, part := read(t, s.list(newestFirst, "none"), page.Range{Limit: 1, Cursor: &page.Cursor{After: sortKey(200_000)[2:]}}, 1)
	if len(items) != 0 || part.Next == nil || s.queries > 20 || s.read < page.MaxLooked || s.read > page.MaxLooked+1000 {
		t.Errorf("%d items, %+v, %d queries of %d entries", len(items), part, s.queries, s.read)
	}
}

func TestATotalIsExactOrSaidToBeALowerBound(t *testing.T) {
	for _, c := range []struct {
		size  int
		digit string
		total int
		exact bool
	}{{0, "", 0, true}, {99, "", 99, true}, {page.MaxLooked, "", page.MaxLooked, true}, {page.MaxLooked + 1, "", page.MaxLooked, false}, {page.MaxLooked + 1, "none", 0, false}, {9_000, "none", 0, true}} {
		s := newShelf(c.size)
		_, part := read(t, s.list(newestFirst, c.digit), page.Range{Limit: 10}, 10)
		if part.Total != c.total || part.Exact != c.exact {
			t.Errorf("%d entries of %q: %+v", c.size, c.digit, part)
		}
		if next := part.Next; next != nil {
			_, then := read(t, s.list(newestFirst, c.digit), page.Range{Limit: 10, Cursor: next}, 10)
			if then.Total != c.total || then.Exact != c.exact {
				t.Errorf("%d entries of %q, by cursor: %+v", c.size, c.digit, then)
			}
		}
	}
}

func TestAnOffsetThatCannotBeServedIsRefused(t *testing.T) {
	s := newShelf(page.MaxLooked + 500)
	none := func(string) bool { t.Error("an item was read"); return true }
	for _, offset := range []int{page.MaxLooked, page.MaxLooked + 100, 1_000_000} {
		_, err := page.Read(context.Background(), s.list(newestFirst, ""), page.Range{Limit: 10, Offset: offset}, none)
		if e := problem.As(err); e.Kind != problem.KindInvalid || len(e.Fields) != 1 || e.Fields[0].Pointer != "/query/offset" || !strings.Contains(e.Fields[0].Detail, "cursor") {
			t.Errorf("offset %d: %+v", offset, err)
		}
	}
	// The last of what can be served leads on.
	items, part := read(t, s.list(newestFirst, ""), page.Range{Limit: 10, Offset: page.MaxLooked - 3}, 10)
	if len(items) != 3 || part.Next == nil || part.Next.Offset != page.MaxLooked {
		t.Errorf("%d items, %+v", len(items), part)
	}
	items, _ = read(t, s.list(newestFirst, ""), page.Range{Limit: 2, Cursor: part.Next}, 10)
	if len(items) != 2 || items[0] != sortKey(10*(len(s.sorts)-1-page.MaxLooked)) {
		t.Errorf("then %v", items)
	}
	s = newShelf(20)
	if items, part := read(t, s.list(newestFirst, ""), page.Range{Limit: 10, Offset: 5_000}, 10); len(items) != 0 || part.Next != nil || part.Total != 20 || !part.Exact {
		t.Errorf("past the end: %d items, %+v", len(items), part)
	}
}

func TestReadingStopsWhereThePageIsFull(t *testing.T) {
	s := newShelf(5_000)
	items, part := read(t, s.list(newestFirst, ""), page.Range{Limit: 1000}, 60)
	if len(items) != 60 || s.records > 100 || part.Next == nil || part.Total != 5_000 {
		t.Errorf("%d items of %d records, %+v", len(items), s.records, part)
	}
}

func TestNumberedRecordsAreListedFromTheLast(t *testing.T) {
	s := newShelf(0)
	list := page.List[string]{Name: "numbered", Scan: page.Numbered(s, 123, func(n int) store.Key { return store.Key{Table: "t", PK: "p", SK: sortKey(n)} }, decode)}
	var seen []string
	for wanted := (page.Range{Limit: 50, Offset: 3}); ; {
		items, part := read(t, list, wanted, 50)
		if part.Total != 123 || !part.Exact {
			t.Errorf("%+v", part)
		}
		seen = append(seen, items...)
		if wanted.Cursor = part.Next; wanted.Cursor == nil {
			break
		}
	}
	if len(seen) != 120 || seen[0] != sortKey(120) || seen[119] != sortKey(1) || s.records != 120 || s.queries != 0 {
		t.Errorf("%d records, %d read, from %s to %s", len(seen), s.records, seen[0], seen[len(seen)-1])
	}
}

func TestAListThatCannotBeReadSaysSo(t *testing.T) {
	broken := errors.New("cannot be decoded")
	q := newestFirst
	q.Index = ""
	for name, c := range map[string]struct {
		list page.List[string]
		kind problem.Kind
	}{
		"the query fails": {(&shelf{err: store.ErrUnavailable}).list(newestFirst, ""), problem.KindUnavailable},
		"a record is corrupt": {page.List[string]{Scan: page.Query(newShelf(1), q, nil, func(*store.Item) (*string, error) {
			return nil, problem.Corrupt("an entry", broken)
		})}, problem.KindInternal},
		"the cursor is invalid": {page.List[string]{Valid: func(string) bool { return false }}, problem.KindInvalid},
	} {
		r := page.Range{Limit: 1}
		if name == "the cursor is invalid" {
			r.Cursor = &page.Cursor{After: "x"}
		}
		_, err := page.Read(context.Background(), c.list, r, func(string) bool { return true })
		if problem.As(err).Kind != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
}
