package agent

import "ascend/shared/domain/problem"

// Escalation is where an agent's pending actions go: to a workflow of its own,
// and on when nobody approved in time.
type Escalation struct {
	WebhookURL *string `json:"escalation_webhook_url"` // who is told, beside the stages
	Email      *string `json:"escalation_email"`       // who may approve in the last stage
	// AllowQueuedApproval makes an action whose stages all timed out wait once
	// more, for Email. Without both, it is denied then.
	AllowQueuedApproval bool   `json:"allow_queued_approval"`
	WorkflowID          string `json:"workflow_id,omitzero"`     // "": none of its own
	TimeoutSeconds      int64  `json:"timeout_seconds,omitzero"` // of that last wait; 0: as long as the stage before
}

// Clone is a copy that shares nothing with e.
func (e *Escalation) Clone() *Escalation {
	if e == nil {
		return nil
	}
	c := *e
	c.WebhookURL, c.Email = clonePtr(e.WebhookURL), clonePtr(e.Email)
	return &c
}

// EscalationSettings is what a caller says of an agent's escalation, all of
// it: an absent member is the same as null, which clears. Whether there is a
// workflow of the given id is for the caller of Escalation to look up.
type EscalationSettings struct {
	WebhookURL          *string `json:"escalation_webhook_url,omitzero" doc:"Where escalations are to be told: an absolute https URL without credentials. Nothing is sent there yet; the audit entry of a denial by timeout names it."`
	Email               *string `json:"escalation_email,omitzero" doc:"Who may approve when nobody else did in time."`
	AllowQueuedApproval *bool   `json:"allow_queued_approval,omitzero" doc:"Whether an action that timed out waits once more, for escalation_email; true by default."`
	WorkflowID          *string `json:"workflow_id,omitzero" doc:"The workflow that the agent's pending actions go through, unless a policy names another."`
	TimeoutSeconds      *int64  `json:"timeout_seconds,omitzero" doc:"How long that person has: 1 to 2592000 (30 days); by default as long as the stage before."`
}

// MaxEscalationSeconds is the longest wait for Escalation.Email, 30 days.
const MaxEscalationSeconds = 30 * 24 * 60 * 60

// Escalation gives the escalation that the settings make, nil where they say
// nothing, or the fields that are not valid.
func (s EscalationSettings) Escalation() (*Escalation, []problem.Field) {
	var invalid fieldErrors
	invalid.url("escalation_webhook_url", s.WebhookURL, "https")
	if s.Email != nil && !ValidEmail(*s.Email) {
		invalid.add("/escalation_email", "escalation_email must be an e-mail address")
	}
	if s.WorkflowID != nil && *s.WorkflowID == "" {
		invalid.add("/workflow_id", "workflow_id must not be empty; leave it out for none")
	}
	if n := s.TimeoutSeconds; n != nil && (*n < 1 || *n > MaxEscalationSeconds) {
		invalid.add("/timeout_seconds", "timeout_seconds must be an integer between 1 and %d", MaxEscalationSeconds)
	}
	if len(invalid) > 0 || s == (EscalationSettings{}) {
		return nil, invalid
	}
	e := &Escalation{WebhookURL: clonePtr(s.WebhookURL), Email: clonePtr(s.Email), AllowQueuedApproval: true}
	if s.AllowQueuedApproval != nil {
		e.AllowQueuedApproval = *s.AllowQueuedApproval
	}
	if s.WorkflowID != nil {
		e.WorkflowID = *s.WorkflowID
	}
	if s.TimeoutSeconds != nil {
		e.TimeoutSeconds = *s.TimeoutSeconds
	}
	return e, nil
}
