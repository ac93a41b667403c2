package app

import (
	"context"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
)

// EscalateAgent sets where an agent's pending actions go, for those submitted
// from now on.
func (a *App) EscalateAgent(ctx context.Context, c *Command, id agent.ID, s agent.EscalationSettings) (AgentChange, error) {
	e := agentEvent{name: "agent.updated", verb: "set_escalation", version: "escalation"}
	return a.changeAgent(ctx, c, id, e, func(ctx context.Context, g agent.Agent) (agent.Agent, error) {
		escalation, invalid := s.Escalation()
		if len(invalid) > 0 {
			return g, problem.InvalidFields(invalid...)
		}
		if escalation != nil && escalation.WorkflowID != "" {
			switch _, err := a.Workflow(ctx, g.Org, escalation.WorkflowID); {
			case err != nil && problem.As(err).Kind == problem.KindNotFound:
				return g, problem.InvalidFields(problem.Field{
					Pointer: "/workflow_id", Detail: "workflow_id names no workflow",
				})
			case err != nil:
				return g, err
			}
		}
		config := g.Config
		config.Escalation = escalation
		g, _ = g.Configure(config, c.by(""))
		return g, nil
	})
}
