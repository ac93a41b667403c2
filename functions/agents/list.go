package agents

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/agents"
	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// ListIn is the request of agents-list (seeds/002).
type ListIn struct {
	Status        agent.Status `query:"status_filter,status" json:"-" enum:"draft,active,suspended" doc:"Filter by status."`
	Type          agent.Type   `query:"type_filter,type" json:"-" enum:"autonomous,supervised,advisory,mcp_server,custom" doc:"Filter by agent type."`
	endpoint.Page `default:"100" max:"500"`
}

// ListOut is the answer of agents-list: agents in the order of their agent_id.
type ListOut struct {
	Success    bool                `json:"success"`
	Agents     []agent.Summary     `json:"agents"`
	Pagination endpoint.Pagination `json:"pagination"`
}

// List lists the organisation's agents.
func List() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-list", Method: http.MethodGet, Path: base, Tag: tag,
		Summary: "List agents",
		Auth:    endpoint.KeyOrToken,
		Reads:   []store.Table{store.Agents},
	}, list)
}

func list(ctx context.Context, a *app.App, c *command.Command, in ListIn) (ListOut, error) {
	org := c.Principal.Org
	all := a.Agents.List(org, agents.Filter{Status: in.Status, Type: in.Type})
	got, err := endpoint.List(ctx, in.Page, org, all, func(g agent.Summary) agent.Summary { return g })
	if err != nil {
		return ListOut{}, err
	}
	return ListOut{Success: true, Agents: got.Items, Pagination: got.Pagination}, nil
}
