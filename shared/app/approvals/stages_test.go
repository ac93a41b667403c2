package approvals_test

import (
	"context"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"ascend/shared/app/approvals"
	"ascend/shared/app/apptest"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
)

func TestAnApprovalGoesThroughItsStages(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		f.Deletions(workflow.Stage{MinApprovers: 1}, workflow.Stage{MinApprovers: 2})
		first := f.Submit(f.Keyed(apptest.Machine, "k", "digest"), apptest.Deletion("agent-1"))
		if w := first.Approval; w.WorkflowID != "wf_1" || len(w.Stages) != 2 || w.ExpiresAt.Sub(first.CreatedAt) != 2*time.Hour {
			t.Fatalf("opened as %+v", w)
		}
		for i, want := range []approvals.Decided{
			{Status: governance.Pending, Stage: 2, Remaining: 2},
			{Status: governance.Pending, Stage: 2, Remaining: 1},
			{Status: governance.Approved, Stage: 2},
		} {
			f.Advance(10 * time.Minute)
			by := apptest.Approver(i)
			got, err := f.Approvals.Approve(t.Context(), f.Command(by), first.ID, "")
			want.ID, want.By, want.At, want.Reason, want.CorrelationID = first.ID, by.UserID, f.Now(), "approved by "+by.Email, first.CorrelationID
			if err != nil || got != want {
				t.Errorf("approval %d: %+v, %v; want %+v", i+1, got, err, want)
			}
		}
		f.ExpectTrail(first.ID, "action.pending", "approval.recorded", "approval.recorded", "action.approved")
		if again := f.Submit(f.Keyed(apptest.Machine, "k", "digest"), apptest.Deletion("agent-1")); !reflect.DeepEqual(again.Approval, reread(f, first).Approval) || !again.Pending() {
			t.Errorf("submitted again it is %s, %+v; at first %+v", again.Status, again.Approval, first.Approval)
		}
	})
}

// reread is a record as a reader of the store gets it.
func reread(f *apptest.Fixture, act *action.Action) *action.Action {
	f.T.Helper()
	body, err := act.Encode()
	if err != nil {
		f.T.Fatal(err)
	}
	read, err := action.Decode(body)
	if err != nil {
		f.T.Fatal(err)
	}
	return read
}

func TestAStageThatTimesOutOpensTheNextOnce(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		f.Deletions(workflow.Stage{MinApprovers: 1}, workflow.Stage{MinApprovers: 1})
		act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
		for stage, want := range []string{"pending_approval", "denied"} {
			f.Advance(time.Hour - time.Millisecond)
			if early, err := f.Approvals.PassDeadline(t.Context(), 1, act.ID); err != nil || !early.Pending() || early.Approval.Stage != stage {
				t.Fatalf("a millisecond early stage %d is %+v, %v", stage+1, early, err)
			}
			f.Advance(time.Millisecond)
			if _, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, ""); problem.As(err).Kind != problem.KindInvalidState {
				t.Errorf("approved too late: %v", err)
			}
			var passed atomic.Int64
			apptest.InParallel(8, 8, func(i int) {
				if i%2 == 0 {
					n, err := f.Approvals.ExpireDue(context.Background())
					if err != nil {
						t.Error(err)
					}
					passed.Add(int64(n))
					return
				}
				if now, err := f.Approvals.PassDeadline(context.Background(), 1, act.ID); err != nil || string(now.Status) != want {
					t.Errorf("passed to %+v, %v", now, err)
				}
			})
			if now := f.Action(act.ID); string(now.Status) != want || now.Revision != int64(stage+2) || passed.Load() > 1 {
				t.Fatalf("stage %d passed to %s at revision %d, %d times by the timer", stage+1, now.Status, now.Revision, passed.Load())
			}
		}
		f.ExpectTrail(act.ID, "action.pending", "action.escalated", "action.timeout")
		if _, err := f.Approvals.PassDeadline(t.Context(), 1, act.ID+1); problem.As(err).Kind != problem.KindNotFound {
			t.Errorf("an unknown action: %v", err)
		}
	})
}

func TestTheAgentsEscalationIsTheLastStage(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		g, err := f.Agents.Get(t.Context(), 1, "agent-1")
		if err != nil {
			t.Fatal(err)
		}
		g.Config.Escalation = escalationTo(apptest.Approver(7).Email)
		put, err := record.PutAgent(g)
		if err == nil {
			_, err = f.Raw.Write(t.Context(), put)
		}
		if err != nil {
			t.Fatal(err)
		}
		act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1")) // risk 70 to 89: 4 h, and again for the escalation
		if len(act.Approval.Stages) != 2 || act.Approval.ExpiresAt.Sub(act.CreatedAt) != 8*time.Hour {
			t.Fatalf("opened as %+v", act.Approval)
		}
		f.Advance(4 * time.Hour)
		if n, err := f.Approvals.ExpireDue(t.Context()); n != 1 || err != nil {
			t.Fatalf("passed %d deadlines, %v", n, err)
		}
		if _, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, ""); problem.As(err).Kind != problem.KindForbidden {
			t.Errorf("who is not the escalation's: %v", err)
		}
		if got, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Approver(7)), act.ID, ""); err != nil || got.Status != governance.Approved {
			t.Errorf("%+v, %v", got, err)
		}
		f.ExpectTrail(act.ID, "action.pending", "action.escalated", "action.approved")
	})
}

// Of approvers who race, as many approve as are needed, whoever they are.
func TestAQuorumTakesExactlyItsNumber(t *testing.T) {
	const needed, approvers = 3, 8
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		f.Deletions(workflow.Stage{MinApprovers: needed})
		rounds := 20
		if t.Name() == "TestAQuorumTakesExactlyItsNumber/dynamo" {
			rounds = 3
		}
		for range rounds {
			act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
			var counted, late, twice, approved atomic.Int64
			apptest.InParallel(2*approvers, 2*approvers, func(i int) { // everybody twice
				got, err := f.Approvals.Approve(context.Background(), f.Command(apptest.Approver(i%approvers)), act.ID, "")
				switch {
				case err == nil && got.Status == governance.Approved:
					approved.Add(1)
					fallthrough
				case err == nil:
					counted.Add(1)
				case problem.As(err).Kind == problem.KindInvalidState:
					late.Add(1)
				case problem.As(err).Kind == problem.KindForbidden:
					twice.Add(1)
				default:
					t.Error(err)
				}
			})
			if counted.Load() != needed || approved.Load() != 1 || late.Load()+twice.Load() != 2*approvers-needed {
				t.Errorf("%d counted, %d approved, %d late, %d twice", counted.Load(), approved.Load(), late.Load(), twice.Load())
			}
			f.ExpectTrail(act.ID, "action.pending", "approval.recorded", "approval.recorded", "action.approved")
			people := map[string]bool{}
			for _, v := range f.Action(act.ID).Approval.Votes {
				people[v.By.Subject] = true
			}
			if len(people) != needed {
				t.Errorf("approved by %v", people)
			}
		}
	})
}

func TestOnePersonIsOneApproval(t *testing.T) {
	f := apptest.New(t)
	f.Active("agent-1", `{"display_name": "A"}`)
	f.Deletions(workflow.Stage{MinApprovers: 1}, workflow.Stage{MinApprovers: 2})
	act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
	var counted atomic.Int64
	apptest.InParallel(16, 16, func(int) {
		_, err := f.Approvals.Approve(context.Background(), f.Command(apptest.Manager), act.ID, "")
		if err == nil {
			counted.Add(1)
		} else if problem.As(err).Kind != problem.KindForbidden {
			t.Error(err)
		}
	})
	if now := f.Action(act.ID); counted.Load() != 1 || now.Approval.Stage != 1 || now.Remaining() != 2 {
		t.Errorf("counted %d times: %+v", counted.Load(), now.Approval)
	}
}

// An action that cannot be read keeps no other waiting for the clock.
func TestADamagedRecordHoldsUpNoOther(t *testing.T) {
	f := apptest.New(t)
	f.Active("agent-1", `{"display_name": "A"}`)
	bad, good := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1")), f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
	_, err := f.Raw.Write(t.Context(), store.Put{Item: store.Item{
		Key: store.ActionKey(1, bad.ID), Body: []byte("{"), Index: store.ActionIndex(1, bad.ID, bad.Approval.StageExpiresAt),
	}})
	if err != nil {
		t.Fatal(err)
	}
	f.Advance(24 * time.Hour)
	if n, err := f.Approvals.ExpireDue(t.Context()); n != 1 || err == nil {
		t.Errorf("passed %d, %v", n, err)
	}
	if now := f.Action(good.ID); now.Status != governance.Denied {
		t.Errorf("the other is %s", now.Status)
	}
}
