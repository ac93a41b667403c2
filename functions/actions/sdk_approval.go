package actions

import (
	"context"
	"net/http"
	"strings"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// SDKApproval serves GET /api/sdk/approval/{approval_request_id}: how the approval
// of an action stands, for published decorators that wait for people
// (clients.md sections 4 and 6). Polling counts against no agent's limits.
func SDKApproval() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "sdk-approval", Method: http.MethodGet, Path: "/api/sdk/approval/{approval_request_id}", Tag: "Actions",
		Summary: "Poll the approval of an action",
		Auth:    endpoint.KeyOrToken, Reads: []store.Table{store.Actions},
	}, sdkApproval)
}

type approvalRequest struct {
	RequestID string `path:"approval_request_id" json:"-"`
}

// ApprovalStatus is how an approval stands. An action that nobody answered is
// rejected too; its reason says so.
type ApprovalStatus struct {
	RequestID string    `json:"approval_request_id"`
	ActionID  action.ID `json:"action_id"`
	Status    string    `json:"status" enum:"pending,approved,rejected"`
	ExpiresAt time.Time `json:"expires_at"`

	ApprovedBy      int64      `json:"approved_by,omitzero"` // a person's id
	RejectedBy      int64      `json:"rejected_by,omitzero"` // a person's id; none where time ran out
	DecidedAt       *time.Time `json:"decided_at,omitzero"`
	RejectionReason string     `json:"rejection_reason,omitzero"`
}

func sdkApproval(ctx context.Context, a *app.App, c *command.Command, in approvalRequest) (ApprovalStatus, error) {
	id, named := strings.CutPrefix(in.RequestID, action.RequestPrefix)
	if !named {
		return ApprovalStatus{}, record.ActionNotFound()
	}
	act, err := one{id}.read(ctx, a, c)
	if err != nil {
		return ApprovalStatus{}, err
	}
	if act.Approval == nil { // decided at once
		return ApprovalStatus{}, record.ActionNotFound()
	}
	d := decisionOf(act.Summary())
	s := ApprovalStatus{
		RequestID: act.Approval.RequestID, ActionID: act.ID, Status: "pending", ExpiresAt: act.Approval.ExpiresAt,
		ApprovedBy: d.ApprovedBy, RejectedBy: d.RejectedBy,
	}
	if o := act.Outcome; o != nil {
		s.DecidedAt = &o.At
	}
	switch act.Status {
	case governance.Approved:
		s.Status = "approved"
	case governance.Denied:
		s.Status, s.RejectionReason = "rejected", d.DenialReason
	}
	return s, nil
}
