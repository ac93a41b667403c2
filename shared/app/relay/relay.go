// Package relay turns committed changes into what follows from them outside of the store.
package relay

import (
	"context"
	"errors"
	"fmt"

	"ascend/events"
	"ascend/shared/app/approvals"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

// Relay hands committed changes on.
type Relay struct {
	Approvals *approvals.Service
	Bus       Bus // nil: events fail as unavailable
}

// Bus takes events to the world: EventBridge.
type Bus interface {
	// Publish sends events, any number. failed holds the indexes of those that
	// were not taken; err says why, and is nil when failed is empty.
	Publish(ctx context.Context, all []events.Event) (failed []int, err error)
}

// Deliver turns committed changes into what follows from them outside of the
// record: the clock of each pending action keeps up with it, what a stopped
// agent asked is denied, and events are published. Nothing is published by
// hand after a write, so what is committed is told, also when whoever wrote it
// died right after.
//
// It may be given any changes in any order, any number of times: clocks are
// known by the action's name and are compared with what the record asks for,
// denials are conditional writes, and an event has the same id each time.
// Changes that nothing follows from cost nothing. It returns what failed, by
// the index of its change; the others are done. The failed ones are to be
// given again.
func (r *Relay) Deliver(ctx context.Context, changes []store.Change) (failed map[int]error) {
	failed = map[int]error{}
	fail := func(change int, err error) {
		if err != nil {
			failed[change] = errors.Join(failed[change], err)
		}
	}
	var told []events.Event
	var of []int // the change that each event is of
	for i, c := range changes {
		fail(i, r.Approvals.SyncClock(ctx, c))
		fail(i, r.Approvals.RevokeStopped(ctx, c))
		news, err := announce(c)
		fail(i, err)
		for _, e := range news {
			told, of = append(told, e), append(of, i)
		}
	}
	untold, err := r.publish(ctx, told)
	for _, n := range untold {
		fail(of[n], fmt.Errorf("publish %s %s: %w", told[n].Type, told[n].ID, err))
	}
	return failed
}

// publish sends events; untold holds the indexes of those that were not taken.
func (r *Relay) publish(ctx context.Context, all []events.Event) (untold []int, err error) {
	if len(all) == 0 {
		return nil, nil
	}
	if r.Bus == nil {
		for i := range all {
			untold = append(untold, i)
		}
		return untold, problem.Unavailable("publish events", errors.New("there is no bus"))
	}
	return r.Bus.Publish(ctx, all)
}
