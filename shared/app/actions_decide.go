package app

import (
	"context"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/approval"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Decided is the answer to a person's decision on an action.
type Decided struct {
	ID            action.ID          `json:"id"`
	Status        governance.Outcome `json:"status"`
	By            int64              `json:"by"`
	At            time.Time          `json:"at"`
	Reason        string             `json:"reason"`
	CorrelationID string             `json:"correlation_id"`
}

// Approve lets a pending action go ahead, in the name of the command's principal.
func (a *App) Approve(ctx context.Context, c *Command, id action.ID, reason string) (Decided, error) {
	return a.decide(ctx, c, id, "action.approved", func(act *action.Action) error {
		if err := a.agentMayStill(ctx, act); err != nil {
			return err
		}
		return approval.Approve(act, c.Principal, reason, c.At)
	})
}

// Reject denies a pending action, in the name of the command's principal.
func (a *App) Reject(ctx context.Context, c *Command, id action.ID, reason string) (Decided, error) {
	return a.decide(ctx, c, id, "action.denied", func(act *action.Action) error {
		return approval.Reject(act, c.Principal, reason, c.At)
	})
}

// decide makes one move of a pending action. The write depends on the record's
// revision, so of any that race exactly one happens; the others read again and
// find the action decided.
func (a *App) decide(ctx context.Context, c *Command, id action.ID, event string, move func(*action.Action) error) (Decided, error) {
	return once(ctx, a, c, func(ctx context.Context) (Decided, []store.Op, error) {
		act, err := a.Action(ctx, c.Principal.Org, id)
		if err != nil {
			return Decided{}, nil, err
		}
		if err := move(act); err != nil {
			return Decided{}, nil, err
		}
		put, err := moved(act, c.actionEntry(act, event, "decide"))
		answer := Decided{ID: id, Status: act.Status, By: c.Principal.UserID, At: c.At, Reason: act.Outcome.Reason, CorrelationID: c.CorrelationID}
		return answer, []store.Op{put}, err
	})
}

// agentMayStill refuses to let go ahead what an agent asked before it was stopped.
func (a *App) agentMayStill(ctx context.Context, act *action.Action) error {
	g, err := a.storedAgent(ctx, act.Org, act.Input.Proposal.AgentID)
	if err != nil {
		return err
	}
	if g != nil && g.Status != agent.Active {
		return problem.New(problem.InvalidState, problem.CodeInvalidState,
			"agent %q is %s: its actions cannot be approved; the action's status is %s", g.ID, g.Status, act.Status)
	}
	return nil
}

// moved is the write of an action after a move, on condition that nobody moved it first.
func moved(act *action.Action, entry audit.Entry) (store.Put, error) {
	act.Audit = append(act.Audit, entry)
	before := act.Revision
	act.Revision++
	put, err := putAction(act)
	put.If = []store.Cond{store.Equal(store.AttrRev, store.N(before))}
	return put, err
}

// actionEntry is the audit body of a decision on an action.
func (c *Command) actionEntry(act *action.Action, event, verb string) audit.Entry {
	e := c.entry(event, verb, "agent_action", act.ID.String(), map[string]any{
		"agent_id": string(act.Input.Proposal.AgentID), "action_type": act.Input.Proposal.ActionType,
		"status": string(act.Status), "decided_by": act.DecidedBy(), "reason": act.Reason(), "digest": act.Digest,
	})
	e.RiskLevel = act.Verdict.Risk.Level
	return e
}

// ExpireDue denies the pending actions of every organisation whose time has
// run out, and reports how many. It is the durable timer of approvals: run it
// again and again, anywhere, any number at once.
func (a *App) ExpireDue(ctx context.Context) (int, error) {
	now := a.Now()
	q := store.DueBy(now)
	q.Limit = 100
	expired := 0
	for {
		page, err := a.Store.Query(ctx, q)
		if err != nil {
			return expired, problem.Down("find due approvals", err)
		}
		for _, item := range page.Items {
			done, err := a.expire(ctx, item.Key, now)
			if err != nil {
				return expired, err
			}
			if done {
				expired++
			}
		}
		if !page.More || len(page.Sort) == 0 {
			return expired, nil
		}
		q.After = page.Sort[len(page.Sort)-1]
	}
}

func (a *App) expire(ctx context.Context, key store.Key, now time.Time) (bool, error) {
	items, err := a.Store.Get(ctx, key)
	if err != nil {
		return false, problem.Down("read a due approval", err)
	}
	if items[0] == nil {
		return false, nil
	}
	act, err := decodeAction(items[0])
	if err != nil || !approval.Expire(act, now) {
		return false, err
	}
	clock := &Command{At: now, Principal: tenant.Principal{Org: act.Org, Kind: audit.System, Subject: "system"}, CorrelationID: act.CorrelationID}
	put, err := moved(act, clock.actionEntry(act, "action.timeout", "expire"))
	if err != nil {
		return false, err
	}
	_, err = a.Store.Write(ctx, put)
	if _, lost := store.Conflict(err); lost { // somebody decided in time
		return false, nil
	}
	if err != nil {
		return false, problem.Down("deny an unanswered action", err)
	}
	return true, nil
}
