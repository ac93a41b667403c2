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

// UpdateIn is the request of agents-update: the members of a registration but
// agent_id. An absent member stays as it is; null gives the default.
type UpdateIn struct {
	One
	agent.Settings
}

// UpdateOut is the answer of agents-update.
type UpdateOut struct {
	Success bool   `json:"success"`
	Agent   Agent  `json:"agent"`
	Message string `json:"message"`
}

// Update changes an agent's configuration.
func Update() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-update", Method: http.MethodPut, Path: one, Tag: tag,
		Summary: "Update an agent's configuration",
		Example: `{"display_name": "Customer Service Agent 2"}`,
		Auth:    endpoint.Token,
		Reads:   []store.Table{store.Agents, store.Commands}, Writes: configured,
		Body: endpoint.RequiredBody,
	}, update)
}

func update(ctx context.Context, a *app.App, c *command.Command, in UpdateIn) (UpdateOut, error) {
	got, err := a.Agents.Update(ctx, c, in.AgentID, in.Settings)
	message := said(got.Changed, "Agent updated", "Agent unchanged", got.Agent.ID)
	return UpdateOut{Success: true, Agent: detail(got.Agent), Message: message}, err
}
