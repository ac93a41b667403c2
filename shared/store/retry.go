package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Retrying repeats the calls of s that fail with ErrUnavailable, up to attempts
// calls in all. Between calls it waits about backoff, doubled each time, half of
// it by chance; where the context's deadline leaves no time for that, or the
// context has ended, it gives up with the last error.
//
// A conditional write whose answer was lost is repeated too and may then meet
// what its first attempt stored. The conflict is returned as it is: its Old
// shows the item, and the caller compares the command id in it.
func Retrying(s Store, attempts int, backoff time.Duration) Store {
	return retrying{s, attempts, backoff}
}

type retrying struct {
	store    Store
	attempts int
	backoff  time.Duration
}

func (r retrying) Get(ctx context.Context, keys ...Key) (items []*Item, err error) {
	err = r.repeat(ctx, func() error {
		items, err = r.store.Get(ctx, keys...)
		return err
	})
	return items, err
}

func (r retrying) Query(ctx context.Context, q Query) (page Page, err error) {
	err = r.repeat(ctx, func() error {
		page, err = r.store.Query(ctx, q)
		return err
	})
	return page, err
}

func (r retrying) Write(ctx context.Context, op Op) (item *Item, err error) {
	err = r.repeat(ctx, func() error {
		item, err = r.store.Write(ctx, op)
		return err
	})
	return item, err
}

func (r retrying) WriteAll(ctx context.Context, ops ...Op) error {
	return r.repeat(ctx, func() error { return r.store.WriteAll(ctx, ops...) })
}

func (r retrying) repeat(ctx context.Context, call func() error) error {
	for attempt, span := 1, r.backoff; ; attempt, span = attempt+1, 2*span {
		err := call()
		if !errors.Is(err, ErrUnavailable) || attempt >= r.attempts || !pause(ctx, span) {
			return err
		}
	}
}

// pause waits between half of span and span; false says that ctx ends before.
func pause(ctx context.Context, span time.Duration) bool {
	wait := span
	if half := span / 2; half > 0 {
		wait = half + rand.N(half)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
