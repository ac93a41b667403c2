// Package relay hands committed changes to consumers: what follows from a change
// outside of its record. A further one is one more entry in Consumers.
package relay

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"ascend/events"
	"ascend/shared/app/approvals"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

// The messages of log lines that alarms count.
const (
	LogDeadLetter = "a change went to the dead letters"
	LogNoClock    = "no approval clock was started; the sweep closes the action"
)

// Relay hands committed changes on.
type Relay struct {
	Approvals   *approvals.Service
	Bus         Bus         // nil: events fail as unavailable
	DeadLetters DeadLetters // nil: what can never be handled fails like an outage
	Log         Log         // nil: nothing is logged
}

// Log takes what operators are to see: *slog.Logger.
type Log interface {
	ErrorContext(ctx context.Context, message string, args ...any)
	WarnContext(ctx context.Context, message string, args ...any)
}

// Bus publishes events: EventBridge, or a file on a developer's machine.
type Bus interface {
	// Publish sends events, any number, and returns what failed by the index of
	// its event. An event may have arrived although it failed, and more than once.
	Publish(ctx context.Context, all []events.Event) (failed map[int]error)
}

// Consumer turns changes into one thing that follows from them. It is
// independent of the other consumers, and idempotent: it gets changes at least
// once, and those of one item in order but for repeats.
type Consumer struct {
	Name string // of its position in the feed, and in dead letters
	// Handle returns what failed, by the index of its change; the others are
	// done. A problem of kind Unavailable and an ended context are transient: the
	// change is to be given again. Everything else is permanent: no repeat helps.
	Handle func(ctx context.Context, changes []store.Change) (failed map[int]error)
}

// Consumers returns the consumers of committed changes.
func (r *Relay) Consumers() []Consumer {
	return []Consumer{
		{Name: "clock", Handle: Each(r.syncClock)},
		{Name: "revocation", Handle: Each(r.Approvals.RevokeStopped)},
		{Name: "events", Handle: r.publish},
	}
}

// Deliver hands changes to every consumer, to each on its own. It returns what
// failed, by the index of its change, and is to be given again; the others are
// done. Repeats and changes that nothing follows from are harmless.
func (r *Relay) Deliver(ctx context.Context, changes []store.Change) (failed map[int]error) {
	failed = map[int]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, c := range r.Consumers() {
		all.Go(func() {
			left := r.Handle(ctx, c, changes)
			mu.Lock()
			defer mu.Unlock()
			for i, err := range left {
				failed[i] = errors.Join(failed[i], fmt.Errorf("%s: %w", c.Name, err))
			}
		})
	}
	all.Wait()
	return failed
}

// Handle hands changes to one consumer and returns what is to be given again, by
// the index of its change. A change that failed for good goes to the dead
// letters and is done, so that it holds up nothing that follows.
func (r *Relay) Handle(ctx context.Context, c Consumer, changes []store.Change) (failed map[int]error) {
	failed = map[int]error{}
	readable, index := make([]store.Change, 0, len(changes)), make([]int, 0, len(changes))
	for i, change := range changes {
		if change.Err != nil {
			failed[i] = problem.Corrupt("a change", change.Err)
			continue
		}
		readable, index = append(readable, change), append(index, i)
	}
	for i, err := range attempt(ctx, c, readable) {
		failed[index[i]] = err
	}
	for i, err := range failed {
		if r.DeadLetters == nil || transient(err) {
			continue
		}
		letter := newDeadLetter(c.Name, changes[i], err)
		if kept := r.DeadLetters.Keep(ctx, letter); kept != nil {
			failed[i] = problem.Unavailable("keep a dead letter", errors.Join(kept, errors.New(letter.Reason)))
			continue
		}
		r.log().ErrorContext(ctx, LogDeadLetter, "consumer", c.Name, "key", letter.key(), "sequence", letter.Sequence, "error", letter.Reason)
		delete(failed, i)
	}
	return failed
}

// attempt hands changes to a consumer. When it panics, it gets each change by
// itself, so that only the one that makes it panic fails, for good.
func attempt(ctx context.Context, c Consumer, changes []store.Change) (failed map[int]error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		failed = map[int]error{}
		if len(changes) == 1 {
			failed[0] = problem.Internal("handle a change", fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
			return
		}
		for i := range changes {
			if err := attempt(ctx, c, changes[i:i+1])[0]; err != nil {
				failed[i] = err
			}
		}
	}()
	return c.Handle(ctx, changes)
}

// transient reports whether an error, or one of those joined in it, may pass.
func transient(err error) bool {
	return errors.Is(err, problem.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Each returns a Consumer's Handle of what handles one change. After a transient
// failure the later changes of the item wait, so that they stay in order.
func Each(do func(context.Context, store.Change) error) func(context.Context, []store.Change) map[int]error {
	return func(ctx context.Context, changes []store.Change) map[int]error {
		failed, waiting := map[int]error{}, map[store.Key]error{}
		for i, c := range changes {
			if err := waiting[c.Key]; err != nil {
				failed[i] = fmt.Errorf("after an earlier change of %v: %w", c.Key, err)
				continue
			}
			if err := do(ctx, c); err != nil {
				failed[i] = err
				if transient(err) {
					waiting[c.Key] = err
				}
			}
		}
		return failed
	}
}

// syncClock lets the approval clock follow a change. Where no clock can be
// started because too many run, the sweep passes the action's deadline.
func (r *Relay) syncClock(ctx context.Context, c store.Change) error {
	err := r.Approvals.SyncClock(ctx, c)
	if errors.Is(err, approvals.ErrTooManyExecutions) {
		r.log().ErrorContext(ctx, LogNoClock, "key", c.Key.String(), "error", err.Error())
		return nil
	}
	return err
}

// publish sends the events that announce changes.
func (r *Relay) publish(ctx context.Context, changes []store.Change) (failed map[int]error) {
	failed = map[int]error{}
	var all []events.Event
	var of []int // the change that each event announces
	for i, c := range changes {
		news, err := announce(c)
		if err != nil {
			failed[i] = err
		}
		for _, e := range news {
			all, of = append(all, e), append(of, i)
		}
	}
	switch {
	case len(all) == 0:
	case r.Bus == nil:
		for _, i := range of {
			failed[i] = problem.Unavailable("publish events", errors.New("there is no bus"))
		}
	default:
		for n, err := range r.Bus.Publish(ctx, all) {
			failed[of[n]] = errors.Join(failed[of[n]], fmt.Errorf("publish %s %s: %w", all[n].Type, all[n].ID, err))
		}
	}
	return failed
}

func (r *Relay) log() Log {
	if r.Log == nil {
		return unlogged{}
	}
	return r.Log
}

type unlogged struct{}

func (unlogged) ErrorContext(context.Context, string, ...any) {}
func (unlogged) WarnContext(context.Context, string, ...any)  {}
