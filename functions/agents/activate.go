package agents

import (
	"context"
	"net/http"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// ActivateIn is the request of agents-activate. The reason is required to end
// an emergency suspension.
type ActivateIn struct {
	One
	Reason
}

// ActivateOut is the answer of agents-activate (seeds/000).
type ActivateOut struct {
	Success bool      `json:"success"`
	Message string    `json:"message"`
	Agent   Activated `json:"agent"`
}

// Activated is an agent that may act, and who let it.
type Activated struct {
	ID         int64        `json:"id"`
	AgentID    agent.ID     `json:"agent_id"`
	Status     agent.Status `json:"status"`
	ApprovedAt *time.Time   `json:"approved_at"`
	ApprovedBy *string      `json:"approved_by"`
}

// Activate lets an agent act.
func Activate() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-activate", Method: http.MethodPost, Path: one + "/activate", Tag: tag,
		Summary: "Activate an agent",
		Example: `{"reason": "Reviewed by the security team"}`,
		Auth:    endpoint.TokenAdmin,
		Reads:   []store.Table{store.Agents, store.Commands}, Writes: written,
		Body: endpoint.OptionalBody, Repeats: true,
	}, activate)
}

func activate(ctx context.Context, a *app.App, c *command.Command, in ActivateIn) (ActivateOut, error) {
	reason, err := in.text()
	if err != nil {
		return ActivateOut{}, err
	}
	got, err := a.Agents.Activate(ctx, c, in.AgentID, reason)
	g := got.Agent
	return ActivateOut{
		Success: true, Message: said(got.Changed, "Agent activated", "Agent already active", g.ID),
		Agent: Activated{g.Serial, g.ID, g.Status, g.ApprovedAt, g.ApprovedBy},
	}, err
}
