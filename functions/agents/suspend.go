package agents

import (
	"context"
	"net/http"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/approvals"
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

	PendingActions PendingActions `json:"pending_actions"`
}

// Suspended describes a stopped agent: when, by whom and why it was stopped.
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
		Agent: Suspended{
			ID: g.Serial, AgentID: g.ID, Status: g.Status, SuspendedAt: s.At, SuspendedBy: s.By, Reason: s.Reason,
		},
		PendingActions: pendingActions(got.Pending),
	}, nil
}

// PendingActions counts what a stopped agent has waiting for approval. It is
// denied: as much as the request has time for at once, the rest by itself. The
// count is of now, also where the rest of the answer is a replay.
type PendingActions struct {
	Remaining int  `json:"remaining" doc:"Still to be denied, which goes on by itself. None of them can be approved meanwhile."`
	AtLeast   bool `json:"remaining_is_lower_bound,omitzero" doc:"Not all could be counted: more may remain."`
}

func pendingActions(r approvals.Revocation) PendingActions {
	return PendingActions{Remaining: r.Remaining, AtLeast: r.AtLeast}
}
