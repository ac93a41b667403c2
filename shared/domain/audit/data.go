package audit

import (
	"fmt"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/workflow"
)

// Data is what an entry records beside what every entry does: an AgentChanged,
// an ActionDecided or a WorkflowCreated.
type Data interface{ isData() }

func (*AgentChanged) isData()    {}
func (*ActionDecided) isData()   {}
func (*WorkflowCreated) isData() {}

// newData returns the zero value of what entries of an event hold.
func newData(event string) (Data, error) {
	switch event {
	case EventAgentRegistered, EventAgentUpdated, EventAgentActivated, EventAgentSuspended, EventAgentDeleted:
		return new(AgentChanged), nil
	case EventActionApproved, EventActionDenied, EventActionBlocked, EventActionPending, EventActionEscalated,
		EventActionTimeout, EventApprovalRecorded:
		return new(ActionDecided), nil
	case EventWorkflowCreated:
		return new(WorkflowCreated), nil
	}
	return nil, fmt.Errorf("audit: entries of event %q have no data", event)
}

// AgentChanged is the data of a change of an agent: what was and what is.
type AgentChanged struct {
	ID              int64               `json:"id"`
	Status          agent.Status        `json:"status"`
	Version         string              `json:"version"`
	PreviousStatus  agent.Status        `json:"previous_status,omitzero"` // "" where a life begins
	PreviousVersion string              `json:"previous_version,omitzero"`
	Changes         []agent.FieldChange `json:"changes,omitempty"`
	Reason          string              `json:"reason,omitzero"`
	RestoredVersion string              `json:"restored_version,omitzero"` // of a rollback
}

// ActionDecided is the data of the decision on a submission, and of each move
// of an action that waits for approval.
type ActionDecided struct {
	AgentID    agent.ID          `json:"agent_id"`
	ActionType string            `json:"action_type"`
	Status     governance.Status `json:"status"`
	DecidedBy  string            `json:"decided_by"`
	Reason     string            `json:"reason"`
	Digest     string            `json:"digest"`

	*Move // nil of a submission
}

// Move is what a move did to an approval. Stages count from 1.
type Move struct {
	Stage     int  `json:"stage"` // that was open before
	Stages    int  `json:"stages"`
	NextStage int  `json:"next_stage,omitzero"`          // that was opened
	Remaining *int `json:"remaining_approvals,omitzero"` // of the stage that is open now

	// Of a denial by timeout, where the agent has somebody to escalate to.
	Escalation           string  `json:"escalation,omitzero"`
	EscalationEmail      *string `json:"escalation_email,omitzero"`
	EscalationWebhookURL *string `json:"escalation_webhook_url,omitzero"`
}

// DenyWithEscalation is the Escalation of a Move (facts.md, "Escalation decision names").
const DenyWithEscalation = "deny_with_escalation"

// WorkflowCreated is the data of a new workflow.
type WorkflowCreated struct {
	Workflow workflow.Workflow `json:"workflow"`
}
