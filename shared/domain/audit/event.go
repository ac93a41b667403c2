package audit

// The names of events (decision 33): of those that entries record and of those
// that package events sends. An entry's name says what its Data is.
const (
	EventActionSubmitted = "action.submitted"
	EventActionApproved  = "action.approved"
	EventActionDenied    = "action.denied"
	EventActionBlocked   = "action.blocked"
	EventActionPending   = "action.pending"
	EventActionEscalated = "action.escalated"
	EventActionTimeout   = "action.timeout"
	EventActionCompleted = "action.completed"
	EventActionFailed    = "action.failed"

	EventWorkflowStarted   = "workflow.started"
	EventWorkflowCompleted = "workflow.completed"
	EventWorkflowEscalated = "workflow.escalated"

	EventAgentRegistered = "agent.registered"
	EventAgentUpdated    = "agent.updated"
	EventAgentActivated  = "agent.activated"
	EventAgentSuspended  = "agent.suspended"
	EventAgentDeleted    = "agent.deleted"

	EventPolicyCreated  = "policy.created"
	EventPolicyUpdated  = "policy.updated"
	EventPolicyDeleted  = "policy.deleted"
	EventPolicyViolated = "policy.violated"

	EventAlertTriggered   = "alert.triggered"
	EventBudgetThreshold  = "budget.threshold"
	EventSecurityHighRisk = "security.high_risk"
	EventSecurityAnomaly  = "security.anomaly"
	EventWebhookDisabled  = "webhook.disabled"
)

// Events that entries record and that are not sent.
const (
	EventApprovalRecorded = "approval.recorded" // an approval after which the action still waits
	EventWorkflowCreated  = "workflow.created"
)
