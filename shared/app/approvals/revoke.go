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

// RevokePending denies what a stopped agent asked and still waits for people;
// why becomes the denials' reason. It may be repeated and may come late: of an
// agent that is active again it denies only what that asked before. It has no
// effect on an agent that nobody registered. Submissions that the stop overtook
// may be stored after it; Approve refuses them for the same cause.
func (s *Service) RevokePending(ctx context.Context, org tenant.ID, id agent.ID, why string) error {
	q := store.ActionsOf(org, true)
	q.Limit = 1000
	var failed error
	for {
		page, err := s.Store.Query(ctx, q)
		if err != nil {
			return errors.Join(failed, problem.Unavailable("find pending actions", err))
		}
		var keys []store.Key
		for _, item := range page.Items {
			if item.Attrs[store.AttrAgent].Str() == string(id) {
				keys = append(keys, item.Key)
			}
		}
		failed = errors.Join(failed, s.revoke(ctx, org, id, keys, why))
		if !page.More || len(page.Sort) == 0 {
			return failed
		}
		q.Before = page.Sort[len(page.Sort)-1]
	}
}

// revoke denies those of the pending actions that their agent, read after they
// were found, may not go on with.
func (s *Service) revoke(ctx context.Context, org tenant.ID, id agent.ID, keys []store.Key, why string) error {
	if len(keys) == 0 {
		return nil
	}
	g, err := record.ReadAgent(ctx, s.Store, org, id)
	if err != nil || g == nil {
		return err
	}
	var failed error
	for _, key := range keys {
		_, _, err := s.moveBySystem(ctx, key, "revoke", func(act *action.Action, now time.Time) (approval.Move, bool) {
			if mayStillAct(g, act) {
				return approval.Move{}, false
			}
			return approval.Revoke(act, why, now)
		})
		failed = errors.Join(failed, err)
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
