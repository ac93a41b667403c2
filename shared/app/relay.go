package app

import (
	"context"
	"errors"
	"fmt"

	"ascend/events"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Relay turns committed changes into what follows from them outside of the
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
func (a *App) Relay(ctx context.Context, changes []store.Change) (failed map[int]error) {
	failed = map[int]error{}
	fail := func(change int, err error) {
		if err != nil {
			failed[change] = errors.Join(failed[change], err)
		}
	}
	var told []events.Event
	var of []int // the change that each event is of
	for i, c := range changes {
		fail(i, a.keepClock(ctx, c))
		fail(i, a.keepStopped(ctx, c))
		news, err := announce(c)
		fail(i, err)
		for _, e := range news {
			told, of = append(told, e), append(of, i)
		}
	}
	untold, err := a.publish(ctx, told)
	for _, n := range untold {
		fail(of[n], fmt.Errorf("publish %s %s: %w", told[n].Type, told[n].ID, err))
	}
	return failed
}

// publish sends events; untold holds the indexes of those that were not taken.
func (a *App) publish(ctx context.Context, all []events.Event) (untold []int, err error) {
	if len(all) == 0 {
		return nil, nil
	}
	if a.Bus == nil {
		for i := range all {
			untold = append(untold, i)
		}
		return untold, problem.Unavailable("publish events", errors.New("there is no bus"))
	}
	return a.Bus.Publish(ctx, all)
}

// keepStopped denies what an agent asked before it was stopped. The command
// that stopped it does so too; this makes up for one that died in between.
func (a *App) keepStopped(ctx context.Context, c store.Change) error {
	if !store.IsAgent(c.Key) || c.Old == nil || c.New == nil {
		return nil
	}
	before, err := decodeAgent(c.Old)
	if err != nil {
		return err
	}
	after, err := decodeAgent(c.New)
	if err != nil || before.Status != agent.Active || after.Status == agent.Active {
		return err
	}
	by := Command{Principal: tenant.Principal{Subject: after.UpdatedBy}}
	how, reason := "deactivated", ""
	switch after.Status {
	case agent.Deleted:
		how = "deleted"
	case agent.Suspended:
		how = "suspended"
		if after.Suspension != nil {
			reason = after.Suspension.Reason
		}
	}
	return a.RevokePending(ctx, after.Org, after.ID, by.stopped(how, reason))
}
