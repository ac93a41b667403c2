package app

import (
	"context"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Agent reads one agent of an organisation.
func (a *App) Agent(ctx context.Context, org tenant.ID, id agent.ID) (agent.Agent, error) {
	if !id.Valid() {
		return agent.Agent{}, AgentNotFound()
	}
	g, err := a.storedAgent(ctx, org, id)
	if err != nil {
		return agent.Agent{}, err
	}
	if g == nil || g.Status == agent.Deleted {
		return agent.Agent{}, AgentNotFound()
	}
	return *g, nil
}

// AgentNotFound is the answer for an agent that is not there, or not the caller's.
func AgentNotFound() error {
	return problem.NotFound(problem.CodeAgentNotFound, "agent not found")
}

// storedAgent reads an agent's record, also one of status deleted; nil when
// the name was never registered.
func (a *App) storedAgent(ctx context.Context, org tenant.ID, id agent.ID) (*agent.Agent, error) {
	items, err := a.Store.Get(ctx, store.AgentKey(org, id))
	if err != nil {
		return nil, problem.Unavailable("read an agent", err)
	}
	return decodeAgent(items[0])
}

// decodeAgent reads an agent's item; nil makes nil.
func decodeAgent(item *store.Item) (*agent.Agent, error) {
	if item == nil {
		return nil, nil
	}
	g := new(agent.Agent)
	if err := json.Unmarshal(item.Body, g); err != nil {
		return nil, problem.Corrupt("an agent", err)
	}
	return g, nil
}
