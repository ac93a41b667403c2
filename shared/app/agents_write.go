package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"reflect"
	"time"

	"ascend/shared/domain/agent"
	"ascend/shared/store"
)

// AgentChange is the answer to a command that changes an agent.
type AgentChange struct {
	Agent    agent.Agent    `json:"agent"`
	Changed  bool           `json:"changed"`          // false: it already was so, and nothing was written
	Changes  []agent.Change `json:"changes"`          // of its configuration
	Previous string         `json:"previous_version"` // its version before
}

// agentEvent says what a change of an agent is, for its version and its audit entry.
type agentEvent struct {
	name     string // decision 33
	verb     string
	reason   string
	version  string // what agent.Version.Change says, where the configuration changes
	restored string // agent.Version.Restored
}

// changeAgent makes one change of an agent, at most once. change gets the
// agent as it stands and returns it as it shall be; a revision that it did not
// raise means that nothing changes.
func (a *App) changeAgent(ctx context.Context, c *Command, id agent.ID, e agentEvent, change func(context.Context, agent.Agent) (agent.Agent, error)) (AgentChange, error) {
	return once(ctx, a, c, func(ctx context.Context) (AgentChange, []store.Op, error) {
		before, err := a.Agent(ctx, c.Principal.Org, id)
		if err != nil {
			return AgentChange{}, nil, err
		}
		after, err := change(ctx, before)
		if err != nil || after.Revision == before.Revision {
			return AgentChange{Agent: before, Previous: before.Version}, nil, err
		}
		changes := agent.Diff(before.Config, after.Config)
		ops, err := a.agentOps(c, e, &before, after, changes)
		return AgentChange{after, true, changes, before.Version}, ops, err
	})
}

// agentOps are the writes of a change: the agent on condition that nobody
// changed it since it was read, its new version if it has one, the audit body,
// and the state item where a submission must see the change. before is nil
// when nothing was there; it is of status deleted when a new life begins.
func (a *App) agentOps(c *Command, e agentEvent, before *agent.Agent, after agent.Agent, changes []agent.Change) ([]store.Op, error) {
	put, err := putAgent(after)
	if err != nil {
		return nil, err
	}
	put.If = []store.Cond{store.Absent()}
	begins := before == nil || before.Serial != after.Serial
	if before != nil {
		put.If = []store.Cond{store.Equal(store.AttrRev, store.N(before.Revision))}
	}
	entry, err := changeEntry(c, e, before, after, changes)
	if err != nil {
		return nil, err
	}
	ops := []store.Op{put, entry}
	if begins || after.Number != before.Number {
		version, err := putVersion(agent.Version{
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
		ops = append(ops, newState(after))
	case before.Status != after.Status || !reflect.DeepEqual(before.Config.Limits, after.Config.Limits):
		ops = append(ops, setState(after))
	}
	return ops, nil
}

// putAgent is the write of an agent's record.
func putAgent(g agent.Agent) (store.Put, error) {
	body, err := encode(g)
	return store.Put{Item: store.Item{
		Key:  store.AgentKey(g.Org, g.ID),
		Body: body,
		Attrs: store.Attrs{
			store.AttrStatus: store.S(string(g.Status)),
			attrAgentType:    store.S(string(g.Config.Type)),
			store.AttrRev:    store.N(g.Revision),
		},
	}}, err
}

// attrAgentType is the agent's type, beside its item's body.
const attrAgentType = "agent_type"

func putVersion(v agent.Version, g agent.Agent) (store.Put, error) {
	body, err := encode(v)
	return store.Put{
		Item: store.Item{Key: store.VersionKey(g.Org, g.ID, g.Serial, v.Number), Body: body},
		If:   []store.Cond{store.Absent()},
	}, err
}

// changeEntry is the write of a change's audit body: what was and what is.
func changeEntry(c *Command, e agentEvent, before *agent.Agent, after agent.Agent, changes []agent.Change) (store.Put, error) {
	data := map[string]any{"id": after.Serial, "status": after.Status, "version": after.Version}
	if before != nil && before.Serial == after.Serial {
		data["previous_status"], data["previous_version"] = before.Status, before.Version
	}
	if len(changes) > 0 {
		data["changes"] = changes
	}
	if e.reason != "" {
		data["reason"] = e.reason
	}
	if e.restored != "" {
		data["restored_version"] = e.restored
	}
	entry := c.entry(e.name, e.verb, "agent", string(after.ID), data)
	body, err := encode(entry)
	return store.Put{
		Item: store.Item{Key: store.ChangeKey(after.Org, after.ID, entry.ID), Body: body},
		If:   []store.Cond{store.Absent()},
	}, err
}

// by is who does what a command asks, as an agent's record tells it; to the
// millisecond, because common parsers read no finer fraction.
func (c *Command) by(reason string) agent.Event {
	return agent.Event{At: c.At.Truncate(time.Millisecond), By: c.Principal.Name(), Reason: reason}
}

// deliberate is the command without the repeat rule, which would take a
// suspension that follows an activation for a repeat of the suspension before
// it when a client uses one X-Correlation-ID for all three. The commands that
// use it change nothing when repeated, so they need no memory; a caller's
// Idempotency-Key still gives them one.
func (c *Command) deliberate() *Command {
	if c.Repeat == nil || !c.Repeat.Implied {
		return c
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	own := *c
	own.Repeat, own.ID = nil, hex.EncodeToString(id[:])
	return &own
}
