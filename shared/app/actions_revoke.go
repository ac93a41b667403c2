package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/approval"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// RevokePending denies what a stopped agent asked and still waits for people;
// why becomes the denials' reason. It may be repeated and may come late: of an
// agent that is active again it denies only what that asked before. It has no
// effect on an agent that nobody registered. Submissions that the stop overtook
// may be stored after it; Approve refuses them for the same cause.
func (a *App) RevokePending(ctx context.Context, org tenant.ID, id agent.ID, why string) error {
	q := store.ActionsOf(org, true)
	q.Limit = 1000
	var failed error
	for {
		page, err := a.Store.Query(ctx, q)
		if err != nil {
			return errors.Join(failed, problem.Unavailable("find pending actions", err))
		}
		var keys []store.Key
		for _, item := range page.Items {
			if item.Attrs[store.AttrAgent].Str() == string(id) {
				keys = append(keys, item.Key)
			}
		}
		failed = errors.Join(failed, a.revoke(ctx, org, id, keys, why))
		if !page.More || len(page.Sort) == 0 {
			return failed
		}
		q.Before = page.Sort[len(page.Sort)-1]
	}
}

// revoke denies those of the pending actions that their agent, read after they
// were found, may not go on with.
func (a *App) revoke(ctx context.Context, org tenant.ID, id agent.ID, keys []store.Key, why string) error {
	if len(keys) == 0 {
		return nil
	}
	g, err := a.storedAgent(ctx, org, id)
	if err != nil || g == nil {
		return err
	}
	var failed error
	for _, key := range keys {
		_, _, err := a.moveUnasked(ctx, key, "revoke", func(act *action.Action, now time.Time) (approval.Move, bool) {
			if mayGoOn(g, act) {
				return approval.Move{}, false
			}
			return approval.Revoke(act, why, now)
		})
		failed = errors.Join(failed, err)
	}
	return failed
}

// stopAgent makes a change that stops an agent and denies what it has pending.
// When only the denials fail the agent is stopped all the same; the error asks
// the caller to repeat, and a repeat denies the rest.
func (a *App) stopAgent(ctx context.Context, c *Command, id agent.ID, why string, stop func() (AgentChange, error)) (AgentChange, error) {
	change, err := stop()
	if err != nil {
		return change, err
	}
	return change, a.RevokePending(ctx, c.Principal.Org, id, why)
}

// stopped says who stopped an agent, and why.
func (c *Command) stopped(how, reason string) string {
	said := fmt.Sprintf("the agent was %s by %s", how, c.Principal.Name())
	if reason != "" {
		said += ": " + reason
	}
	return said
}
