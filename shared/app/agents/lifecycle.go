package agents

import (
	"context"
	"time"

	"ascend/shared/app/approvals"
	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
)

// Activate lets an agent act. After an emergency suspension it needs a
// reason (decision 10). An agent that is active stays as it is.
func (s *Service) Activate(ctx context.Context, c *command.Command, id agent.ID, reason string) (Change, error) {
	if err := agent.ValidateReason(reason).Err(); err != nil {
		return Change{}, err
	}
	e := event{name: audit.EventAgentActivated, verb: "activate", reason: reason}
	return s.change(ctx, c.Deliberate(), id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
		return g.Activate(by(c, reason))
	})
}

// Deactivate returns an agent to draft. A draft stays as it is.
// What it has pending is denied.
func (s *Service) Deactivate(ctx context.Context, c *command.Command, id agent.ID) (Change, error) {
	e := event{name: audit.EventAgentUpdated, verb: "deactivate"}
	return s.stop(ctx, c, id, approvals.StopReason(c.Principal.Name(), "deactivated", ""), func() (Change, error) {
		return s.change(ctx, c.Deliberate(), id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
			return g.Deactivate(by(c, ""))
		})
	})
}

// Suspend stops an agent, with effect on its next submission. One that is
// suspended already stays as it is. What it has pending is denied.
func (s *Service) Suspend(ctx context.Context, c *command.Command, id agent.ID, reason string) (Change, error) {
	if err := agent.ValidateReason(reason).Err(); err != nil {
		return Change{}, err
	}
	e := event{name: audit.EventAgentSuspended, verb: "suspend", reason: reason}
	return s.stop(ctx, c, id, approvals.StopReason(c.Principal.Name(), "suspended", reason), func() (Change, error) {
		return s.change(ctx, c.Deliberate(), id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
			return g.Suspend(agent.Ordinary, by(c, reason)), nil
		})
	})
}

// Delete ends an agent. Its record, versions and changes are kept, and its
// submissions are refused from now on, until the name is registered again.
// What it has pending is denied.
func (s *Service) Delete(ctx context.Context, c *command.Command, id agent.ID) (Change, error) {
	e := event{name: audit.EventAgentDeleted, verb: "delete"}
	return s.stop(ctx, c, id, approvals.StopReason(c.Principal.Name(), "deleted", ""), func() (Change, error) {
		return s.change(ctx, c, id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
			return g.Delete(by(c, "")), nil
		})
	})
}

// revokeFor bounds the denials within a command, whose operation has 4.5 s.
const revokeFor = 2 * time.Second

// stop makes a change that stops an agent, and denies what it has pending. The
// agent is stopped even when not everything could be denied in time: the answer
// counts what remains, and the relay denies it.
func (s *Service) stop(ctx context.Context, c *command.Command, id agent.ID, why string, makeChange func() (Change, error)) (Change, error) {
	change, err := makeChange()
	if err != nil {
		return Change{}, err
	}
	change.Pending = s.Approvals.RevokeWithin(ctx, revokeFor, c.Principal.Org, id, why)
	return change, nil
}
