package actions

import (
	"context"
	"net/http"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// Detail is everything of one action.
type Detail struct {
	Listed
	Status string `json:"status" enum:"approved,pending_approval,pending,denied" doc:"pending, in place of pending_approval, only where X-SDK-Version was sent."`

	AgentName      string             `json:"agent_name"`
	ResourceType   string             `json:"resource_type"`
	ResourceID     string             `json:"resource_id"`
	Parameters     map[string]any     `json:"parameters"`
	UserID         int64              `json:"user_id"`
	OrganizationID int64              `json:"organization_id"`
	Alert          *Alert             `json:"alert"`
	Thresholds     Thresholds         `json:"thresholds"`
	Checks         []governance.Check `json:"checks"`
	Factors        Factors            `json:"factors"`
	Digest         string             `json:"digest"`
	Approval       *Approval          `json:"approval"`
	AuditTrail     []Audited          `json:"audit_trail"`
}

// Headers adds what the status depends on to Vary.
func (d Detail) Headers(h http.Header) { detailVary(h) }

// Approval is how far the wait for people is (decision 30).
type Approval struct {
	WorkflowID         *string   `json:"workflow_id"`
	Type               string    `json:"type" enum:"single_approval,multi_stage,quorum"`
	Source             string    `json:"source" enum:"policy,agent,trigger,band" doc:"What chose who decides."`
	Stage              int       `json:"stage"` // from 1
	Stages             int       `json:"stages"`
	RequiredApprovers  []string  `json:"required_approvers"` // of the present stage
	RemainingApprovals int       `json:"remaining_approvals"`
	StageExpiresAt     time.Time `json:"stage_expires_at"`
	ExpiresAt          time.Time `json:"expires_at"`
	RequiresMFA        bool      `json:"requires_mfa"`
	History            []Audited `json:"history"`
}

// Audited is one entry of an action's audit trail.
type Audited struct {
	AuditID   string    `json:"audit_id"`
	Event     string    `json:"event_type"`
	Actor     string    `json:"actor"`
	Timestamp time.Time `json:"timestamp"`
	Outcome   string    `json:"outcome"`
	Reason    string    `json:"reason"`
}

// Get serves GET /api/v1/actions/{action_id}: everything of one action.
func Get() endpoint.Route {
	return endpoint.Define(getSpec("actions-get", "/api/v1/actions/{action_id}"), get)
}

func getSpec(id, path string) endpoint.Spec {
	return endpoint.Spec{
		ID: id, Method: http.MethodGet, Path: path, Tag: "Actions",
		Summary: "Read one action with its decision and audit trail",
		Auth:    endpoint.KeyOrToken, Reads: []store.Table{store.Actions},
	}
}

func get(ctx context.Context, a *app.App, c *command.Command, in one) (Detail, error) {
	act, err := in.read(ctx, a, c)
	if err != nil {
		return Detail{}, err
	}
	return detailOf(act, c.Client), nil
}

// one names an action in the path.
type one struct {
	ActionID string `path:"action_id" json:"-"`
}

// read finds the action; an id that cannot be one is as unknown as any other.
func (o one) read(ctx context.Context, a *app.App, c *command.Command) (*action.Action, error) {
	id, err := o.id()
	if err != nil {
		return nil, err
	}
	return a.Actions.Get(ctx, c.Principal.Org, id)
}

func (o one) id() (action.ID, error) {
	id, ok := action.ParseID(o.ActionID)
	if !ok {
		return 0, record.ActionNotFound()
	}
	return id, nil
}

func detailOf(act *action.Action, client command.Client) Detail {
	p, v := act.Input.Proposal, act.Verdict
	d := Detail{
		Listed: listedOf(act.Summary()), AgentName: p.AgentName, ResourceType: p.ResourceType, ResourceID: p.ResourceID,
		Parameters: p.Parameters, UserID: act.Submitter.UserID, OrganizationID: int64(act.Org),
		Alert: alertOf(act), Thresholds: thresholdsOf(v.Thresholds), Checks: v.Checks, Factors: FactorsOf(v.Risk),
		Digest: act.Digest, Approval: approvalOf(act), AuditTrail: auditedOf(act),
	}
	d.Status = detailStatus(client, act.Status)
	if d.Parameters == nil {
		d.Parameters = map[string]any{}
	}
	return d
}

// approvalOf returns how far the approval is; nil for an action that never waited.
func approvalOf(act *action.Action) *Approval {
	w := act.Approval
	if w == nil {
		return nil
	}
	out := &Approval{
		Type: string(w.Kind), Source: w.Source, Stage: w.Stage + 1, Stages: len(w.Stages),
		RequiredApprovers: w.Approvers(), RemainingApprovals: act.Remaining(),
		StageExpiresAt: w.StageExpiresAt, ExpiresAt: w.ExpiresAt,
		RequiresMFA: w.MFA, History: auditedOf(act)[1:],
	}
	if w.WorkflowID != "" {
		out.WorkflowID = &w.WorkflowID
	}
	return out
}

func auditedOf(act *action.Action) []Audited {
	trail := make([]Audited, len(act.Audit))
	for i, e := range act.Audit {
		trail[i] = Audited{AuditID: e.ID, Event: e.Event, Actor: e.ActorName, Timestamp: e.At, Outcome: e.Outcome}
		if d, ok := e.Data.(*audit.ActionDecided); ok {
			trail[i].Reason = d.Reason
		}
	}
	return trail
}
