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
		_, _, err := s.moveUnasked(ctx, key, "revoke", func(act *action.Action, now time.Time) (approval.Move, bool) {
			if mayGoOn(g, act) {
				return approval.Move{}, false
			}
			return approval.Revoke(act, why, now)
		})
		failed = errors.Join(failed, err)
	}
	return failed
}

// StopReason says who stopped an agent, how, and why: the reason of the denials.
func StopReason(who, how, reason string) string {
	said := fmt.Sprintf("the agent was %s by %s", how, who)
	if reason != "" {
		said += ": " + reason
	}
	return said
}
