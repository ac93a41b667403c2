package app

import (
	"context"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
)

// CodeVersionNotFound is the machine code for a version that an agent never had.
const CodeVersionNotFound = "VERSION_NOT_FOUND"

// RollbackAgent gives an agent the configuration that it had at version target
// of this life, as a new version. An agent that has it already stays as it is.
func (a *App) RollbackAgent(ctx context.Context, c *Command, id agent.ID, target string) (AgentChange, error) {
	e := agentEvent{name: "agent.updated", verb: "rollback", version: "rollback", restored: target}
	return a.changeAgent(ctx, c.deliberate(), id, e, func(ctx context.Context, g agent.Agent) (agent.Agent, error) {
		v, err := a.findVersion(ctx, g, target)
		if err != nil {
			return g, err
		}
		if v == nil {
			return g, problem.NotFound(CodeVersionNotFound, "the agent has no version %q", target)
		}
		g, _ = g.Configure(v.Config, c.by(""))
		return g, nil
	})
}
