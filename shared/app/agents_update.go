package app

import (
	"context"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
)

// UpdateAgent changes an agent's configuration. What differs makes a new
// version; settings that say what already is make none (decision 11).
func (a *App) UpdateAgent(ctx context.Context, c *Command, id agent.ID, s agent.Settings) (AgentChange, error) {
	e := agentEvent{name: "agent.updated", verb: "update", version: "updated"}
	return a.changeAgent(ctx, c, id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
		config, invalid := s.Apply(g.Config)
		if len(invalid) > 0 {
			return g, problem.InvalidFields(invalid...)
		}
		g, _ = g.Configure(config, c.by(""))
		return g, nil
	})
}
