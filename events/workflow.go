package events

// Workflow is part of every event of an action's approval.
type Workflow struct {
	Approval
	ActionID int64  `json:"action_id"`
	AgentID  string `json:"agent_id"`
	Status   string `json:"status" enum:"approved,pending_approval,denied" doc:"Of the action."`
	AuditID  string `json:"audit_id" doc:"The audit entry that the event tells of."`
}

// WorkflowStarted is sent when an action begins to wait for people.
type WorkflowStarted struct {
	Workflow
	Type   string `json:"type" enum:"single_approval,multi_stage,quorum"`
	Source string `json:"source" doc:"What chose the workflow: policy, agent, trigger or band."`
}

// WorkflowEscalated is sent when a stage timed out and the next one began.
type WorkflowEscalated struct{ Workflow }

// WorkflowCompleted is sent when the approval ended, for whatever reason.
type WorkflowCompleted struct {
	Workflow
	Decided
}
