package workers

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/app"
	"ascend/shared/store"
	"ascend/shared/worker"
)

// ApprovalSweep passes the deadlines whose clock was lost. The clock's own
// escalation is there first where it runs.
func ApprovalSweep() worker.Worker {
	return worker.Define(worker.Spec{
		ID: "approval-sweep", Summary: "Close approvals whose clock was lost", Every: time.Minute,
		Reads: []store.Table{store.Actions}, Writes: []store.Table{store.Actions}, Timeout: time.Minute,
	}, sweep)
}

// swept is what one sweep did.
type swept struct {
	Passed int `json:"passed"` // deadlines
}

// sweep needs nothing of the event that calls it.
func sweep(ctx context.Context, a *app.App, _ jsontext.Value) (swept, error) {
	n, err := a.Approvals.ExpireDue(ctx)
	if err != nil {
		return swept{}, err
	}
	return swept{Passed: n}, nil
}
