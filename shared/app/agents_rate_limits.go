package app

import (
	"context"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
)

// LimitAgent sets an agent's rate limits. They hold from the next submission;
// actions already counted in a window stay counted.
func (a *App) LimitAgent(ctx context.Context, c *Command, id agent.ID, s agent.LimitSettings) (AgentChange, error) {
	e := agentEvent{name: "agent.updated", verb: "set_rate_limits", version: "rate_limits"}
	return a.changeAgent(ctx, c, id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
		limits, invalid := s.Apply(g.Config.Limits)
		if len(invalid) > 0 {
			return g, problem.InvalidFields(invalid...)
		}
		config := g.Config
		config.Limits = limits
		g, _ = g.Configure(config, c.by(""))
		return g, nil
	})
}
