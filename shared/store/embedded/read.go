package embedded

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"ascend/shared/store"
	"ascend/shared/store/internal/bounds"
)

// Get reads items as they stand after the last commit.
func (s *Store) Get(ctx context.Context, keys ...store.Key) ([]*store.Item, error) {
	if err := bounds.Keys(keys); err != nil {
		return nil, err
	}
	if err := alive(ctx); err != nil {
		return nil, err
	}
	tables := make([]*table, len(keys))
	for i, k := range keys {
		var err error
		if tables[i], err = s.table(k.Table); err != nil {
			return nil, err
		}
	}
	items := make([]*store.Item, len(keys))
	raws := make([][]byte, len(keys))
	err := s.view(func(snap *snapshot) {
		var room [128]byte
		for i, k := range keys {
			raws[i] = snap.get(tables[i].slot, appendKey(room[:0], k.PK, k.SK))
		}
	}, func() error {
		for i, raw := range raws {
			if raw == nil {
				continue
			}
			r, err := decode(raw)
			if err != nil {
				return fmt.Errorf("read %v: %w", keys[i], err)
			}
			items[i] = r.item(keys[i], true)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// Query reads one page of a table or an index, which are always in step. More
// is exact. Items of an index with equal sort keys come in the order of their
// own keys; a next page that starts After such a sort key skips all of them.
func (s *Store) Query(ctx context.Context, q store.Query) (store.Page, error) {
	if err := bounds.Query(q); err != nil {
		return store.Page{}, err
	}
	if err := alive(ctx); err != nil {
		return store.Page{}, err
	}
	t, err := s.table(q.Table)
	if err != nil {
		return store.Page{}, err
	}
	slot := t.slot
	if q.Index != "" {
		var ok bool
		if slot, ok = t.indexes[q.Index]; !ok {
			return store.Page{}, fmt.Errorf("store: table %q has no index %q", q.Table, q.Index)
		}
	}
	var page store.Page
	var rows []row
	err = s.view(func(snap *snapshot) {
		rows = find(snap, slot, q)
	}, func() error {
		page, err = lay(rows, q)
		return err
	})
	if err != nil {
		return store.Page{}, err
	}
	return page, nil
}

// row is a found record, its key without the partition.
type row struct{ key, value []byte }

// find collects a query's rows, and one more than its limit where there are more.
func find(snap *snapshot, slot int, q store.Query) []row {
	partition := append([]byte(q.PK), 0)
	start := append(partition[:len(partition):len(partition)], max(q.Prefix, q.After)...)
	past := bounds.Above // beyond the range's end
	if q.Descending {
		start, past = above(partition, q), bounds.Below
	}
	var rows []row
	snap.scan(slot, start, q.Descending, func(key, value []byte) bool {
		rest, ok := bytes.CutPrefix(key, partition)
		if !ok {
			return false
		}
		sort, _, _ := strings.Cut(string(rest), "\x00")
		switch bounds.Where(sort, q) {
		case bounds.Inside:
			rows = append(rows, row{rest, value})
		case past:
			return false
		}
		return len(rows) <= q.Limit
	})
	return rows
}

// lay makes a page of the rows of a query.
func lay(rows []row, q store.Query) (store.Page, error) {
	var page store.Page
	if len(rows) > q.Limit {
		rows, page.More = rows[:q.Limit], true
	}
	for _, found := range rows {
		sort, base, _ := strings.Cut(string(found.key), "\x00")
		key := store.Key{Table: q.Table, PK: q.PK, SK: sort}
		if q.Index != "" {
			key.PK, key.SK, _ = strings.Cut(base, "\x00")
		}
		r, err := decode(found.value)
		if err != nil {
			return store.Page{}, fmt.Errorf("query %v: %w", key, err)
		}
		page.Items = append(page.Items, *r.item(key, true))
		page.Sort = append(page.Sort, sort)
	}
	return page, nil
}

// above is a key of the file at or above the query's range and, but for a few
// keys that begin with Before, not above anything outside it.
func above(partition []byte, q store.Query) []byte {
	// 0xFF is in no UTF-8 string, so nothing sorts between the prefix's keys and it.
	end := append(bytes.Clone(partition), q.Prefix...)
	end = append(end, 0xFF)
	if q.Before == "" {
		return end
	}
	if bound := append(bytes.Clone(partition), q.Before...); bytes.Compare(bound, end) < 0 {
		return bound
	}
	return end
}

// view collects from one state of the store and then uses what it collected,
// which is valid until use returns. Only collecting keeps the writer from
// publishing a batch; neither waits for a commit.
func (s *Store) view(collect func(*snapshot), use func() error) error {
	s.state.RLock()
	snap, err := s.snapshot()
	if err != nil {
		s.state.RUnlock()
		return unavailable(err)
	}
	collect(&snap)
	s.state.RUnlock()
	err = use()
	if closing := snap.tx.Rollback(); err == nil && closing != nil {
		return unavailable(closing)
	}
	return err
}

// appendKey appends the key of a table's item: both parts with NUL between,
// which neither contains, so that bytes order by partition, then sort key.
func appendKey(b []byte, pk, sk string) []byte {
	return append(append(append(b, pk...), 0), sk...)
}

// appendIndexKey appends the key of an index entry: the place in the index,
// then the item's own key.
func appendIndexKey(b []byte, at store.IndexKey, base []byte) []byte {
	return append(append(appendKey(b, at.PK, at.SK), 0), base...)
}
