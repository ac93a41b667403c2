package action

import (
	"time"

	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
)

// Approval is the wait of an action for people. It holds all stages as they were
// when the action was submitted, so later changes of workflows do not affect it.
type Approval struct {
	RequestID  string        `json:"approval_request_id"`
	WorkflowID string        `json:"workflow_id,omitzero"` // "" for the band of the score
	Source     string        `json:"source"`               // what chose the stages: policy, agent, trigger or band
	Kind       workflow.Kind `json:"type"`
	Stages     []Stage       `json:"stages"`
	Stage      int           `json:"stage"` // the present one, from 0

	OpenedAt       time.Time `json:"opened_at"`
	StageExpiresAt time.Time `json:"stage_expires_at"`
	ExpiresAt      time.Time `json:"expires_at"` // when all stages from now on time out

	MFA   bool   `json:"mfa,omitzero"`
	Votes []Vote `json:"votes,omitzero"`
}

// Stage is one stage of an approval.
type Stage struct {
	workflow.Stage
	// Escalation marks the stage for the agent's escalation e-mail. It is entered
	// only when the stage before it timed out.
	Escalation bool `json:"escalation,omitzero"`
}

// Vote is one person's approval of one stage.
type Vote struct {
	Stage  int              `json:"stage"` // from 0
	By     tenant.Principal `json:"by"`
	At     time.Time        `json:"at"`
	Reason string           `json:"reason,omitzero"`
	Digest string           `json:"digest"` // what was approved
}

// RequestID returns the clients' name of the approval of the action.
func (id ID) RequestID() string { return RequestPrefix + id.String() }

// RequestPrefix begins every RequestID.
const RequestPrefix = "apr_"

// Enter opens a stage, from 0: its deadline and the later ones count from at. A
// stage that does not exist ends at once.
func (w *Approval) Enter(stage int, at time.Time) {
	w.Stage = stage
	w.StageExpiresAt = at.Add(w.Present().Timeout())
	w.ExpiresAt = w.StageExpiresAt
	for i := stage + 1; i < len(w.Stages); i++ {
		w.ExpiresAt = w.ExpiresAt.Add(w.Stages[i].Timeout())
	}
}

// Present returns the stage that is open, or was when the approval ended. If the
// record lacks it, it returns the zero Stage, which nobody can approve.
func (w *Approval) Present() Stage {
	if w.Stage < 0 || w.Stage >= len(w.Stages) {
		return Stage{}
	}
	return w.Stages[w.Stage]
}

// Missing returns how many approvals the present stage still needs.
func (w *Approval) Missing() int {
	missing := max(1, w.Present().MinApprovers)
	for _, v := range w.Votes {
		if v.Stage == w.Stage {
			missing--
		}
	}
	return max(0, missing)
}

// Approvers returns those of the present stage as answers show them.
func (w *Approval) Approvers() []string {
	stage := w.Present()
	names := make([]string, len(stage.Approvers))
	for i, a := range stage.Approvers {
		names[i] = a.String()
	}
	return names
}

// Remaining returns how many approvals the present stage still needs, 0 if the
// action does not wait.
func (a *Action) Remaining() int {
	if !a.Pending() || a.Approval == nil {
		return 0
	}
	return a.Approval.Missing()
}
