package agents

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// VersionsIn is the request of agents-versions.
type VersionsIn struct {
	One
	endpoint.Page `default:"50" max:"100"`
}

// VersionsOut is the answer of agents-versions: an agent's configurations,
// newest first.
type VersionsOut struct {
	Success    bool                `json:"success"`
	AgentID    agent.ID            `json:"agent_id"`
	Versions   []agent.Version     `json:"versions"`
	Pagination endpoint.Pagination `json:"pagination"`
}

// Versions lists the configurations that an agent has had.
func Versions() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-versions", Method: http.MethodGet, Path: one + "/versions", Tag: tag,
		Summary: "List an agent's versions",
		Auth:    endpoint.KeyOrToken,
		Reads:   []store.Table{store.Agents},
	}, versions)
}

func versions(ctx context.Context, a *app.App, c *command.Command, in VersionsIn) (VersionsOut, error) {
	list, err := a.Agents.Versions(ctx, c.Principal.Org, in.AgentID)
	if err != nil {
		return VersionsOut{}, err
	}
	got, err := endpoint.List(ctx, in.Page, c.Principal.Org, list, func(v agent.Version) agent.Version { return v })
	if err != nil {
		return VersionsOut{}, err
	}
	return VersionsOut{Success: true, AgentID: in.AgentID, Versions: got.Items, Pagination: got.Pagination}, nil
}
