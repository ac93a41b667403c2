package embedded

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

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
	tables, relaxed := make([]table, len(keys)), false
	for i, k := range keys {
		var err error
		if tables[i], err = s.table(k.Table); err != nil {
			return nil, err
		}
		relaxed = relaxed || tables[i].relaxed
	}
	if relaxed {
		if err := s.flush(ctx); err != nil {
			return nil, err
		}
	}
	items := make([]*store.Item, len(keys))
	err := s.view(func(tx *bbolt.Tx) error {
		for i, k := range keys {
			raw := tx.Bucket(s.buckets[tables[i].slot]).Get(key(k.PK, k.SK))
			if raw == nil {
				continue
			}
			var err error
			if items[i], err = decode(k, raw); err != nil {
				return fmt.Errorf("read %v: %w", k, err)
			}
			items[i].Index = nil
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
	if t.relaxed {
		if err := s.flush(ctx); err != nil {
			return store.Page{}, err
		}
	}
	var page store.Page
	err = s.view(func(tx *bbolt.Tx) error {
		return scan(tx.Bucket(s.buckets[slot]).Cursor(), q, &page)
	})
	if err != nil {
		return store.Page{}, err
	}
	return page, nil
}

// scan walks the cursor over the query's range until the page is full.
func scan(c *bbolt.Cursor, q store.Query, page *store.Page) error {
	partition := append([]byte(q.PK), 0)
	next := c.Next
	var at, v []byte
	if q.Descending {
		next = c.Prev
		at, v = seekBelow(c, above(partition, q))
	} else {
		at, v = c.Seek(append(slices.Clip(partition), max(q.Prefix, q.After)...))
	}
	for ; at != nil; at, v = next() {
		rest, ok := bytes.CutPrefix(at, partition)
		if !ok {
			return nil
		}
		sort, base := string(rest), ""
		if q.Index != "" {
			sort, base, _ = strings.Cut(sort, "\x00")
		}
		switch bounds.Where(sort, q) {
		case bounds.Below:
			if q.Descending {
				return nil
			}
			continue
		case bounds.Above:
			if !q.Descending {
				return nil
			}
			continue
		}
		if len(page.Items) == q.Limit {
			page.More = true
			return nil
		}
		k := store.Key{Table: q.Table, PK: q.PK, SK: sort}
		if q.Index != "" {
			k.PK, k.SK = splitKey(base)
		}
		it, err := decode(k, v)
		if err != nil {
			return fmt.Errorf("query %v: %w", k, err)
		}
		it.Index = nil
		page.Items = append(page.Items, *it)
		page.Sort = append(page.Sort, sort)
	}
	return nil
}

// above returns a key at or above the query's range. Of the keys outside the
// range it is above some that begin with Before only.
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

// seekBelow returns the last key below bound.
func seekBelow(c *bbolt.Cursor, bound []byte) (k, v []byte) {
	if k, _ := c.Seek(bound); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// flush commits what was answered before its commit, so that reads show it.
// Where there is nothing it costs no commit.
func (s *Store) flush(ctx context.Context) error {
	return s.submit(ctx, false, func(*batch) error { return nil })
}

// view runs a read-only transaction.
func (s *Store) view(read func(*bbolt.Tx) error) error {
	tx, err := s.db.Begin(false)
	if err != nil {
		return unavailable(err)
	}
	err = read(tx)
	if closing := tx.Rollback(); err == nil && closing != nil {
		return unavailable(closing)
	}
	return err
}

// key returns the key of a table's item: both parts with NUL between, which
// neither contains, so that bytes order by partition, then sort key.
func key(pk, sk string) []byte {
	return append(append(append(make([]byte, 0, len(pk)+len(sk)+1), pk...), 0), sk...)
}

// splitKey takes the key of a table's item apart.
func splitKey(key string) (pk, sk string) {
	pk, sk, _ = strings.Cut(key, "\x00")
	return pk, sk
}

// indexKey returns the key of an index entry: the place in the index, then the
// item's own key.
func indexKey(at store.IndexKey, base []byte) []byte {
	return append(append(key(at.PK, at.SK), 0), base...)
}
