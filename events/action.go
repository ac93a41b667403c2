package events

import "time"

// Action is part of every event of an action. Its texts were redacted before they
// were stored (decision 20).
type Action struct {
	ID           int64  `json:"action_id"`
	AgentID      string `json:"agent_id"`
	ActionType   string `json:"action_type" doc:"Such as email_send."`
	Description  string `json:"description"`
	ToolName     string `json:"tool_name"`
	TargetSystem string `json:"target_system,omitzero"`
	Resource     string `json:"resource,omitzero"`
	Environment  string `json:"environment,omitzero"`

	RiskScore float64 `json:"risk_score" doc:"From 0 to 100."`
	RiskLevel string  `json:"risk_level" enum:"low,medium,high,critical"`

	Status  string `json:"status" enum:"approved,pending_approval,denied" doc:"After what the event tells of."`
	Actor   Actor  `json:"actor" doc:"Who did what the event tells of."`
	AuditID string `json:"audit_id" doc:"The audit entry that the event tells of."`
}

// Decided explains the status of an action.
type Decided struct {
	DecidedBy string `json:"decided_by" doc:"What decided, such as auto_approve, policy, approver or timeout."`
	Reason    string `json:"reason" doc:"In a sentence."`
}

// Approval is the state of an action's approval.
type Approval struct {
	RequestID      string    `json:"approval_request_id"`
	WorkflowID     string    `json:"workflow_id,omitzero" doc:"Absent where the band of the score chose who approves."`
	Stage          int       `json:"stage" doc:"The present stage, from 1."`
	Stages         int       `json:"stages"`
	StageExpiresAt time.Time `json:"stage_expires_at"`
	ExpiresAt      time.Time `json:"expires_at" doc:"When the last stage ends."`
}

// ActionSubmitted is sent for every submission, in addition to the event of its
// decision. Its status is the one decided.
type ActionSubmitted struct {
	Action
	ClientCorrelationID string `json:"caller_correlation_id,omitzero" doc:"The caller's X-Correlation-ID."`
}

// ActionApproved is sent when an action may go ahead: at once, or by people.
type ActionApproved struct {
	Action
	Decided
}

// ActionDenied is sent when a pending action ended without approval: a person
// rejected it, or its agent was stopped.
type ActionDenied struct {
	Action
	Decided
}

// ActionBlocked is sent when the decision on a submission refused it.
type ActionBlocked struct {
	Action
	Decided
	Code              string `json:"error_code,omitzero" doc:"Such as RATE_LIMIT_EXCEEDED."`
	RetryAfterSeconds int64  `json:"retry_after_seconds,omitzero" doc:"Where a limit refused it."`
}

// ActionPending is sent when an action begins to wait for people.
type ActionPending struct {
	Action
	Decided
	Approval
	RequiresMFA bool `json:"requires_mfa" doc:"The approver needs a second factor."`
}

// ActionEscalated is sent when nobody answered in a stage's time and the next
// stage began.
type ActionEscalated struct {
	Action
	Approval
}

// ActionTimeout is sent when the last stage's time ran out; the action is denied.
type ActionTimeout struct {
	Action
	Decided
}
