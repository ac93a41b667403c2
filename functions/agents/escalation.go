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

// EscalationIn is the request of agents-escalation. It says all of the
// setting: what is absent or null is cleared.
type EscalationIn struct {
	One
	agent.EscalationSettings
}

// EscalationOut is the answer of agents-escalation.
type EscalationOut struct {
	Success    bool              `json:"success"`
	Message    string            `json:"message"`
	AgentID    agent.ID          `json:"agent_id"`
	Escalation *agent.Escalation `json:"escalation"`
	Version    string            `json:"version"`
}

// Escalation sets which workflow an agent's pending actions go through, and
// where they go on when nobody answers.
func Escalation() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-escalation", Method: http.MethodPut, Path: one + "/escalation", Tag: tag,
		Summary: "Set an agent's escalation",
		Example: `{"escalation_email": "security@example.com", "workflow_id": "wf_0123456789abcdef0123456789abcdef", "timeout_seconds": 60}`,
		Auth:    endpoint.TokenAdmin,
		Reads:   []store.Table{store.Agents, store.Directory, store.Commands}, Writes: configured,
		Body: endpoint.RequiredBody,
	}, escalation)
}

func escalation(ctx context.Context, a *app.App, c *command.Command, in EscalationIn) (EscalationOut, error) {
	got, err := a.Agents.SetEscalation(ctx, c, in.AgentID, in.EscalationSettings)
	g := got.Agent
	return EscalationOut{
		Success: true, Message: said(got.Changed, "Escalation updated", "Escalation unchanged", g.ID),
		AgentID: g.ID, Escalation: g.Config.Escalation, Version: g.Version,
	}, err
}
