// Package actions serves the operations on actions: submit, list, get, status,
// approve and reject.
package actions

import (
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/cvss"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/risk"
)

// Decision is what submit, status and get say of an action alike. Published
// clients read it from whichever they ask (clients.md rule 8), so that no
// field of it is ever null, missing or of another type among the three.
type Decision struct {
	ID       action.ID `json:"id"`
	ActionID action.ID `json:"action_id"`
	AgentID  string    `json:"agent_id"`

	Status           string `json:"status" enum:"approved,pending_approval,denied"`
	Decision         string `json:"decision" enum:"allowed,pending,denied"`
	ExecutionAllowed bool   `json:"execution_allowed"`
	RequiresApproval bool   `json:"requires_approval"`
	DecisionReady    bool   `json:"decision_ready"`

	RiskScore float64 `json:"risk_score"`
	RiskLevel string  `json:"risk_level" enum:"low,medium,high,critical"`

	Reason         string         `json:"reason"`
	Summary        string         `json:"summary"`
	DenialReason   string         `json:"denial_reason,omitzero"` // when denied
	ErrorCode      string         `json:"error_code,omitzero"`    // when refused
	DecisionDetail DecisionDetail `json:"decision_detail"`

	PolicyViolations  []string       `json:"policy_violations"`
	Conditions        []string       `json:"conditions"`
	RequiredApprovers []string       `json:"required_approvers"`
	Metadata          map[string]any `json:"metadata"`

	ApprovalRequestID string     `json:"approval_request_id,omitzero"` // when pending
	ExpiresAt         *time.Time `json:"expires_at,omitzero"`          // when pending
	ApprovedBy        int64      `json:"approved_by,omitzero"`         // a person's id
	ApprovedAt        *time.Time `json:"approved_at,omitzero"`
	RejectedBy        int64      `json:"rejected_by,omitzero"`
	RejectedAt        *time.Time `json:"rejected_at,omitzero"`
	RetryAfterSeconds int64      `json:"retry_after_seconds,omitzero"` // when a limit refused

	EnforcementDecision             string `json:"enforcement_decision" enum:"auto_approved,pending_approval,denied,escalated" doc:"What the rules did with the action. auto_approved means that no person was asked: an action that people approved stays pending_approval or escalated here, with approver as the source."`
	EnforcementDecisionSource       string `json:"enforcement_decision_source" doc:"What decided last, such as auto_approve, threshold, approver or timeout."`
	RiskScoreSource                 string `json:"risk_score_source"`
	ShadowEnforcementDecision       string `json:"shadow_enforcement_decision"`
	ShadowEnforcementDecisionSource string `json:"shadow_enforcement_decision_source"`

	CorrelationID string    `json:"correlation_id"`
	AuditID       string    `json:"audit_id"`
	Timestamp     time.Time `json:"timestamp"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// DecisionDetail is seeds/003's decision object.
type DecisionDetail struct {
	Outcome   string    `json:"outcome"`
	Reason    string    `json:"reason"`
	DecidedBy string    `json:"decided_by"`
	DecidedAt time.Time `json:"decided_at"`
}

// decisionOf returns the present decision on an action.
func decisionOf(act action.Summary) Decision {
	v, reason := act.Verdict, act.Reason()
	d := Decision{
		ID: act.ID, ActionID: act.ID, AgentID: string(act.Subject.AgentID),
		Status: string(act.Status), Decision: act.Status.Decision(),
		ExecutionAllowed: act.Status == governance.Approved,
		RequiresApproval: act.Status == governance.Pending, DecisionReady: act.Status != governance.Pending,
		RiskScore: v.Risk.Score, RiskLevel: v.Risk.Level,
		Reason: reason, Summary: reason,
		DecisionDetail: DecisionDetail{
			Outcome: string(act.Status), Reason: reason, DecidedBy: act.DecidedBy(), DecidedAt: act.DecidedAt(),
		},
		PolicyViolations: violations(act.Verdict.Checks), Conditions: []string{}, RequiredApprovers: []string{}, Metadata: map[string]any{},
		EnforcementDecision: v.Enforcement, EnforcementDecisionSource: act.DecidedBy(), RiskScoreSource: v.Risk.Model,
		ShadowEnforcementDecision: v.Enforcement, ShadowEnforcementDecisionSource: v.Model,
		CorrelationID: act.CorrelationID, AuditID: act.AuditID,
		Timestamp: act.CreatedAt, CreatedAt: act.CreatedAt, UpdatedAt: act.UpdatedAt,
	}
	switch act.Status {
	case governance.Denied:
		d.DenialReason, d.ErrorCode, d.RetryAfterSeconds = reason, v.Code, v.RetryAfterSeconds
	case governance.Pending:
		d.ApprovalRequestID, d.ExpiresAt = act.Approval.RequestID, &act.Approval.ExpiresAt
		d.RequiredApprovers = act.Approval.Approvers()
		if v.Enforcement == "escalated" {
			d.Metadata["raw_status"] = "escalated"
		}
	}
	if o := act.Outcome; o != nil {
		if o.Status == governance.Denied {
			d.EnforcementDecision = string(governance.Denied)
		}
		if o.By != nil && o.Status == governance.Approved {
			d.ApprovedBy, d.ApprovedAt = o.By.UserID, &o.At
		}
		if o.By != nil && o.Status == governance.Denied {
			d.RejectedBy, d.RejectedAt = o.By.UserID, &o.At
		}
	}
	return d
}

// violations returns the details of the checks that refused.
func violations(checks []governance.Check) []string {
	said := []string{}
	for _, c := range checks {
		if c.Result == governance.Refuse {
			said = append(said, c.Detail)
		}
	}
	return said
}

// Scoring is how an action stands in CVSS, NIST and MITRE.
type Scoring struct {
	CVSSScore       float64 `json:"cvss_score"`
	CVSSSeverity    string  `json:"cvss_severity" enum:"none,low,medium,high,critical"`
	CVSSVector      string  `json:"cvss_vector"`
	NISTControl     string  `json:"nist_control"`
	NISTDescription string  `json:"nist_description"`
	MITRETactic     string  `json:"mitre_tactic"`
	MITRETechnique  string  `json:"mitre_technique"`
	Recommendation  string  `json:"recommendation"`
}

func scoringOf(c cvss.Result, f governance.Framework) Scoring {
	return Scoring{
		CVSSScore: c.Score, CVSSSeverity: c.Severity, CVSSVector: c.Vector,
		NISTControl: f.NISTControl, NISTDescription: f.NISTDescription,
		MITRETactic: f.MITRETactic, MITRETechnique: f.MITRETechnique, Recommendation: f.Recommendation,
	}
}

// Thresholds are seeds/004's thresholds object.
type Thresholds struct {
	AutoApproveBelow int    `json:"auto_approve_below"`
	MaxRiskThreshold int    `json:"max_risk_threshold"`
	AgentType        string `json:"agent_type"`
	IsRegistered     bool   `json:"is_registered"`
}

func thresholdsOf(t agent.Thresholds) Thresholds {
	return Thresholds{
		AutoApproveBelow: t.AutoApproveBelow, MaxRiskThreshold: t.MaxRiskThreshold,
		AgentType: string(t.Type), IsRegistered: t.Registered,
	}
}

// Evaluated is a rule that had a say.
type Evaluated struct {
	PolicyID string `json:"policy_id"`
	Name     string `json:"name"`
	Result   string `json:"result"`
}

// Alert is the alert that an action raised.
type Alert struct {
	ID       action.ID `json:"id"`
	Severity string    `json:"severity"`
	Message  string    `json:"message"`
}

// alertOf returns the alert that the action raised, or nil. An action raises at most
// one, so the alert is known by the action's id.
func alertOf(act *action.Action) *Alert {
	if !act.Verdict.Alert {
		return nil
	}
	return &Alert{ID: act.ID, Severity: act.Verdict.Risk.Level, Message: act.Verdict.Reason}
}

// Factors are the four factors of a risk score by name.
type Factors struct {
	Environment         Factor `json:"environment"`
	ResourceSensitivity Factor `json:"resource_sensitivity"`
	ActionType          Factor `json:"action_type"`
	Context             Factor `json:"context"`
}

// Factor is one weighted part of a risk score.
type Factor struct {
	Weight       float64 `json:"weight"`
	Value        float64 `json:"value"`
	Contribution float64 `json:"contribution"`
	Why          string  `json:"why"`
}

// FactorsOf arranges a result's factors by name.
func FactorsOf(r risk.Result) Factors {
	var f Factors
	for _, one := range r.Factors {
		out := Factor{Weight: one.Weight, Value: one.Value, Contribution: one.Contribution, Why: one.Why}
		switch one.Name {
		case risk.FactorEnvironment:
			f.Environment = out
		case risk.FactorResource:
			f.ResourceSensitivity = out
		case risk.FactorAction:
			f.ActionType = out
		case risk.FactorContext:
			f.Context = out
		}
	}
	return f
}
