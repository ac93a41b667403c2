package app

import (
	"context"

	"ascend/shared/domain/agent"
)

// DeactivateAgent returns an agent to draft. A draft stays as it is.
func (a *App) DeactivateAgent(ctx context.Context, c *Command, id agent.ID) (AgentChange, error) {
	e := agentEvent{name: "agent.updated", verb: "deactivate"}
	return a.changeAgent(ctx, c.deliberate(), id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
		return g.Deactivate(c.by(""))
	})
}
