package agents

import (
	"context"

	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/problem"
)

// Update changes an agent's configuration. What differs makes a new
// version; settings that say what already is make none (decision 11).
func (s *Service) Update(ctx context.Context, c *command.Command, id agent.ID, set agent.Settings) (Change, error) {
	e := event{name: audit.EventAgentUpdated, verb: "update", version: "updated"}
	return s.change(ctx, c, id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
		config, invalid := set.Apply(g.Config)
		if len(invalid) > 0 {
			return g, problem.InvalidFields(invalid...)
		}
		g, _ = g.Configure(config, by(c, ""))
		return g, nil
	})
}

// SetRateLimits sets an agent's rate limits. They hold from the next submission;
// actions already counted in a window stay counted.
func (s *Service) SetRateLimits(ctx context.Context, c *command.Command, id agent.ID, set agent.LimitSettings) (Change, error) {
	e := event{name: audit.EventAgentUpdated, verb: "set_rate_limits", version: "rate_limits"}
	return s.change(ctx, c, id, e, func(_ context.Context, g agent.Agent) (agent.Agent, error) {
		limits, invalid := set.Apply(g.Config.Limits)
		if len(invalid) > 0 {
			return g, problem.InvalidFields(invalid...)
		}
		config := g.Config
		config.Limits = limits
		g, _ = g.Configure(config, by(c, ""))
		return g, nil
	})
}

// SetEscalation sets where an agent's pending actions go, for those submitted
// from now on.
func (s *Service) SetEscalation(ctx context.Context, c *command.Command, id agent.ID, set agent.EscalationSettings) (Change, error) {
	e := event{name: audit.EventAgentUpdated, verb: "set_escalation", version: "escalation"}
	return s.change(ctx, c, id, e, func(ctx context.Context, g agent.Agent) (agent.Agent, error) {
		escalation, invalid := set.Escalation()
		if len(invalid) > 0 {
			return g, problem.InvalidFields(invalid...)
		}
		if escalation != nil && escalation.WorkflowID != "" {
			switch _, err := s.Workflows.Get(ctx, g.Org, escalation.WorkflowID); {
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
		g, _ = g.Configure(config, by(c, ""))
		return g, nil
	})
}

// CodeVersionNotFound is the machine code for a version that an agent never had.
const CodeVersionNotFound = "VERSION_NOT_FOUND"

// Rollback gives an agent the configuration that it had at version target
// of this life, as a new version. An agent that has it already stays as it is.
func (s *Service) Rollback(ctx context.Context, c *command.Command, id agent.ID, target string) (Change, error) {
	e := event{name: audit.EventAgentUpdated, verb: "rollback", version: "rollback", restored: target}
	return s.change(ctx, c.Deliberate(), id, e, func(ctx context.Context, g agent.Agent) (agent.Agent, error) {
		v, err := s.findVersion(ctx, g, target)
		if err != nil {
			return g, err
		}
		if v == nil {
			return g, problem.NotFound(CodeVersionNotFound, "the agent has no version %q", target)
		}
		g, _ = g.Configure(v.Config, by(c, ""))
		return g, nil
	})
}
