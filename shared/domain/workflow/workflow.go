// Package workflow says who must approve a pending action, how many of them,
// and how long they have (decisions.md decision 30). A Definition is what a
// caller says of a workflow, a Workflow what is kept of it, and Choose finds
// the way that an action goes.
package workflow

import (
	"strings"
	"time"

	"ascend/shared/domain/tenant"
)

// Kind is the documented type of a workflow.
type Kind string

// The documented types.
const (
	Single     Kind = "single_approval"
	MultiStage Kind = "multi_stage"
	Quorum     Kind = "quorum"
)

// Kinds returns the documented types.
func Kinds() []Kind { return []Kind{Single, MultiStage, Quorum} }

// Workflow is one way to approval. A single approval and a quorum are one stage.
type Workflow struct {
	ID        string    `json:"id"` // wf_…, grows with time
	Name      string    `json:"name"`
	Kind      Kind      `json:"type"`
	Stages    []Stage   `json:"stages"`
	Priority  int       `json:"priority"`         // the lowest number is tried first
	Trigger   *Trigger  `json:"trigger,omitzero"` // nil: never chosen by itself
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
}

// Stage is a wait for MinApprovers distinct people out of Approvers.
type Stage struct {
	Name           string     `json:"name"`
	Approvers      []Approver `json:"approvers"`
	TimeoutSeconds int64      `json:"timeout_seconds"` // 1 s … 30 days
	MinApprovers   int        `json:"min_approvers"`   // at least 1
}

// Timeout is how long the stage waits.
func (s Stage) Timeout() time.Duration { return time.Duration(s.TimeoutSeconds) * time.Second }

// Approver is everyone of a role, or one person by e-mail; exactly one is set.
type Approver struct {
	Role  tenant.Role `json:"role,omitzero" doc:"Everyone of this role: admin or manager."`
	Email string      `json:"email,omitzero" doc:"The person with this e-mail address."`
}

// String is the approver as answers show it: "role:admin" or "email:a@b.example".
func (a Approver) String() string {
	if a.Email != "" {
		return "email:" + a.Email
	}
	return "role:" + string(a.Role)
}

// Admits reports whether the entry names p: by role, or by e-mail without
// regard to case. Whether p may decide at all is for package approval to say.
func (a Approver) Admits(p tenant.Principal) bool {
	if a.Email != "" {
		return sameEmail(a.Email, p.Email)
	}
	return a.Role != "" && a.Role == p.Role
}

// same reports whether both entries name the same.
func (a Approver) same(b Approver) bool {
	return a.Role == b.Role && sameEmail(a.Email, b.Email)
}

// sameEmail compares without regard to case. Of equal length, because some
// letters beyond ASCII, such as the Kelvin sign, fold to a shorter one of it.
func sameEmail(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

// Trigger says which actions a workflow is for: all that is set must hold, of
// a list one entry is enough. The zero Trigger matches nothing.
type Trigger struct {
	MinRisk       *float64 `json:"min_risk,omitzero" doc:"The lowest risk score, 0 to 100, inclusive."`
	MaxRisk       *float64 `json:"max_risk,omitzero" doc:"The highest risk score, 0 to 100, inclusive."`
	ActionTypes   []string `json:"action_types,omitempty" doc:"Action types, up to 50, without regard to case."`
	ResourceTypes []string `json:"resource_types,omitempty" doc:"Resource types, up to 50, without regard to case."`
	Environments  []string `json:"environments,omitempty" doc:"Environments, up to 50. An environment that is not known also counts as production."`
	AgentIDs      []string `json:"agent_ids,omitempty" doc:"Agent ids, up to 50."`
}

// IsZero reports whether the trigger has no condition.
func (t Trigger) IsZero() bool {
	return t.MinRisk == nil && t.MaxRisk == nil &&
		len(t.ActionTypes)+len(t.ResourceTypes)+len(t.Environments)+len(t.AgentIDs) == 0
}
