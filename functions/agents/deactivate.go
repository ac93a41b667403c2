package agents

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/endpoint"
)

// DeactivateOut is the answer of agents-deactivate.
type DeactivateOut struct {
	Success bool        `json:"success"`
	Message string      `json:"message"`
	Agent   Deactivated `json:"agent"`
}

// Deactivated is an agent that is a draft again.
type Deactivated struct {
	ID      int64        `json:"id"`
	AgentID agent.ID     `json:"agent_id"`
	Status  agent.Status `json:"status"`
}

// Deactivate returns an agent to draft.
func Deactivate() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-deactivate", Method: http.MethodPost, Path: one + "/deactivate", Tag: tag,
		Summary: "Return an agent to draft",
		Auth:    endpoint.TokenAdmin,
		Reads:   stopReads, Writes: stopWrites,
		Repeats: true,
	}, deactivate)
}

func deactivate(ctx context.Context, a *app.App, c *command.Command, in One) (DeactivateOut, error) {
	got, err := a.Agents.Deactivate(ctx, c, in.AgentID)
	g := got.Agent
	return DeactivateOut{
		Success: true, Message: said(got.Changed, "Agent deactivated", "Agent already in draft", g.ID),
		Agent: Deactivated{g.Serial, g.ID, g.Status},
	}, err
}
