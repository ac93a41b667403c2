package agents

import (
	"context"
	"reflect"
	"time"

	"ascend/shared/app/approvals"
	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/store"
)

// Change is the answer to a command that changes an agent.
type Change struct {
	Agent    agent.Agent         `json:"agent"`
	Changed  bool                `json:"changed"`          // false: it already was so, and nothing was written
	Changes  []agent.FieldChange `json:"changes"`          // of its configuration
	Previous string              `json:"previous_version"` // its version before

	Pending approvals.Revocation `json:"-"` // of a command that stops the agent
}

// An event says what a change of an agent is, for its version and its audit entry.
type event struct {
	name     string // decision 33
	verb     string
	reason   string
	version  string // what agent.Version.Change says, where the configuration changes
	restored string // agent.Version.Restored
}

// change makes one change of an agent, at most once. decide gets the
// agent as it stands and returns it as it shall be; a revision that it did not
// raise means that nothing changes.
func (s *Service) change(ctx context.Context, c *command.Command, id agent.ID, e event, decide func(context.Context, agent.Agent) (agent.Agent, error)) (Change, error) {
	return command.Once(ctx, s.Store, c, func(ctx context.Context) (Change, []store.Op, error) {
		before, err := s.Get(ctx, c.Principal.Org, id)
		if err != nil {
			return Change{}, nil, err
		}
		after, err := decide(ctx, before)
		if err != nil || after.Revision == before.Revision {
			return Change{Agent: before, Previous: before.Version}, nil, err
		}
		changes := agent.Diff(before.Config, after.Config)
		ops, err := s.writes(c, e, &before, after, changes)
		return Change{Agent: after, Changed: true, Changes: changes, Previous: before.Version}, ops, err
	})
}

// writes returns the writes of a change: the agent on condition that nobody
// changed it since it was read, its summary, its new version if it has one, the audit body,
// and the state item where a submission must see the change. before is nil
// when nothing was there; it is of status deleted when a new life begins.
func (s *Service) writes(c *command.Command, e event, before *agent.Agent, after agent.Agent, changes []agent.FieldChange) ([]store.Op, error) {
	put, err := record.PutAgent(after)
	if err != nil {
		return nil, err
	}
	put.If = []store.Cond{store.Absent()}
	begins := before == nil || before.Serial != after.Serial
	if before != nil {
		put.If = []store.Cond{store.Equal(store.AttrRev, store.N(before.Revision))}
	}
	summary, err := record.PutSummary(after)
	if err != nil {
		return nil, err
	}
	entry, err := changeEntry(c, e, before, after, changes)
	if err != nil {
		return nil, err
	}
	ops := []store.Op{put, summary, entry}
	if begins || after.Number != before.Number {
		version, err := record.PutVersion(agent.Version{
			Version: after.Version, Number: after.Number, CreatedAt: after.UpdatedAt, CreatedBy: after.UpdatedBy,
			Change: e.version, Restored: e.restored, Changes: changes, Config: after.Config,
		}, after)
		if err != nil {
			return nil, err
		}
		ops = append(ops, version)
	}
	switch {
	case begins:
		ops = append(ops, record.NewState(after))
	case before.Status != after.Status || !reflect.DeepEqual(before.Config.Limits, after.Config.Limits):
		ops = append(ops, record.SetState(after))
	}
	return ops, nil
}

// changeEntry returns the write of a change's audit entry.
func changeEntry(c *command.Command, e event, before *agent.Agent, after agent.Agent, changes []agent.FieldChange) (store.Put, error) {
	data := &audit.AgentChanged{
		ID: after.Serial, Status: after.Status, Version: after.Version,
		Changes: changes, Reason: e.reason, RestoredVersion: e.restored,
	}
	if before != nil && before.Serial == after.Serial {
		data.PreviousStatus, data.PreviousVersion = before.Status, before.Version
	}
	entry := c.Entry(e.name, e.verb, "agent", string(after.ID), data)
	body, err := record.Encode("encode an audit entry", entry)
	return store.Put{
		Item: store.Item{Key: store.ChangeKey(after.Org, after.ID, entry.ID), Body: body},
		If:   []store.Cond{store.Absent()},
	}, err
}

// by returns who does what a command asks, as an agent's record has it; to the
// millisecond, because common parsers read no finer fraction.
func by(c *command.Command, reason string) agent.Stamp {
	return agent.Stamp{At: c.At.Truncate(time.Millisecond), By: c.Principal.Name(), Reason: reason}
}
