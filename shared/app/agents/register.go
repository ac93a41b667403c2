package agents

import (
	"context"

	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/store"
)

// Registration is the answer to a registration.
type Registration struct {
	Agent   agent.Agent `json:"agent"`
	Created bool        `json:"created"` // false: the agent was there, and nothing changed
}

// Register enters an agent as a draft. One that is there already is
// answered as it stands (decision 8); of registrations that race, one creates
// it. A deleted agent's name begins a new life.
func (s *Service) Register(ctx context.Context, c *command.Command, id agent.ID, set agent.Settings) (Registration, error) {
	typ := agent.Supervised
	if t := set.Type.Value(); t != nil {
		typ = *t
	}
	config, invalid := set.Apply(agent.Defaults(typ))
	if err := append(id.Validate(), invalid...).Err(); err != nil {
		return Registration{}, err
	}
	return command.Once(ctx, s.Store, c, func(ctx context.Context) (Registration, []store.Op, error) {
		before, err := record.ReadAgent(ctx, s.Store, c.Principal.Org, id)
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
		serial := int64(s.ids.New(c.At))
		after := agent.Begin(c.Principal.Org, id, serial, config, by(c, ""), revision)
		e := event{name: audit.EventAgentRegistered, verb: "register", version: "registered"}
		ops, err := s.writes(c, e, before, after, nil)
		return Registration{after, true}, ops, err
	})
}
