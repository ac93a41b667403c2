package faulty

import (
	"context"
	"errors"
	"time"

	"ascend/shared/retry"
	"ascend/shared/store"
)

// Retrying returns a store that repeats the calls of s that fail with
// store.ErrUnavailable, up to attempts calls in all. Around a faulty store it
// does what package dynamo does around the calls of DynamoDB.
//
// A conditional write whose answer was lost is repeated too and may then meet
// what its first attempt stored. The conflict is returned as it is: its Old
// shows the item, and the caller compares the command ID in it.
func Retrying(s store.Store, attempts int, backoff time.Duration) store.Store {
	return retrying{s, retry.Policy{Attempts: attempts, Backoff: backoff}}
}

type retrying struct {
	store  store.Store
	policy retry.Policy
}

func (r retrying) Get(ctx context.Context, keys ...store.Key) (items []*store.Item, err error) {
	err = r.repeat(ctx, func() error {
		items, err = r.store.Get(ctx, keys...)
		return err
	})
	return items, err
}

func (r retrying) Query(ctx context.Context, q store.Query) (page store.Page, err error) {
	err = r.repeat(ctx, func() error {
		page, err = r.store.Query(ctx, q)
		return err
	})
	return page, err
}

func (r retrying) Write(ctx context.Context, op store.Op) (item *store.Item, err error) {
	err = r.repeat(ctx, func() error {
		item, err = r.store.Write(ctx, op)
		return err
	})
	return item, err
}

func (r retrying) WriteAll(ctx context.Context, ops ...store.Op) error {
	return r.repeat(ctx, func() error { return r.store.WriteAll(ctx, ops...) })
}

func (r retrying) repeat(ctx context.Context, call func() error) error {
	return r.policy.Do(ctx, func(err error) bool { return errors.Is(err, store.ErrUnavailable) }, call)
}
