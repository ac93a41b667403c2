package app

import (
	"context"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
)

// ActivateAgent lets an agent act. After an emergency suspension it needs a
// reason (decision 10). An agent that is active stays as it is.
func (a *App) ActivateAgent(ctx context.Context, c *Command, id agent.ID, reason string) (AgentChange, error) {
	if invalid := agent.ValidateReason(reason); len(invalid) > 0 {
		return AgentChange{}, problem.InvalidFields(invalid...)
	}
	e := agentEvent{name: "agent.activated", verb: "activate", reason: reason}
	return a.changeAgent(ctx, c.deliberate(), id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
		return g.Activate(c.by(reason))
	})
}
