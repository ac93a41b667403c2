package approvals

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/approval"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

// Decided is the answer to a person's decision on an action.
type Decided struct {
	ID            action.ID         `json:"id"`
	Status        governance.Status `json:"status"` // still pending while other approvals are missing
	By            int64             `json:"by"`
	At            time.Time         `json:"at"`
	Reason        string            `json:"reason"`
	Stage         int               `json:"stage"`     // the present one, from 1
	Remaining     int               `json:"remaining"` // approvals that it still needs
	CorrelationID string            `json:"correlation_id"`
}

// Approve is one approval of the present stage of a pending action, in the
// name of the command's principal; the last that is needed lets the action go
// ahead. It depends on the agent being as it was read when it is written, so
// that no approval overtakes a suspension. One that lost the stage it meant to
// another approver is not spent on the next.
func (s *Service) Approve(ctx context.Context, c *command.Command, id action.ID, reason string) (Decided, error) {
	var meant *int // the stage that was present when the command came
	return s.decide(ctx, c, id, func(act *action.Action) (approval.Move, []store.Op, error) {
		whileSo, err := s.whileAgentMay(ctx, act)
		if err != nil {
			return approval.Move{}, nil, err
		}
		var stage int
		if act.Approval != nil {
			stage = act.Approval.Stage
		}
		move, err := approval.Approve(act, c.Principal, reason, c.At)
		if err == nil && meant != nil && *meant != stage {
			err = problem.InvalidState("stage %d of the approval of action %d ended while you approved it: stage %d is open now; look at the action and approve again", *meant+1, id, stage+1)
		}
		meant = &stage
		return move, whileSo, err
	})
}

// Reject denies a pending action, in the name of the command's principal.
func (s *Service) Reject(ctx context.Context, c *command.Command, id action.ID, reason string) (Decided, error) {
	return s.decide(ctx, c, id, func(act *action.Action) (approval.Move, []store.Op, error) {
		move, err := approval.Reject(act, c.Principal, reason, c.At)
		return move, nil, err
	})
}

// decide makes one move of a pending action. The write depends on the record's
// revision, so of any that race exactly one happens; the others read again and
// decide on what it left. move may add what else the write depends on.
func (s *Service) decide(ctx context.Context, c *command.Command, id action.ID, move func(*action.Action) (approval.Move, []store.Op, error)) (Decided, error) {
	late := false
	decided, err := command.Once(ctx, s.Store, c, func(ctx context.Context) (Decided, []store.Op, error) {
		act, err := record.ReadAction(ctx, s.Store, c.Principal.Org, id)
		if err != nil {
			return Decided{}, nil, err
		}
		late = approval.Overdue(act, c.At)
		did, depends, err := move(act)
		if err != nil {
			return Decided{}, nil, err
		}
		put, err := putMoved(act, c.ActionEntry(act, did.Event, "decide", did.Reason, &did.Data))
		return Decided{
			ID: id, Status: act.Status, By: c.Principal.UserID, At: c.At, Reason: cmp.Or(did.Reason, act.Reason()),
			Stage: act.Approval.Stage + 1, Remaining: act.Remaining(), CorrelationID: c.CorrelationID,
		}, append(depends, put), err
	})
	if late { // and so refused: the clock is behind, and what the refusal says shall be so
		if _, down := s.PassDeadline(ctx, c.Principal.Org, id); down != nil {
			return Decided{}, down
		}
	}
	return decided, err
}

// whileAgentMay refuses to let go ahead what an agent asked before it was
// stopped, alone or by the organisation's kill switch, also when it was
// activated again since. It returns the condition under which the agent stays
// as it is until the write.
func (s *Service) whileAgentMay(ctx context.Context, act *action.Action) ([]store.Op, error) {
	agentKey := store.AgentKey(act.Org, act.Input.Proposal.AgentID)
	items, err := s.Store.Get(ctx, agentKey, store.OrganizationKey(act.Org))
	if err != nil {
		return nil, problem.Unavailable("read the agent of an action", err)
	}
	customer, err := record.DecodeOrganization(items[1])
	if err != nil {
		return nil, err
	}
	if stopped := customer.Stopped(); stopped != "" {
		return nil, problem.InvalidState("the organisation's kill switch is on (%s): nothing can be approved until it is released; the action's status is %s", stopped, act.Status)
	}
	g, err := record.DecodeAgent(items[0])
	switch {
	case err != nil:
		return nil, err
	case g == nil && act.Input.Agent.Registered:
		return nil, problem.Unavailable("read the agent of an action", fmt.Errorf("agent %q of action %d has no record", act.Input.Proposal.AgentID, act.ID))
	case g == nil:
		return []store.Op{store.Check{Key: agentKey, If: []store.Cond{store.Absent()}}}, nil
	case !mayStillAct(g, act):
		return nil, problem.InvalidState("agent %q is %s, or was stopped since it asked: this action cannot be approved; its status is %s", g.ID, g.Status, act.Status)
	}
	return []store.Op{store.Check{Key: agentKey, If: []store.Cond{store.Equal(store.AttrRev, store.N(g.Revision))}}}, nil
}

// mayStillAct reports whether what an agent asked may still be approved: it is
// active, and its last activation is not after the action.
func mayStillAct(g *agent.Agent, act *action.Action) bool {
	stopped := act.Input.Agent.Registered && g.ApprovedAt != nil && act.CreatedAt.Before(*g.ApprovedAt)
	return g.Status == agent.Active && !stopped
}

// putMoved returns the write of an action after a move, on condition that nobody moved it first.
func putMoved(act *action.Action, entry audit.Entry) (store.Put, error) {
	act.Audit = append(act.Audit, entry)
	before := act.Revision
	act.Revision++
	put, err := record.PutAction(act)
	put.If = []store.Cond{store.Equal(store.AttrRev, store.N(before))}
	return put, err
}
