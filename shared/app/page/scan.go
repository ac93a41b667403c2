package page

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"ascend/shared/store"
)

// maxBodies is how many entries of a table one scan reads, which come with
// their bodies; those of an index do not.
const maxBodies = 250

// Query scans the entries of a query that match; a nil match selects all. Positions are sort keys without
// the query's prefix. decode takes an entry's record, nil where it is gone.
func Query[T any](s store.Store, q store.Query, match func(store.Item) bool, decode func(*store.Item) (*T, error)) Scan[T] {
	return func(ctx context.Context, after string, limit int) (Batch[T], error) {
		q := q
		if q.Limit = limit; q.Index == "" {
			q.Limit = min(limit, maxBodies)
		}
		if bound := q.Prefix + after; after != "" && q.Descending {
			q.Before = bound
		} else if after != "" {
			q.After = bound
		}
		found, err := s.Query(ctx, q)
		if err != nil {
			return Batch[T]{}, err
		}
		batch := Batch[T]{Looked: len(found.Items), More: found.More}
		var items []*store.Item
		var positions []string
		for i := range found.Items {
			batch.Last = strings.TrimPrefix(found.Sort[i], q.Prefix)
			if match == nil || match(found.Items[i]) {
				items, positions = append(items, &found.Items[i]), append(positions, batch.Last)
			}
		}
		batch.Len, batch.Position = len(items), func(i int) string { return positions[i] }
		batch.Read = func(ctx context.Context, from, to int) ([]*T, error) {
			if q.Index == "" {
				return decodeAll(items[from:to], decode)
			}
			keys := make([]store.Key, 0, to-from)
			for _, item := range items[from:to] {
				keys = append(keys, item.Key)
			}
			return readAll(ctx, s, keys, decode)
		}
		return batch, nil
	}
}

// Numbered scans records that are numbered from 1 without gaps, the last one
// first, without reading any. Positions are numbers.
func Numbered[T any](s store.Store, last int, key func(number int) store.Key, decode func(*store.Item) (*T, error)) Scan[T] {
	return func(_ context.Context, after string, _ int) (Batch[T], error) {
		first := last
		if after != "" {
			n, err := strconv.Atoi(after)
			if err != nil || n < 1 || n > last || strconv.Itoa(n) != after {
				return Batch[T]{}, BadCursor()
			}
			first = n - 1
		}
		return Batch[T]{
			Len:      first,
			Position: func(i int) string { return strconv.Itoa(first - i) },
			Read: func(ctx context.Context, from, to int) ([]*T, error) {
				var keys []store.Key
				for i := from; i < to; i++ {
					keys = append(keys, key(first-i))
				}
				return readAll(ctx, s, keys, decode)
			},
		}, nil
	}
}

// Slice scans what is in memory. position must be unique.
func Slice[T any](all []T, position func(T) string) Scan[T] {
	return func(_ context.Context, after string, _ int) (Batch[T], error) {
		rest := all
		if after != "" {
			i := slices.IndexFunc(all, func(item T) bool { return position(item) == after })
			if i < 0 {
				return Batch[T]{}, BadCursor()
			}
			rest = all[i+1:]
		}
		return Batch[T]{
			Len:      len(rest),
			Position: func(i int) string { return position(rest[i]) },
			Read: func(_ context.Context, from, to int) ([]*T, error) {
				items := make([]*T, 0, to-from)
				for i := from; i < to; i++ {
					items = append(items, &rest[i])
				}
				return items, nil
			},
		}, nil
	}
}

// readAll reads up to 100 records.
func readAll[T any](ctx context.Context, s store.Store, keys []store.Key, decode func(*store.Item) (*T, error)) ([]*T, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	items, err := s.Get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	return decodeAll(items, decode)
}

func decodeAll[T any](items []*store.Item, decode func(*store.Item) (*T, error)) ([]*T, error) {
	all := make([]*T, len(items))
	for i, item := range items {
		var err error
		if all[i], err = decode(item); err != nil {
			return nil, err
		}
	}
	return all, nil
}
