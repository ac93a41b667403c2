package actions

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// SubmitOut answers a submission: the whole decision in one flat object, with
// status 200 whatever was decided (decision 21).
type SubmitOut struct {
	Decision
	Scoring

	AlertTriggered      bool               `json:"alert_triggered"`
	AlertID             *action.ID         `json:"alert_id"`
	WorkflowID          *string            `json:"workflow_id"`
	PolicyDecision      string             `json:"policy_decision"`
	MatchedPolicies     int                `json:"matched_policies"`
	MatchedSmartRules   int                `json:"matched_smart_rules"`
	PoliciesEvaluated   []Evaluated        `json:"policies_evaluated"`
	Checks              []governance.Check `json:"checks"`
	Factors             Factors            `json:"factors"`
	RiskFloors          []string           `json:"risk_floors"`
	ProcessingTimeMS    int64              `json:"processing_time_ms"`
	ActionType          string             `json:"action_type"`
	Thresholds          Thresholds         `json:"thresholds"`
	FrameworkOverridden bool               `json:"framework_overridden"`
	IgnoredFields       []string           `json:"ignored_fields"`
	AuditTrail          AuditTrail         `json:"audit_trail"`
	Message             string             `json:"message"`
}

// AuditTrail is seeds/003's audit_trail object.
type AuditTrail struct {
	AuditID          string `json:"audit_id"`
	EvaluationTimeMS int64  `json:"evaluation_time_ms"`
}

// Example is a submission that waits until a person decides.
const Example = `{"agent_id": "customer-service-agent", "action_type": "database_delete", "resource": "production customer database",
	"require_approval": true, "context": {"environment": "production"}, "parameters": {"rows": 3}}`

// Submit serves POST /api/v1/actions/submit: decide on a proposed action.
func Submit() endpoint.Route {
	return endpoint.Define(submitSpec("actions-submit", "/api/v1/actions/submit"), submit)
}

func submitSpec(id, path string) endpoint.Spec {
	return endpoint.Spec{
		ID: id, Method: http.MethodPost, Path: path, Tag: "Actions",
		Summary: "Submit an agent's action for a decision",
		Example: Example,
		Auth:    endpoint.KeyOrTokenWrite, ConfirmInBatch: true,
		Reads:         []store.Table{store.Agents, store.Actions},
		Writes:        []store.Table{store.Counters, store.Actions, store.Commands},
		InvalidStatus: http.StatusUnprocessableEntity,
		Unknown:       endpoint.Tolerate, Body: endpoint.RequiredBody, Repeats: true,
	}
}

func submit(ctx context.Context, a *app.App, c *command.Command, in SubmitIn) (SubmitOut, error) {
	proposal, err := in.Proposal()
	if err != nil {
		return SubmitOut{}, err
	}
	act, err := a.Actions.Submit(ctx, c, proposal)
	if err != nil {
		return SubmitOut{}, err
	}
	return submittedOf(act), nil
}

// submittedOf returns the answer with what was decided at submission.
func submittedOf(act *action.Action) SubmitOut {
	v, d := act.Verdict, decisionOf(act.Summary())
	ms := act.MicroSeconds / 1000
	s := SubmitOut{
		Decision: d, Scoring: scoringOf(v.CVSS, v.Framework),
		AlertTriggered: v.Alert, PolicyDecision: string(v.PolicyDecision),
		PoliciesEvaluated: []Evaluated{}, Checks: v.Checks, Factors: FactorsOf(v.Risk), RiskFloors: []string{},
		ProcessingTimeMS: ms, ActionType: act.Input.Proposal.ActionType,
		Thresholds:          thresholdsOf(v.Thresholds),
		FrameworkOverridden: v.Framework.Overridden, IgnoredFields: []string{},
		AuditTrail: AuditTrail{AuditID: d.AuditID, EvaluationTimeMS: ms},
		Message:    "Action processed through complete governance pipeline - Status: " + d.Status,
	}
	if alert := alertOf(act); alert != nil {
		s.AlertID = &alert.ID
	}
	if w := act.Approval; w != nil && w.WorkflowID != "" {
		s.WorkflowID = &w.WorkflowID
	}
	for _, f := range act.Input.Findings {
		s.PoliciesEvaluated = append(s.PoliciesEvaluated, Evaluated{PolicyID: f.Rule, Name: f.Name, Result: string(f.Effect)})
		if f.Source == governance.FromPolicy {
			s.MatchedPolicies++
		} else {
			s.MatchedSmartRules++
		}
	}
	for _, f := range v.Risk.Floors {
		s.RiskFloors = append(s.RiskFloors, f.Why)
	}
	s.IgnoredFields = append(s.IgnoredFields, act.Input.Proposal.Ignored...)
	return s
}
