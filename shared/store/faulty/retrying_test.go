package faulty_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// failing is a store whose calls fail as scripted; the calls after the script succeed.
type failing struct {
	store.Store
	script []error
	calls  int
}

func (f *failing) next() error {
	f.calls++
	if n := f.calls; n <= len(f.script) {
		return f.script[n-1]
	}
	return nil
}

func (f *failing) Get(context.Context, ...store.Key) ([]*store.Item, error) {
	return make([]*store.Item, 1), f.next()
}

func (f *failing) Query(context.Context, store.Query) (store.Page, error) {
	return store.Page{More: true}, f.next()
}

func (f *failing) Write(context.Context, store.Op) (*store.Item, error) {
	return &store.Item{}, f.next()
}

func (f *failing) WriteAll(context.Context, ...store.Op) error { return f.next() }

func TestRetrying(t *testing.T) {
	unavailable := fmt.Errorf("read: %w", store.ErrUnavailable)
	conflict := &store.ConflictError{}
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		script []error
		calls  int
		want   error
	}{
		"a good call is made once":            {nil, 1, nil},
		"unavailable is tried again":          {[]error{unavailable, unavailable}, 3, nil},
		"the attempts are bounded":            {[]error{unavailable, unavailable, unavailable, unavailable}, 3, unavailable},
		"a conflict is an answer":             {[]error{conflict}, 1, conflict},
		"a conflict of a repeat is an answer": {[]error{unavailable, conflict}, 2, conflict},
		"other errors are answers":            {[]error{broken}, 1, broken},
	} {
		for method, call := range map[string]func(context.Context, store.Store) error{
			"get":       func(ctx context.Context, s store.Store) error { _, err := s.Get(ctx); return err },
			"query":     func(ctx context.Context, s store.Store) error { _, err := s.Query(ctx, store.Query{}); return err },
			"write":     func(ctx context.Context, s store.Store) error { _, err := s.Write(ctx, nil); return err },
			"write all": func(ctx context.Context, s store.Store) error { return s.WriteAll(ctx) },
		} {
			t.Run(name+", "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &failing{script: tt.script}
					err := call(t.Context(), faulty.Retrying(f, 3, 100*time.Millisecond))
					if !errors.Is(err, tt.want) || f.calls != tt.calls {
						t.Errorf("%v after %d calls, want %v after %d", err, f.calls, tt.want, tt.calls)
					}
				})
			})
		}
	}
}

func TestRetryingReturnsTheAnswer(t *testing.T) {
	s := faulty.Retrying(&failing{script: []error{store.ErrUnavailable}}, 2, time.Nanosecond)
	if items, err := s.Get(t.Context()); err != nil || len(items) != 1 {
		t.Errorf("get: %v, %v", items, err)
	}
	if page, err := s.Query(t.Context(), store.Query{}); err != nil || !page.More {
		t.Errorf("query: %v, %v", page, err)
	}
	if item, err := s.Write(t.Context(), nil); err != nil || item == nil {
		t.Errorf("write: %v, %v", item, err)
	}
}
