package app

import (
	"context"

	"ascend/shared/domain/agent"
)

// DeleteAgent ends an agent. Its record, versions and changes are kept, and its
// submissions are refused from now on, until the name is registered again.
// What it has pending is denied.
func (a *App) DeleteAgent(ctx context.Context, c *Command, id agent.ID) (AgentChange, error) {
	e := agentEvent{name: "agent.deleted", verb: "delete"}
	return a.stopAgent(ctx, c, id, c.stopped("deleted", ""), func() (AgentChange, error) {
		return a.changeAgent(ctx, c, id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
			return g.Delete(c.by("")), nil
		})
	})
}
