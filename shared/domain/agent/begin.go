package agent

import (
	"time"

	"ascend/shared/domain/tenant"
)

// Event is what happens to an agent: who did it, when, and why where that was said.
type Event struct {
	At     time.Time
	By     string
	Reason string
}

// Begin is the first moment of a life: a draft at version 1.0.0. What the
// record was before counts on in revision, so that no write meant for an
// earlier life can touch this one.
func Begin(org tenant.ID, id ID, serial int64, c Config, e Event, revision int64) Agent {
	return Agent{
		Serial: serial, ID: id, Org: org, Status: Draft, Version: FirstVersion, Number: 1, Config: c.Clone(),
		CreatedAt: e.At, CreatedBy: e.By, UpdatedAt: e.At, UpdatedBy: e.By,
		Revision: revision + 1,
	}
}

// touched is the agent after one more write by e.
func (a Agent) touched(e Event) Agent {
	a.UpdatedAt, a.UpdatedBy = e.At, e.By
	a.Revision++
	return a
}
