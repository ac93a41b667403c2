package governance

import (
	"ascend/shared/domain/agent"
	"ascend/shared/domain/cvss"
	"ascend/shared/domain/risk"
)

// Status is the status of an action. Clients know only these three (clients.md rule 9).
type Status string

// The documented statuses.
const (
	Approved Status = "approved"
	Pending  Status = "pending_approval"
	Denied   Status = "denied"
)

// Decision returns the status in the words of the published clients.
func (s Status) Decision() string {
	switch s {
	case Approved:
		return "allowed"
	case Pending:
		return "pending"
	default:
		return "denied"
	}
}

// The machine codes of a refusal.
const (
	CodeAgentNotActive   = "AGENT_NOT_ACTIVE"
	CodeKillSwitch       = "KILL_SWITCH_ACTIVE"
	CodeActionNotAllowed = "ACTION_TYPE_NOT_ALLOWED"
	CodeResourceBlocked  = "RESOURCE_BLOCKED"
	CodeResource         = "RESOURCE_NOT_ALLOWED"
	CodeRateLimit        = "RATE_LIMIT_EXCEEDED"
	CodePolicy           = "POLICY_DENIED"
)

// Result is the result of one check.
type Result string

// The results of a check.
const (
	Pass          Result = "pass"
	Refuse        Result = "deny"
	Hold          Result = "require_approval"
	NotConfigured Result = "not_configured"
)

// Check is one step of a decision with its explanation.
type Check struct {
	Name   string `json:"check"`
	Result Result `json:"result"`
	Detail string `json:"detail"`

	code    string // of a refusal
	by, src string // decided_by and enforcement source when this check decides
	retry   int64
}

// Framework is the classification of an action in NIST SP 800-53 and MITRE ATT&CK.
type Framework struct {
	NISTControl     string `json:"nist_control"`
	NISTDescription string `json:"nist_description"`
	MITRETactic     string `json:"mitre_tactic"`
	MITRETechnique  string `json:"mitre_technique"`
	Recommendation  string `json:"recommendation"`
	Overridden      bool   `json:"overridden,omitzero"` // by the caller, as the contract allows
}

// Verdict is a decision with its reasons.
type Verdict struct {
	Model  string `json:"model"`
	Status Status `json:"outcome"`
	Reason string `json:"reason"`
	Code   string `json:"code,omitzero"` // of a refusal
	// DecidedBy is what decided: auto_approve, threshold, agent_state,
	// kill_switch, capabilities, rate_limit, policy, smart_rule or caller.
	DecidedBy   string `json:"decided_by"`
	Enforcement string `json:"enforcement"` // auto_approved, pending_approval, denied or escalated

	Checks     []Check          `json:"checks"`
	Risk       risk.Result      `json:"risk"`
	CVSS       cvss.Result      `json:"cvss"`
	Framework  Framework        `json:"framework"`
	Thresholds agent.Thresholds `json:"thresholds"`

	PolicyDecision    Effect `json:"policy_decision"`
	Alert             bool   `json:"alert,omitzero"`
	MFA               bool   `json:"mfa,omitzero"` // an approver needs a second factor
	WorkflowID        string `json:"workflow_id,omitzero"`
	RetryAfterSeconds int64  `json:"retry_after_seconds,omitzero"`
}
