package approvals

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/approval"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Revocation counts a stopped agent's pending actions.
type Revocation struct {
	Revoked   int // denied by this call
	Remaining int // not known to be denied; the relay denies them, and so does a repeat
	// AtLeast reports that the pending actions could not all be counted, so that
	// more may remain.
	AtLeast bool
}

// RevokePending denies what a stopped agent asked and still waits for people;
// why becomes the denials' reason. It may be repeated and may come late: of an
// agent that is active again it denies only what that asked before. It has no
// effect on an agent that nobody registered. Submissions that the stop overtook
// may be stored after it; Approve refuses them for the same cause.
//
// It returns an error when anything may remain. What it denied by then stays
// denied and is not found again, so a repeat goes on where this call ended.
func (s *Service) RevokePending(ctx context.Context, org tenant.ID, id agent.ID, why string) error {
	_, err := s.revokeAll(ctx, ctx, org, id, why)
	return err
}

// RevokeWithin denies like RevokePending until a time is over, then counts what
// remains. It returns no error: the agent is stopped whether or not the denials
// succeed, and the relay makes them too.
func (s *Service) RevokeWithin(ctx context.Context, limit time.Duration, org tenant.ID, id agent.ID, why string) Revocation {
	work, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	n, _ := s.revokeAll(ctx, work, org, id, why)
	return n
}

// revokeAll reads the pending actions under ctx, and denies those of the agent
// while work lasts.
func (s *Service) revokeAll(ctx, work context.Context, org tenant.ID, id agent.ID, why string) (n Revocation, failed error) {
	q := store.ActionsOf(org, true)
	q.Limit = 1000
	for {
		page, err := s.Store.Query(ctx, q)
		if err != nil {
			n.AtLeast = true
			return n, errors.Join(failed, problem.Unavailable("find pending actions", err))
		}
		var keys []store.Key
		for _, item := range page.Items {
			if item.Attrs[store.AttrAgent].Str() == string(id) {
				keys = append(keys, item.Key)
			}
		}
		failed = errors.Join(failed, s.revoke(work, org, id, keys, why, &n))
		if !page.More || len(page.Sort) == 0 {
			return n, failed
		}
		q.Before = page.Sort[len(page.Sort)-1]
	}
}

// revoke denies those of the pending actions that their agent, read after they
// were found, may not go on with, and counts them.
func (s *Service) revoke(ctx context.Context, org tenant.ID, id agent.ID, keys []store.Key, why string, n *Revocation) error {
	if len(keys) == 0 {
		return nil
	}
	g, err := record.ReadAgent(ctx, s.Store, org, id)
	if err != nil {
		n.Remaining += len(keys)
		return err
	}
	if g == nil {
		return nil
	}
	var failed error
	for i, key := range keys {
		if err := ctx.Err(); err != nil {
			n.Remaining += len(keys) - i
			return errors.Join(failed, problem.Unavailable("deny pending actions", err))
		}
		_, did, err := s.moveBySystem(ctx, key, "revoke", func(act *action.Action, now time.Time) (approval.Move, bool) {
			if mayStillAct(g, act) {
				return approval.Move{}, false
			}
			return approval.Revoke(act, why, now)
		})
		switch {
		case err != nil:
			n.Remaining++
			failed = errors.Join(failed, err)
		case did:
			n.Revoked++
		}
	}
	return failed
}

// StopReason returns the reason of the denials: who stopped the agent, how, and why.
func StopReason(who, how, reason string) string {
	said := fmt.Sprintf("the agent was %s by %s", how, who)
	if reason != "" {
		said += ": " + reason
	}
	return said
}

// RevokeStopped denies what is pending of an agent that a committed change stopped. The
// command that stopped it does so too; this makes up for one that died in between.
func (s *Service) RevokeStopped(ctx context.Context, c store.Change) error {
	if !store.IsAgent(c.Key) || c.Old == nil || c.New == nil {
		return nil
	}
	if was := status(c.Old); was != "" && was != string(agent.Active) || status(c.New) == string(agent.Active) {
		return nil
	}
	before, err := record.DecodeAgent(c.Old)
	if err != nil {
		return err
	}
	after, err := record.DecodeAgent(c.New)
	if err != nil || before.Status != agent.Active || after.Status == agent.Active {
		return err
	}
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
	return s.RevokePending(ctx, after.Org, after.ID, StopReason(after.UpdatedBy, how, reason))
}
