package relay

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"ascend/shared/store"
)

const (
	// followBatch is how many changes a consumer gets at most at once, and gather
	// how long it lets them gather: reading many at once costs less than each alone.
	followBatch = 1000
	gather      = 50 * time.Millisecond
	// A consumer acknowledges after so many changes or so much time: fewer
	// commits, and after a crash more repeats.
	acknowledgeAfter = 1000
	acknowledgeEvery = 200 * time.Millisecond
	// The backoff of a consumer doubles from the one to the other.
	leastBackoff = 50 * time.Millisecond
	mostBackoff  = 10 * time.Second
)

// Follow hands the changes of a feed to a registered consumer, from its stored
// position on, until ctx ends. What fails for a while is given again, with
// backoff, before anything that follows; what fails for good goes to the dead letters.
func (r *Relay) Follow(ctx context.Context, feed store.ConsumerFeed, c Consumer) {
	f := &follower{Relay: r, feed: feed, consumer: c}
	f.persist(ctx, "read its position", func() (err error) {
		f.acknowledged, err = feed.Position(ctx, c.Name)
		return err
	})
	f.at, f.since = f.acknowledged, time.Now()
	for ctx.Err() == nil {
		f.step(ctx)
	}
	// What is done need not be repeated at the next start.
	_ = f.acknowledge(context.WithoutCancel(ctx))
}

// follower is a consumer on its way through a feed.
type follower struct {
	*Relay
	feed             store.ConsumerFeed
	consumer         Consumer
	at, acknowledged store.Position
	done             int       // changes between the two
	since            time.Time // of the last acknowledgement
}

// step handles the next changes, or waits for them.
func (f *follower) step(ctx context.Context) {
	var changes []store.Change
	next := f.at
	f.persist(ctx, "read the feed", func() (err error) {
		changes, next, err = f.feed.Changes(ctx, f.at, followBatch)
		return err
	})
	read := len(changes)
	for len(changes) > 0 && ctx.Err() == nil { // with a backoff of its own after each progress
		f.persist(ctx, "handle changes", func() error {
			before := len(changes)
			var why error
			changes, why = f.handle(ctx, changes)
			f.done += before - len(changes)
			if len(changes) < before {
				return nil
			}
			return why
		})
	}
	if len(changes) > 0 || ctx.Err() != nil {
		return // ended in between
	}
	f.at = next
	if f.done >= acknowledgeAfter || time.Since(f.since) >= acknowledgeEvery {
		f.persist(ctx, "acknowledge changes", func() error { return f.acknowledge(ctx) })
	}
	if read == 0 {
		f.wait(ctx)
	}
	if read < followBatch {
		rest(ctx, gather)
	}
}

// handle hands changes to the consumer and returns those that are left, and why.
func (f *follower) handle(ctx context.Context, changes []store.Change) (left []store.Change, why error) {
	failed := f.Handle(ctx, f.consumer, changes)
	for i, change := range changes {
		if err := failed[i]; err != nil {
			left, why = append(left, change), errors.Join(why, err)
		}
	}
	return left, why
}

// wait returns when there are changes, or when what is done has to be acknowledged.
func (f *follower) wait(ctx context.Context) {
	if f.at != f.acknowledged {
		due, cancel := context.WithDeadline(ctx, f.since.Add(acknowledgeEvery))
		defer cancel()
		_ = f.feed.Wait(due, f.at) // it ends with due, if not before
		return
	}
	f.persist(ctx, "wait for changes", func() error { return f.feed.Wait(ctx, f.at) })
}

func (f *follower) acknowledge(ctx context.Context) error {
	f.since = time.Now()
	if f.at == f.acknowledged {
		return nil
	}
	if err := f.feed.Acknowledge(ctx, f.consumer.Name, f.at); err != nil {
		return err
	}
	f.acknowledged, f.done = f.at, 0
	return nil
}

// persist repeats do, with backoff, until it succeeds or ctx ends.
func (f *follower) persist(ctx context.Context, doing string, do func() error) {
	for backoff := leastBackoff; ctx.Err() == nil; backoff = min(2*backoff, mostBackoff) {
		err := do()
		if err == nil || ctx.Err() != nil {
			return
		}
		f.log().WarnContext(ctx, "a consumer tries again", "consumer", f.consumer.Name, "doing", doing, "error", err.Error())
		rest(ctx, backoff/2+rand.N(backoff/2))
	}
}

func rest(ctx context.Context, span time.Duration) {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
