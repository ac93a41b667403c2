// Package storetest is the suite that every implementation of store.Store
// passes. It holds each promise of the seam as a test, so that what is built
// on one implementation holds on the other.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"ascend/shared/store"
)

// The tables and indexes that the suite uses; the store under test is opened
// with Definitions.
const (
	Things  store.Table = "things"
	Others  store.Table = "others"
	ByOwner store.Index = "by_owner"
	Urgent  store.Index = "urgent"
)

// Definitions returns the suite's tables. The attribute "secret" is in no index,
// Things is streamed and Others is relaxed.
func Definitions() []store.Definition {
	return []store.Definition{
		{Table: Things, Indexes: []store.Index{ByOwner, Urgent}, Project: []string{"status", "rank", "tags"}, Streamed: true},
		{Table: Others, Relaxed: true},
	}
}

// Run tests the store that open gives, which has the tables of Definitions.
// open is called once; the tests keep to partitions of their own.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	for _, group := range []map[string]func(*suite){reads, queries, writes, conditions, groups, races, refusals} {
		for _, name := range slices.Sorted(maps.Keys(group)) {
			t.Run(name, func(t *testing.T) {
				group[name](&suite{T: t, store: s})
			})
		}
	}
}

// suite is one test on the shared store.
type suite struct {
	*testing.T
	store store.Store
	parts int
}

// partition returns a partition key that no other test uses.
func (s *suite) partition() string {
	s.parts++
	return fmt.Sprintf("%s#%d", s.Name(), s.parts)
}

// thing returns a key of table Things in a partition of its own.
func (s *suite) thing() store.Key {
	return store.Key{Table: Things, PK: s.partition(), SK: "it"}
}

func (s *suite) put(items ...store.Item) {
	s.Helper()
	for _, it := range items {
		s.write(store.Put{Item: it})
	}
}

func (s *suite) write(op store.Op) *store.Item {
	s.Helper()
	it, err := s.store.Write(s.Context(), op)
	if err != nil {
		s.Fatalf("write %v: %v", store.KeyOf(op), err)
	}
	return it
}

// conflict makes a write that must meet a conflict, and returns it.
func (s *suite) conflict(op store.Op) *store.ConflictError {
	s.Helper()
	it, err := s.store.Write(s.Context(), op)
	return s.isConflict(it, err)
}

func (s *suite) isConflict(it *store.Item, err error) *store.ConflictError {
	s.Helper()
	c, ok := store.Conflict(err)
	if !ok {
		s.Fatalf("got item %v, error %v; want a conflict", it, err)
	}
	if it != nil || errors.Is(err, store.ErrUnavailable) {
		s.Errorf("a conflict came with item %v, error %v", it, err)
	}
	return c
}

// get returns one item, nil where there is none.
func (s *suite) get(k store.Key) *store.Item {
	s.Helper()
	items, err := s.store.Get(s.Context(), k)
	if err != nil || len(items) != 1 {
		s.Fatalf("get %v: %d items, %v", k, len(items), err)
	}
	return items[0]
}

func (s *suite) query(q store.Query) store.Page {
	s.Helper()
	page, err := s.store.Query(s.Context(), q)
	if err != nil {
		s.Fatalf("query %+v: %v", q, err)
	}
	if len(page.Sort) != len(page.Items) || len(page.Items) > q.Limit {
		s.Fatalf("query %+v: %d items, %d sort keys, limit %d", q, len(page.Items), len(page.Sort), q.Limit)
	}
	return page
}

// eventually waits until ok, for indexes that may lag.
func (s *suite) eventually(what string, ok func() bool) {
	s.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("did not come to be: %s", what)
		}
	}
}

// is fails the test unless the item is as wanted, apart from its indexes.
func (s *suite) is(got *store.Item, want store.Item) {
	s.Helper()
	switch {
	case got == nil:
		s.Fatalf("%v is missing", want.Key)
	case got.Key != want.Key:
		s.Errorf("key %v, want %v", got.Key, want.Key)
	case got.Index != nil:
		s.Errorf("%v came with indexes %v", want.Key, got.Index)
	case !bytes.Equal(got.Body, want.Body):
		s.Errorf("%v: body of %d bytes, want %d", want.Key, len(got.Body), len(want.Body))
	case !got.Expires.Equal(want.Expires):
		s.Errorf("%v: expires %v, want %v", want.Key, got.Expires, want.Expires)
	}
	s.has(got.Attrs, want.Attrs)
}

func (s *suite) has(got, want store.Attrs) {
	s.Helper()
	if g, w := show(got), show(want); g != w {
		s.Errorf("attributes\n %s\nwant\n %s", g, w)
	}
}

// show returns attributes in one canonical form.
func show(attrs store.Attrs) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		switch v := attrs[name]; v.Kind() {
		case store.KindNumber:
			fmt.Fprintf(&b, "%s=%d ", name, v.Num())
		case store.KindSet:
			fmt.Fprintf(&b, "%s=%q ", name, slices.Sorted(slices.Values(v.Members())))
		default:
			fmt.Fprintf(&b, "%s=%q ", name, v.Str())
		}
	}
	return b.String()
}

// cancelled returns a context that has ended.
func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
