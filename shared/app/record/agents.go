package record

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// ReadAgent returns an agent, also one of status deleted; nil when the name was
// never registered.
func ReadAgent(ctx context.Context, s store.Store, org tenant.ID, id agent.ID) (*agent.Agent, error) {
	items, err := s.Get(ctx, store.AgentKey(org, id))
	if err != nil {
		return nil, problem.Unavailable("read an agent", err)
	}
	return DecodeAgent(items[0])
}

// DecodeAgent returns the agent that an item holds; nil for no item.
func DecodeAgent(item *store.Item) (*agent.Agent, error) {
	if item == nil {
		return nil, nil
	}
	g := new(agent.Agent)
	if err := json.Unmarshal(item.Body, g); err != nil {
		return nil, problem.Corrupt("an agent", err)
	}
	return g, nil
}

// PutAgent returns the write of an agent's record.
func PutAgent(g agent.Agent) (store.Put, error) {
	body, err := Encode("encode an agent", g)
	return store.Put{Item: store.Item{
		Key:  store.AgentKey(g.Org, g.ID),
		Body: body,
		Attrs: store.Attrs{
			store.AttrStatus: store.S(string(g.Status)),
			store.AttrRev:    store.N(g.Revision),
		},
	}}, err
}

// PutSummary returns the write of an agent's summary, in the same group that changes
// the agent. A deleted agent keeps it, because no role may delete items.
func PutSummary(g agent.Agent) (store.Put, error) {
	body, err := Encode("encode an agent's summary", g.Summary())
	return store.Put{Item: store.Item{
		Key:  store.SummaryKey(g.Org, g.ID),
		Body: body,
		Attrs: store.Attrs{
			store.AttrStatus:    store.S(string(g.Status)),
			store.AttrAgentType: store.S(string(g.Config.Type)),
		},
	}}, err
}

// DecodeSummary returns the summary of an agent that an item holds.
func DecodeSummary(item *store.Item) (*agent.Summary, error) {
	s := new(agent.Summary)
	if err := json.Unmarshal(item.Body, s); err != nil {
		return nil, problem.Corrupt("an agent's summary", err)
	}
	return s, nil
}

// PutVersion returns the write of a version of an agent, which must not be there yet.
func PutVersion(v agent.Version, g agent.Agent) (store.Put, error) {
	body, err := Encode("encode an agent", v)
	return store.Put{
		Item: store.Item{Key: store.VersionKey(g.Org, g.ID, g.Serial, v.Number), Body: body},
		If:   []store.Cond{store.Absent()},
	}, err
}

// DecodeVersion returns the version of an agent that an item holds.
func DecodeVersion(item *store.Item) (*agent.Version, error) {
	if item == nil {
		return nil, problem.Corrupt("an agent's version", errors.New("no item"))
	}
	v := new(agent.Version)
	if err := json.Unmarshal(item.Body, v); err != nil {
		return nil, problem.Corrupt("an agent's version", err)
	}
	return v, nil
}
