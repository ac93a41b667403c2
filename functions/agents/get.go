package agents

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// GetOut is the answer of agents-get (seeds/002, "Get Single Agent").
type GetOut struct {
	Success bool  `json:"success"`
	Agent   Agent `json:"agent"`
}

// Get shows one agent in detail.
func Get() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-get", Method: http.MethodGet, Path: one, Tag: tag,
		Summary: "Get an agent",
		Auth:    endpoint.KeyOrToken,
		Reads:   []store.Table{store.Agents},
	}, get)
}

func get(ctx context.Context, a *app.App, c *command.Command, in One) (GetOut, error) {
	g, err := a.Agents.Get(ctx, c.Principal.Org, in.AgentID)
	return GetOut{Success: true, Agent: detail(g)}, err
}
