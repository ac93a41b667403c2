package workers_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"ascend/functions/workers"
	"ascend/shared/app"
	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/workflow"
	"ascend/shared/executions/executionstest"
	"ascend/shared/store"
	"ascend/shared/store/embedded"
	"ascend/shared/worker"
)

// call runs a worker with the payload that the state machine or the schedule
// sends it.
func call(t *testing.T, a *app.App, w worker.Worker, payload string) string {
	t.Helper()
	answer, err := w.Run(t.Context(), a, []byte(payload))
	if err != nil {
		t.Fatalf("%s: %v", w.ID, err)
	}
	return string(answer)
}

func TestTheStepsOfTheClockSpeakAsTheStateMachineDoes(t *testing.T) {
	s, err := embedded.Open(filepath.Join(t.TempDir(), "db"), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	clock := new(executionstest.Machine)
	a := app.New(s, app.Options{Now: func() time.Time { return now }, Executions: clock})
	pending(t, a, 11)
	pending(t, a, 12)

	const opening = `{"organization_id":"1","action_id":"%d","stage":1,"wait_seconds":60,"entered_at":"2026-11-22T12:00:00.125Z","task_token":"t%[1]d"}`
	call(t, a, workers.ApprovalOpen(), fmt.Sprintf(opening, 11))
	now = now.Add(45 * time.Second)
	const awaited = `{"organization_id":"1","action_id":"11"}`
	early := `{"organization_id":"1","action_id":"11","status":"pending_approval","decided_by":"","stage":1,"wait_seconds":15}`
	if got := call(t, a, workers.ApprovalEscalate(), awaited); got != early {
		t.Errorf("before the deadline: %s, want %s", got, early)
	}
	now = now.Add(15 * time.Second)
	late := `{"organization_id":"1","action_id":"11","status":"denied","decided_by":"timeout","stage":1}`
	if got := call(t, a, workers.ApprovalEscalate(), awaited); got != late {
		t.Errorf("after the deadline: %s, want %s", got, late)
	}
	schedule := `{"version":"0","id":"e","detail-type":"Scheduled Event","source":"aws.events","time":"2026-11-22T12:01:00Z","resources":[],"detail":{}}`
	if got := call(t, a, workers.ApprovalSweep(), schedule); got != `{"passed":1}` {
		t.Errorf("the sweep answers %s", got)
	}
	call(t, a, workers.ApprovalOpen(), fmt.Sprintf(opening, 12))
	if got := fmt.Sprint(clock.Calls()); got != "[Succeed t12 denied]" {
		t.Errorf("the clock was told %s", got)
	}
}

func TestAStepOfTheClockRefusesWhatTheStateMachineNeverSays(t *testing.T) {
	a := app.New(nil, app.Options{})
	for _, payload := range []string{
		``, `[]`, `{"organization_id":1,"action_id":11}`, `{"organization_id":"1","organization_id":"2","action_id":"11"}`,
	} {
		for _, w := range []worker.Worker{workers.ApprovalOpen(), workers.ApprovalEscalate()} {
			if _, err := w.Run(t.Context(), a, []byte(payload)); err == nil {
				t.Errorf("%s takes %s", w.ID, payload)
			}
		}
	}
	if _, err := workers.ApprovalOpen().Run(t.Context(), a, []byte(`{}`)); err == nil {
		t.Error("approval-open takes an empty call")
	}
}

// pending stores an action that awaits one approval for a minute.
func pending(t *testing.T, a *app.App, id action.ID) {
	t.Helper()
	act := &action.Action{Org: 1, ID: id, Status: governance.Pending, CreatedAt: a.Now(), Revision: 1, Approval: &action.Approval{
		Kind: workflow.Single, OpenedAt: a.Now(), Stages: []action.Stage{{Stage: workflow.Stage{TimeoutSeconds: 60, MinApprovers: 1}}},
	}}
	act.Approval.Enter(0, a.Now())
	body, err := act.Encode()
	if err == nil {
		_, err = a.Store.Write(t.Context(), store.Put{Item: store.Item{
			Key: store.ActionKey(1, id), Body: body, Attrs: store.Attrs{store.AttrRev: store.N(1)},
			Index: store.ActionIndex(1, id, act.Approval.StageExpiresAt),
		}})
	}
	if err != nil {
		t.Fatal(err)
	}
}
