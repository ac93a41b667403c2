// Package workflow defines who must approve a pending action, how many of them,
// and how long they have (decisions.md decision 30). A Definition is the request
// to create a Workflow, and Choose returns the Plan for an action.
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

// Workflow is a sequence of stages; a single approval and a quorum have one.
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

// Stage waits for MinApprovers distinct people out of Approvers.
type Stage struct {
	Name           string     `json:"name"`
	Approvers      []Approver `json:"approvers"`
	TimeoutSeconds int64      `json:"timeout_seconds"` // 1 s … 30 days
	MinApprovers   int        `json:"min_approvers"`   // at least 1
}

// Timeout returns how long the stage waits.
func (s Stage) Timeout() time.Duration { return time.Duration(s.TimeoutSeconds) * time.Second }

// Approver is everyone of a role, or one person by e-mail; exactly one is set.
type Approver struct {
	Role  tenant.Role `json:"role,omitzero" doc:"Everyone of this role: admin or manager."`
	Email string      `json:"email,omitzero" doc:"The person with this e-mail address."`
}

// String returns the approver as answers show it: "role:admin" or "email:a@b.example".
func (a Approver) String() string {
	if a.Email != "" {
		return "email:" + a.Email
	}
	return "role:" + string(a.Role)
}

// Admits reports whether the entry names p, by role or by e-mail, ignoring case.
// Package approval checks whether p may decide at all.
func (a Approver) Admits(p tenant.Principal) bool {
	if a.Email != "" {
		return sameEmail(a.Email, p.Email)
	}
	return a.Role != "" && a.Role == p.Role
}

// same reports whether both entries name the same role or person.
func (a Approver) same(b Approver) bool {
	return a.Role == b.Role && sameEmail(a.Email, b.Email)
}

// sameEmail reports whether a and b are equal, ignoring case. It compares lengths
// because some letters, such as the Kelvin sign, fold to an ASCII letter.
func sameEmail(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

// Trigger selects the actions that a workflow is for: every condition that is set
// must hold, for a list one of its entries. The zero Trigger matches nothing.
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
