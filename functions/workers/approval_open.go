package workers

import (
	"context"

	"ascend/shared/app"
	"ascend/shared/app/approvals"
	"ascend/shared/store"
	"ascend/shared/worker"
)

// ApprovalOpen begins the wait for one stage of an approval: it keeps the
// state machine's token, or sends it back at once where the wait is over.
func ApprovalOpen() worker.Worker {
	return worker.Define(worker.Spec{
		ID: "approval-open", Summary: "Begin the wait for one stage of an approval", Task: true,
		Reads: []store.Table{store.Actions}, Writes: []store.Table{store.Actions}, SendsTaskResults: true,
	}, openStage)
}

func openStage(ctx context.Context, a *app.App, in approvals.Task) (struct{}, error) {
	return struct{}{}, a.Approvals.BeginWait(ctx, in)
}
