package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ascend/shared/store"
)

// failing is a store whose calls fail as scripted; the calls after the script succeed.
type failing struct {
	store.Store
	script []error
	calls  []time.Time
}

func (f *failing) next() error {
	f.calls = append(f.calls, time.Now())
	if n := len(f.calls); n <= len(f.script) {
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
		script  []error
		timeout time.Duration
		calls   int
		want    error
	}{
		"a good call is made once":                  {nil, time.Hour, 1, nil},
		"unavailable is tried again":                {[]error{unavailable, unavailable}, time.Hour, 3, nil},
		"the attempts are bounded":                  {[]error{unavailable, unavailable, unavailable, unavailable}, time.Hour, 3, unavailable},
		"a conflict is an answer":                   {[]error{conflict}, time.Hour, 1, conflict},
		"a conflict of a repeat is an answer":       {[]error{unavailable, conflict}, time.Hour, 2, conflict},
		"other errors are answers":                  {[]error{broken}, time.Hour, 1, broken},
		"no time is spent that the context has not": {[]error{unavailable}, 40 * time.Millisecond, 1, unavailable},
		"the deadline ends a row of repeats":        {[]error{unavailable, unavailable, unavailable}, 120 * time.Millisecond, 2, unavailable},
	} {
		for method, call := range map[string]func(context.Context, store.Store) error{
			"get":       func(ctx context.Context, s store.Store) error { _, err := s.Get(ctx); return err },
			"query":     func(ctx context.Context, s store.Store) error { _, err := s.Query(ctx, store.Query{}); return err },
			"write":     func(ctx context.Context, s store.Store) error { _, err := s.Write(ctx, nil); return err },
			"write all": func(ctx context.Context, s store.Store) error { return s.WriteAll(ctx) },
		} {
			t.Run(name+", "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
					defer cancel()
					f := &failing{script: tt.script}
					err := call(ctx, store.Retrying(f, 3, 100*time.Millisecond))
					if !errors.Is(err, tt.want) || len(f.calls) != tt.calls {
						t.Errorf("%v after %d calls, want %v after %d", err, len(f.calls), tt.want, tt.calls)
					}
					least := 50 * time.Millisecond
					for i := 1; i < len(f.calls); i, least = i+1, 2*least {
						if gap := f.calls[i].Sub(f.calls[i-1]); gap < least || gap > 2*least {
							t.Errorf("waited %v before call %d, want %v … %v", gap, i+1, least, 2*least)
						}
					}
				})
			})
		}
	}
}

func TestRetryingStopsWhenTheCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		f := &failing{script: []error{store.ErrUnavailable}}
		begin := time.Now()
		_, err := store.Retrying(f, 5, time.Hour).Get(ctx)
		if !errors.Is(err, store.ErrUnavailable) || len(f.calls) != 1 || time.Since(begin) != 10*time.Millisecond {
			t.Errorf("%v after %d calls and %v", err, len(f.calls), time.Since(begin))
		}
	})
}

func TestRetryingReturnsTheAnswer(t *testing.T) {
	s := store.Retrying(&failing{script: []error{store.ErrUnavailable}}, 2, time.Nanosecond)
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
