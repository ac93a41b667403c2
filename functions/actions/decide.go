package actions

import (
	"context"
	"net/http"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/action"
	"ascend/shared/endpoint"
	"ascend/shared/jsonschema"
	"ascend/shared/store"
)

// DecideIn is the request of approve and reject: which action, and why. Who
// decides is the credential's subject, never a member of the body.
type DecideIn struct {
	one
	Reason string `json:"reason" maxlen:"2000" doc:"Why, in at most 4000 bytes as JSON text; for a rejection it becomes the denial's reason."`
}

// JSONSchema states what the bound in bytes means in characters, for the API
// description: a reason of at most two bytes a character may have them all.
func (DecideIn) JSONSchema(s *jsonschema.Schema) {
	short := &jsonschema.Schema{}
	short.Prose(action.MaxReason / 4)
	s.Properties["reason"].AnyOf = []*jsonschema.Schema{short, {Pattern: "^[\\t\\n\\r -~\u00a0-\u07ff]*$"}}
}

// valid returns the action that the request names, or why the request is invalid.
func (in DecideIn) valid() (action.ID, error) {
	id, err := in.id()
	if err != nil {
		return 0, err
	}
	if err := action.ValidateReason(in.Reason).Err(); err != nil {
		return 0, err
	}
	return id, nil
}

// ApproveOut is the answer of actions-approve.
type ApproveOut struct {
	ActionID           action.ID `json:"action_id"`
	Status             string    `json:"status" enum:"approved,pending_approval" doc:"pending_approval while other approvals are missing."`
	ApprovedBy         int64     `json:"approved_by"`
	ApprovedAt         time.Time `json:"approved_at"`
	CorrelationID      string    `json:"correlation_id"`
	Reason             string    `json:"reason"`
	Stage              int       `json:"stage"`
	RemainingApprovals int       `json:"remaining_approvals"`
}

// Approve serves POST /api/v1/actions/{action_id}/approve: let a pending action go ahead.
func Approve() endpoint.Route {
	return endpoint.Define(decideSpec("approve", "Approve a pending action", store.Actions, store.Agents, store.Commands), approve)
}

func approve(ctx context.Context, a *app.App, c *command.Command, in DecideIn) (ApproveOut, error) {
	id, err := in.valid()
	if err != nil {
		return ApproveOut{}, err
	}
	d, err := a.Approvals.Approve(ctx, c, id, in.Reason)
	if err != nil {
		return ApproveOut{}, err
	}
	return ApproveOut{
		ActionID: d.ID, Status: string(d.Status), ApprovedBy: d.By, ApprovedAt: d.At,
		CorrelationID: d.CorrelationID, Reason: d.Reason, Stage: d.Stage, RemainingApprovals: d.Remaining,
	}, nil
}

// RejectOut is the answer of actions-reject.
type RejectOut struct {
	ActionID           action.ID `json:"action_id"`
	Status             string    `json:"status" enum:"denied"`
	RejectedBy         int64     `json:"rejected_by"`
	RejectedAt         time.Time `json:"rejected_at"`
	Reason             string    `json:"reason"`
	CorrelationID      string    `json:"correlation_id"`
	Stage              int       `json:"stage"`
	RemainingApprovals int       `json:"remaining_approvals"`
}

// Reject serves POST /api/v1/actions/{action_id}/reject: deny a pending action.
func Reject() endpoint.Route {
	return endpoint.Define(decideSpec("reject", "Reject a pending action", store.Actions, store.Commands), reject)
}

func reject(ctx context.Context, a *app.App, c *command.Command, in DecideIn) (RejectOut, error) {
	id, err := in.valid()
	if err != nil {
		return RejectOut{}, err
	}
	d, err := a.Approvals.Reject(ctx, c, id, in.Reason)
	if err != nil {
		return RejectOut{}, err
	}
	return RejectOut{
		ActionID: d.ID, Status: string(d.Status), RejectedBy: d.By, RejectedAt: d.At,
		Reason: d.Reason, CorrelationID: d.CorrelationID, Stage: d.Stage, RemainingApprovals: d.Remaining,
	}, nil
}

func decideSpec(verb, summary string, reads ...store.Table) endpoint.Spec {
	return endpoint.Spec{
		ID: "actions-" + verb, Method: http.MethodPost, Path: "/api/v1/actions/{action_id}/" + verb, Tag: "Actions",
		Summary: summary, Example: `{"reason": "Seen and understood"}`, Auth: endpoint.TokenApprover,
		Reads:         reads,
		Writes:        []store.Table{store.Actions, store.Commands},
		InvalidStatus: http.StatusUnprocessableEntity,
		Unknown:       endpoint.Tolerate, Body: endpoint.OptionalBody, Repeats: true,
	}
}
