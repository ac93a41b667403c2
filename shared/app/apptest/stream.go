package apptest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"ascend/shared/store"
)

// Stream records what is written to a store as a change stream would tell it.
type Stream struct {
	store.Store
	mu   sync.Mutex
	tape []store.Change
}

// Write implements store.Store.
func (s *Stream) Write(ctx context.Context, op store.Op) (item *store.Item, err error) {
	err = s.record(ctx, []store.Op{op}, func() error {
		item, err = s.Store.Write(ctx, op)
		return err
	})
	return item, err
}

// WriteAll implements store.Store.
func (s *Stream) WriteAll(ctx context.Context, ops ...store.Op) error {
	return s.record(ctx, ops, func() error { return s.Store.WriteAll(ctx, ops...) })
}

func (s *Stream) record(ctx context.Context, ops []store.Op, write func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	keys := make([]store.Key, len(ops))
	for i, op := range ops {
		keys[i] = store.KeyOf(op)
	}
	before, err := s.Store.Get(ctx, keys...)
	if err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	after, err := s.Store.Get(ctx, keys...)
	if err != nil {
		return err
	}
	for i, key := range keys {
		if !reflect.DeepEqual(before[i], after[i]) {
			s.tape = append(s.tape, store.Change{Key: key, Old: before[i], New: after[i], Sequence: fmt.Sprintf("%06d", len(s.tape)+1)})
		}
	}
	return nil
}

// Since returns the changes after the first n.
func (s *Stream) Since(n int) []store.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tape[n:])
}

// Partition returns the changes of the items that share a partition.
func (s *Stream) Partition(pk string) []store.Change {
	return slices.DeleteFunc(s.Since(0), func(c store.Change) bool { return c.Key.PK != pk })
}
