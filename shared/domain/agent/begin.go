package agent

import (
	"time"

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
