package workers

import (
	"context"

	"ascend/shared/app"
	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
	"ascend/shared/worker"
)

// ApprovalEscalate moves an approval on when its stage has timed out, and tells
// the state machine where it stands.
func ApprovalEscalate() worker.Worker {
	return worker.Define(worker.Spec{
		ID: "approval-escalate", Summary: "Move an approval on when its stage has timed out", Task: true,
		Reads: []store.Table{store.Actions}, Writes: []store.Table{store.Actions},
	}, escalate)
}

type awaited struct {
	Org    tenant.ID `json:"organization_id,string"`
	Action action.ID `json:"action_id,string"`
}

func escalate(ctx context.Context, a *app.App, in awaited) (approvals.Progress, error) {
	return a.Approvals.EndWait(ctx, in.Org, in.Action)
}
