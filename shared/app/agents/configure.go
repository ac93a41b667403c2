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
	return s.configure(ctx, c, id, e, func(_ context.Context, g agent.Agent) (agent.Config, error) {
		config, invalid := set.Apply(g.Config)
		return config, invalid.Err()
	})
}

// SetRateLimits sets an agent's rate limits. They hold from the next submission;
// actions already counted in a window stay counted.
func (s *Service) SetRateLimits(ctx context.Context, c *command.Command, id agent.ID, set agent.LimitSettings) (Change, error) {
	e := event{name: audit.EventAgentUpdated, verb: "set_rate_limits", version: "rate_limits"}
	return s.configure(ctx, c, id, e, func(_ context.Context, g agent.Agent) (agent.Config, error) {
		config := g.Config
		var invalid problem.Fields
		config.Limits, invalid = set.Apply(g.Config.Limits)
		return config, invalid.Err()
	})
}

// SetEscalation sets where an agent's pending actions go, for those submitted
// from now on.
func (s *Service) SetEscalation(ctx context.Context, c *command.Command, id agent.ID, set agent.EscalationSettings) (Change, error) {
	e := event{name: audit.EventAgentUpdated, verb: "set_escalation", version: "escalation"}
	return s.configure(ctx, c, id, e, func(ctx context.Context, g agent.Agent) (agent.Config, error) {
		config := g.Config
		var invalid problem.Fields
		config.Escalation, invalid = set.Escalation()
		if err := invalid.Err(); err != nil || config.Escalation == nil || config.Escalation.WorkflowID == "" {
			return config, err
		}
		_, err := s.Workflows.Get(ctx, g.Org, config.Escalation.WorkflowID)
		if err != nil && problem.As(err).Kind == problem.KindNotFound {
			err = problem.InvalidField("/workflow_id", "workflow_id names no workflow")
		}
		return config, err
	})
}

// CodeVersionNotFound is the machine code for a version that an agent never had.
const CodeVersionNotFound = "VERSION_NOT_FOUND"

// Rollback gives an agent the configuration that it had at version target
// of this life, as a new version. An agent that has it already stays as it is.
func (s *Service) Rollback(ctx context.Context, c *command.Command, id agent.ID, target string) (Change, error) {
	e := event{name: audit.EventAgentUpdated, verb: "rollback", version: "rollback", restored: target}
	return s.configure(ctx, c.Deliberate(), id, e, func(ctx context.Context, g agent.Agent) (agent.Config, error) {
		v, err := s.findVersion(ctx, g, target)
		if err != nil {
			return agent.Config{}, err
		}
		if v == nil {
			return agent.Config{}, problem.NotFound(CodeVersionNotFound, "the agent has no version %q", target)
		}
		return v.Config, nil
	})
}

// configure sets the configuration that set returns for it.
func (s *Service) configure(ctx context.Context, c *command.Command, id agent.ID, e event, set func(context.Context, agent.Agent) (agent.Config, error)) (Change, error) {
	return s.change(ctx, c, id, e, func(ctx context.Context, g agent.Agent) (agent.Agent, error) {
		config, err := set(ctx, g)
		if err != nil {
			return g, err
		}
		g, _ = g.Configure(config, by(c, ""))
		return g, nil
	})
}
