package agent

import "ascend/shared/domain/problem"

// Escalation configures who approves an agent's pending actions: a workflow of
// its own, and a last person when nobody approved in time.
type Escalation struct {
	WebhookURL *string `json:"escalation_webhook_url"` // who is told, beside the stages
	Email      *string `json:"escalation_email"`       // who may approve in the last stage
	// AllowQueuedApproval makes an action whose stages all timed out wait once
	// more, for Email. Without both, it is denied then.
	AllowQueuedApproval bool   `json:"allow_queued_approval"`
	WorkflowID          string `json:"workflow_id,omitzero"`     // "": none of its own
	TimeoutSeconds      int64  `json:"timeout_seconds,omitzero"` // of that last wait; 0: as long as the stage before
}

// EscalationSettings are the members of a request that replaces an agent's
// escalation: an absent member is the same as null, which clears. The caller of
// Escalation checks that the workflow exists.
type EscalationSettings struct {
	WebhookURL          *string `json:"escalation_webhook_url,omitzero" doc:"Where escalations will be sent: an absolute https URL without credentials. Nothing is sent there yet; the audit entry of a denial by timeout names it."`
	Email               *string `json:"escalation_email,omitzero" doc:"Who may approve when nobody else did in time."`
	AllowQueuedApproval *bool   `json:"allow_queued_approval,omitzero" doc:"Whether an action that timed out waits once more, for escalation_email; true by default."`
	WorkflowID          *string `json:"workflow_id,omitzero" doc:"The workflow that the agent's pending actions go through, unless a policy names another."`
	TimeoutSeconds      *int64  `json:"timeout_seconds,omitzero" doc:"How long that person has: 1 to 2592000 (30 days); by default as long as the stage before."`
}

// MaxEscalationSeconds is the longest wait for Escalation.Email, 30 days.
const MaxEscalationSeconds = 30 * 24 * 60 * 60

// Escalation returns the escalation, nil where no member is set, or the fields
// that are not valid.
func (s EscalationSettings) Escalation() (*Escalation, problem.Fields) {
	var invalid problem.Fields
	invalid.URL("/escalation_webhook_url", s.WebhookURL, "https")
	if s.Email != nil {
		invalid.Email("/escalation_email", *s.Email)
	}
	if s.WorkflowID != nil && *s.WorkflowID == "" {
		invalid.Add("/workflow_id", "workflow_id must not be empty; leave it out for none")
	}
	if s.TimeoutSeconds != nil {
		invalid.Integer("/timeout_seconds", *s.TimeoutSeconds, 1, MaxEscalationSeconds)
	}
	if len(invalid) > 0 || s == (EscalationSettings{}) {
		return nil, invalid
	}
	e := &Escalation{
		WebhookURL: s.WebhookURL, Email: s.Email,
		AllowQueuedApproval: s.AllowQueuedApproval == nil || *s.AllowQueuedApproval,
	}
	if s.WorkflowID != nil {
		e.WorkflowID = *s.WorkflowID
	}
	if s.TimeoutSeconds != nil {
		e.TimeoutSeconds = *s.TimeoutSeconds
	}
	return e, nil
}
