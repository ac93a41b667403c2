package agent

import (
	"strings"
	"time"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// Stamp says when and by whom an agent is changed, and why where a reason was given.
type Stamp struct {
	At     time.Time
	By     string
	Reason string
}

// Begin returns a new agent, a draft at version 1.0.0. revision is the last one
// of the ID's record, or 0: it counts on, so that no conditional write for an
// earlier life can succeed on this one.
func Begin(org tenant.ID, id ID, serial int64, c Config, e Stamp, revision int64) Agent {
	return Agent{
		Serial: serial, ID: id, Org: org, Status: Draft, Version: FirstVersion, Number: 1, Config: c,
		CreatedAt: e.At, CreatedBy: e.By, UpdatedAt: e.At, UpdatedBy: e.By,
		Revision: revision + 1,
	}
}

// touched returns the agent with the time, author and revision of a write.
func (a Agent) touched(e Stamp) Agent {
	a.UpdatedAt, a.UpdatedBy = e.At, e.By
	a.Revision++
	return a
}

// Activate returns the agent as active. Ending an emergency suspension needs a
// reason (decision 10). An active agent is unchanged.
func (a Agent) Activate(e Stamp) (Agent, error) {
	if a.Status == Active {
		return a, nil
	}
	if a.emergency() && strings.TrimSpace(e.Reason) == "" {
		return a, problem.InvalidField("/reason", "the agent is under emergency suspension; activating it needs a reason")
	}
	a = a.touched(e)
	a.Status, a.Suspension = Active, nil
	a.ApprovedAt, a.ApprovedBy = &e.At, &e.By
	return a, nil
}

func (a Agent) emergency() bool {
	return a.Status == Suspended && a.Suspension != nil && a.Suspension.Kind == Emergency
}

// Deactivate returns the agent as a draft. It refuses an agent under emergency
// suspension, which only Activate ends, with a reason.
func (a Agent) Deactivate(e Stamp) (Agent, error) {
	if a.Status == Draft {
		return a, nil
	}
	if a.emergency() {
		return a, problem.InvalidState("the agent is under emergency suspension and cannot be deactivated; an admin may activate it, with a reason")
	}
	a = a.touched(e)
	a.Status, a.Suspension = Draft, nil
	return a, nil
}

// Suspend returns the agent suspended. An agent that is already suspended is
// unchanged, except that an emergency replaces an ordinary suspension.
func (a Agent) Suspend(kind string, e Stamp) Agent {
	if a.Status == Suspended && (kind != Emergency || a.emergency()) {
		return a
	}
	a = a.touched(e)
	a.Status = Suspended
	a.Suspension = &Suspension{Kind: kind, Reason: e.Reason, At: e.At, By: e.By}
	return a
}

// Delete returns the agent as deleted. Its record is kept.
func (a Agent) Delete(e Stamp) Agent {
	a = a.touched(e)
	a.Status = Deleted
	return a
}

// Configure returns the agent with a configuration, at a new version, and what
// changed. Without a difference the agent is unchanged.
func (a Agent) Configure(c Config, e Stamp) (Agent, []FieldChange) {
	changes := Diff(a.Config, c)
	if len(changes) == 0 {
		return a, nil
	}
	a = a.touched(e)
	a.Version = Bump(a.Version, changes)
	a.Number++
	a.Config = c
	return a, changes
}
