package app

import (
	"context"

	"ascend/shared/domain/agent"
)

// DeactivateAgent returns an agent to draft. A draft stays as it is.
// What it has pending is denied, also by a repeat that follows a failure.
func (a *App) DeactivateAgent(ctx context.Context, c *Command, id agent.ID) (AgentChange, error) {
	e := agentEvent{name: "agent.updated", verb: "deactivate"}
	return a.stopAgent(ctx, c, id, c.stopped("deactivated", ""), func() (AgentChange, error) {
		return a.changeAgent(ctx, c.deliberate(), id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
			return g.Deactivate(c.by(""))
		})
	})
}
