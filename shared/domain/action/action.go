// Package action defines the record of a submitted action: the proposal, every
// input of the decision, the verdict, and what people or a deadline decided
// afterwards.
//
//	  submit
//	    │
//	    ├──────────────► approved
//	    ├──────────────► denied
//	    ▼
//	pending_approval ──► approved   by people
//	                 ──► denied     by a person, by the clock, or with its agent
//
// The status of a pending action changes once; package approval makes the moves.
package action

import (
	"time"

	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/tenant"
)

// Action is the stored record.
type Action struct {
	ID        ID                 `json:"id"`
	Org       tenant.ID          `json:"organization_id"`
	Status    governance.Status  `json:"status"`
	Submitter tenant.Principal   `json:"submitter"`
	Command   string             `json:"command"` // that stored it
	Input     governance.Input   `json:"input"`
	Verdict   governance.Verdict `json:"verdict"`
	Digest    string             `json:"digest"` // of the canonical proposal, what an approval is bound to

	CreatedAt           time.Time `json:"created_at"`
	UpdatedAt           time.Time `json:"updated_at"`
	CorrelationID       string    `json:"correlation_id"`
	ClientCorrelationID string    `json:"caller_correlation_id,omitzero"`
	MicroSeconds        int64     `json:"evaluation_us"` // reads and decision

	Approval *Approval     `json:"approval,omitzero"` // nil unless the verdict was pending
	Outcome  *Outcome      `json:"outcome,omitzero"`  // nil until a pending action was decided
	Audit    []audit.Entry `json:"audit"`             // one of the decision, one of each move
	Revision int64         `json:"revision"`
}

// Outcome is how a pending action ended.
type Outcome struct {
	Status    governance.Status `json:"status"`
	DecidedBy string            `json:"decided_by"` // "approver", "timeout" or "agent_suspended"
	By        *tenant.Principal `json:"by,omitzero"`
	At        time.Time         `json:"at"`
	Reason    string            `json:"reason"`
	Digest    string            `json:"digest"` // what the decider decided on
}

// DecidedBy returns what decided the present status.
func (a *Action) DecidedBy() string { return decidedBy(&a.Verdict, a.Outcome) }

func decidedBy(v *governance.Verdict, o *Outcome) string {
	if o != nil {
		return o.DecidedBy
	}
	return v.DecidedBy
}

// Reason returns the reason of the present status, in a sentence.
func (a *Action) Reason() string { return reason(&a.Verdict, a.Outcome) }

func reason(v *governance.Verdict, o *Outcome) string {
	if o != nil {
		return o.Reason
	}
	return v.Reason
}

// Pending reports whether the action waits for approval.
func (a *Action) Pending() bool { return a.Status == governance.Pending }

// Renumber replaces the ID of an action that is not stored yet, because another has it.
func (a *Action) Renumber(id ID) {
	a.ID = id
	if a.Approval != nil {
		a.Approval.RequestID = id.RequestID()
	}
	for i := range a.Audit {
		a.Audit[i].ResourceID = id.String()
	}
}

// AtSubmission returns the record as it was first stored, before people or a
// deadline decided.
func (a *Action) AtSubmission() *Action {
	first := *a
	first.Status, first.Outcome, first.UpdatedAt, first.Audit, first.Revision = a.Verdict.Status, nil, a.CreatedAt, a.Audit[:1], 1
	if a.Approval != nil {
		wait := *a.Approval
		wait.Votes = nil
		wait.Enter(0, wait.OpenedAt)
		first.Approval = &wait
	}
	return &first
}
