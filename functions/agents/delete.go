package agents

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/endpoint"
)

// DeleteOut is the answer of agents-delete.
type DeleteOut struct {
	Success bool     `json:"success"`
	Message string   `json:"message"`
	AgentID agent.ID `json:"agent_id"`
}

// Delete ends an agent; its versions and audit are kept.
func Delete() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-delete", Method: http.MethodDelete, Path: one, Tag: tag,
		Summary: "Delete an agent",
		Auth:    endpoint.TokenAdmin,
		Reads:   stopReads, Writes: stopWrites,
	}, remove)
}

func remove(ctx context.Context, a *app.App, c *command.Command, in One) (DeleteOut, error) {
	got, err := a.Agents.Delete(ctx, c, in.AgentID)
	return DeleteOut{Success: true, Message: "Agent deleted: " + string(got.Agent.ID), AgentID: got.Agent.ID}, err
}
