package agents

import (
	"context"
	"net/http"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/endpoint"
)

// SuspendIn is the request of agents-suspend.
type SuspendIn struct {
	One
	Reason
}

// SuspendOut is the answer of agents-suspend.
type SuspendOut struct {
	Success bool      `json:"success"`
	Message string    `json:"message"`
	Agent   Suspended `json:"agent"`
}

// Suspended is an agent that was stopped: when, by whom and why.
type Suspended struct {
	ID          int64        `json:"id"`
	AgentID     agent.ID     `json:"agent_id"`
	Status      agent.Status `json:"status"`
	SuspendedAt time.Time    `json:"suspended_at"`
	SuspendedBy string       `json:"suspended_by"`
	Reason      string       `json:"reason"`
}

// Suspend stops an agent.
func Suspend() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-suspend", Method: http.MethodPost, Path: one + "/suspend", Tag: tag,
		Summary: "Suspend an agent",
		Example: `{"reason": "Under investigation"}`,
		Auth:    endpoint.TokenAdmin,
		Reads:   stopReads, Writes: stopWrites,
		Body: endpoint.OptionalBody, Repeats: true,
	}, suspend)
}

func suspend(ctx context.Context, a *app.App, c *command.Command, in SuspendIn) (SuspendOut, error) {
	reason, err := in.text()
	if err != nil {
		return SuspendOut{}, err
	}
	got, err := a.Agents.Suspend(ctx, c, in.AgentID, reason)
	if err != nil {
		return SuspendOut{}, err
	}
	g, s := got.Agent, got.Agent.Suspension
	return SuspendOut{
		Success: true, Message: said(got.Changed, "Agent suspended", "Agent already suspended", g.ID),
		Agent: Suspended{g.Serial, g.ID, g.Status, s.At, s.By, s.Reason},
	}, nil
}
