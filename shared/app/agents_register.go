package app

import (
	"context"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

// Registration is the answer to a registration.
type Registration struct {
	Agent   agent.Agent `json:"agent"`
	Created bool        `json:"created"` // false: the agent was there, and nothing changed
}

// RegisterAgent enters an agent as a draft. One that is there already is
// answered as it stands (decision 8); of registrations that race, one creates
// it. A deleted agent's name begins a new life.
func (a *App) RegisterAgent(ctx context.Context, c *Command, id agent.ID, s agent.Settings) (Registration, error) {
	typ := agent.Supervised
	if t := s.Type.Value(); t != nil {
		typ = *t
	}
	config, invalid := s.Apply(agent.Defaults(typ))
	if invalid = append(id.Validate(), invalid...); len(invalid) > 0 {
		return Registration{}, problem.InvalidFields(invalid...)
	}
	return once(ctx, a, c, func(ctx context.Context) (Registration, []store.Op, error) {
		before, err := a.storedAgent(ctx, c.Principal.Org, id)
		if err != nil {
			return Registration{}, nil, err
		}
		revision := int64(0)
		if before != nil {
			if before.Status != agent.Deleted {
				return Registration{Agent: *before}, nil, nil
			}
			revision = before.Revision
		}
		serial := int64(a.newID(c.At))
		after := agent.Begin(c.Principal.Org, id, serial, config, c.by(""), revision)
		e := agentEvent{name: "agent.registered", verb: "register", version: "registered"}
		ops, err := a.agentOps(c, e, before, after, nil)
		return Registration{after, true}, ops, err
	})
}
