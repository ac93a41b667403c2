package app

import (
	"context"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
)

// SuspendAgent stops an agent, with effect on its next submission. One that is
// suspended already stays as it is. What it has pending is denied, also by a
// repeat that follows a failure.
func (a *App) SuspendAgent(ctx context.Context, c *Command, id agent.ID, reason string) (AgentChange, error) {
	if invalid := agent.ValidateReason(reason); len(invalid) > 0 {
		return AgentChange{}, problem.InvalidFields(invalid...)
	}
	e := agentEvent{name: "agent.suspended", verb: "suspend", reason: reason}
	return a.stopAgent(ctx, c, id, c.stopped("suspended", reason), func() (AgentChange, error) {
		return a.changeAgent(ctx, c.deliberate(), id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
			return g.Suspend(agent.Ordinary, c.by(reason)), nil
		})
	})
}
