package app_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/app"
	"ascend/shared/app/approvals"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/organization"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// approver is the n-th of as many managers as a test needs.
func approver(n int) tenant.Principal {
	return tenant.Principal{
		Org: 1, Kind: tenant.Person, Subject: fmt.Sprint("approver-", n), UserID: int64(100 + n),
		Email: fmt.Sprintf("approver-%d@example.com", n), Role: tenant.Manager, MFA: true,
	}
}

// deletions makes a workflow with these stages the one of organisation 1 for deletions.
func (d *desk) deletions(stages ...workflow.Stage) {
	d.t.Helper()
	for i := range stages {
		stages[i].Name = fmt.Sprint("stage ", i+1)
		stages[i].Approvers = []workflow.Approver{{Role: tenant.Manager}}
		stages[i].TimeoutSeconds = 3600
	}
	flows, err := json.Marshal([]workflow.Workflow{{
		ID: "wf_1", Name: "Deletions", Kind: workflow.MultiStage, Stages: stages,
		Trigger: &workflow.Trigger{ActionTypes: []string{"database_delete"}},
	}})
	if err != nil {
		d.t.Fatal(err)
	}
	put, err := record.PutOrganization(organization.Organization{ID: 1, Name: "One", Workflows: flows}, 1)
	if err == nil {
		_, err = d.raw.Write(d.t.Context(), put)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// action reads an action as it stands.
func (d *desk) action(id action.ID) *action.Action {
	d.t.Helper()
	act, err := app.New(d.raw).Actions.Get(context.Background(), 1, id)
	if err != nil {
		d.t.Fatal(err)
	}
	return act
}

// trail are the events of an action's audit entries.
func trail(act *action.Action) []string {
	var events []string
	for _, e := range act.Audit {
		events = append(events, e.Event)
	}
	return events
}

func (d *desk) expectTrail(id action.ID, want ...string) {
	d.t.Helper()
	act := d.action(id)
	if got := trail(act); !slices.Equal(got, want) || act.Revision != int64(len(want)) {
		d.t.Errorf("the audit entries of revision %d are %v, want %v", act.Revision, got, want)
	}
}

func TestAnApprovalGoesThroughItsStages(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		d.deletions(workflow.Stage{MinApprovers: 1}, workflow.Stage{MinApprovers: 2})
		first := d.submit(d.keyed("k", "digest"), deletion("agent-1"))
		if w := first.Approval; w.WorkflowID != "wf_1" || len(w.Stages) != 2 || w.ExpiresAt.Sub(first.CreatedAt) != 2*time.Hour {
			t.Fatalf("opened as %+v", w)
		}
		for i, want := range []approvals.Decided{
			{Status: governance.Pending, Stage: 2, Remaining: 2},
			{Status: governance.Pending, Stage: 2, Remaining: 1},
			{Status: governance.Approved, Stage: 2},
		} {
			d.advance(10 * time.Minute)
			by := approver(i)
			got, err := d.Approvals.Approve(t.Context(), d.command(by), first.ID, "")
			want.ID, want.By, want.At, want.Reason, want.CorrelationID = first.ID, by.UserID, d.Now(), "approved by "+by.Email, first.CorrelationID
			if err != nil || got != want {
				t.Errorf("approval %d: %+v, %v; want %+v", i+1, got, err, want)
			}
		}
		d.expectTrail(first.ID, "action.pending", "approval.recorded", "approval.recorded", "action.approved")
		if again := d.submit(d.keyed("k", "digest"), deletion("agent-1")); !reflect.DeepEqual(again.Approval, d.reread(first).Approval) || !again.Pending() {
			t.Errorf("submitted again it is %s, %+v; at first %+v", again.Status, again.Approval, first.Approval)
		}
	})
}

// reread is a record as a reader of the store gets it.
func (d *desk) reread(act *action.Action) *action.Action {
	d.t.Helper()
	body, err := act.Encode()
	if err != nil {
		d.t.Fatal(err)
	}
	read, err := action.Decode(body)
	if err != nil {
		d.t.Fatal(err)
	}
	return read
}

func TestAStageThatTimesOutOpensTheNextOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		d.deletions(workflow.Stage{MinApprovers: 1}, workflow.Stage{MinApprovers: 1})
		act := d.submit(d.command(machine), deletion("agent-1"))
		for stage, want := range []string{"pending_approval", "denied"} {
			d.advance(time.Hour - time.Millisecond)
			if early, err := d.Approvals.PassDeadline(t.Context(), 1, act.ID); err != nil || !early.Pending() || early.Approval.Stage != stage {
				t.Fatalf("a millisecond early stage %d is %+v, %v", stage+1, early, err)
			}
			d.advance(time.Millisecond)
			if _, err := d.Approvals.Approve(t.Context(), d.command(manager), act.ID, ""); problem.As(err).Kind != problem.KindInvalidState {
				t.Errorf("approved too late: %v", err)
			}
			var passed atomic.Int64
			inParallel(8, 8, func(i int) {
				if i%2 == 0 {
					n, err := d.Approvals.ExpireDue(context.Background())
					if err != nil {
						t.Error(err)
					}
					passed.Add(int64(n))
					return
				}
				if now, err := d.Approvals.PassDeadline(context.Background(), 1, act.ID); err != nil || string(now.Status) != want {
					t.Errorf("passed to %+v, %v", now, err)
				}
			})
			if now := d.action(act.ID); string(now.Status) != want || now.Revision != int64(stage+2) || passed.Load() > 1 {
				t.Fatalf("stage %d passed to %s at revision %d, %d times by the timer", stage+1, now.Status, now.Revision, passed.Load())
			}
		}
		d.expectTrail(act.ID, "action.pending", "action.escalated", "action.timeout")
		if _, err := d.Approvals.PassDeadline(t.Context(), 1, act.ID+1); problem.As(err).Kind != problem.KindNotFound {
			t.Errorf("an unknown action: %v", err)
		}
	})
}

func TestTheAgentsEscalationIsTheLastStage(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		g, err := d.Agents.Get(t.Context(), 1, "agent-1")
		if err != nil {
			t.Fatal(err)
		}
		g.Config.Escalation = escalationTo(approver(7).Email)
		put, err := record.PutAgent(g)
		if err == nil {
			_, err = d.raw.Write(t.Context(), put)
		}
		if err != nil {
			t.Fatal(err)
		}
		act := d.submit(d.command(machine), deletion("agent-1")) // risk 70 to 89: 4 h, and again for the escalation
		if len(act.Approval.Stages) != 2 || act.Approval.ExpiresAt.Sub(act.CreatedAt) != 8*time.Hour {
			t.Fatalf("opened as %+v", act.Approval)
		}
		d.advance(4 * time.Hour)
		if n, err := d.Approvals.ExpireDue(t.Context()); n != 1 || err != nil {
			t.Fatalf("passed %d deadlines, %v", n, err)
		}
		if _, err := d.Approvals.Approve(t.Context(), d.command(manager), act.ID, ""); problem.As(err).Kind != problem.KindForbidden {
			t.Errorf("who is not the escalation's: %v", err)
		}
		if got, err := d.Approvals.Approve(t.Context(), d.command(approver(7)), act.ID, ""); err != nil || got.Status != governance.Approved {
			t.Errorf("%+v, %v", got, err)
		}
		d.expectTrail(act.ID, "action.pending", "action.escalated", "action.approved")
	})
}

// Of approvers who race, as many approve as are needed, whoever they are.
func TestAQuorumTakesExactlyItsNumber(t *testing.T) {
	const needed, approvers = 3, 8
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		d.deletions(workflow.Stage{MinApprovers: needed})
		rounds := 20
		if t.Name() == "TestAQuorumTakesExactlyItsNumber/dynamo" {
			rounds = 3
		}
		for range rounds {
			act := d.submit(d.command(machine), deletion("agent-1"))
			var counted, late, twice, approved atomic.Int64
			inParallel(2*approvers, 2*approvers, func(i int) { // everybody twice
				got, err := d.Approvals.Approve(context.Background(), d.command(approver(i%approvers)), act.ID, "")
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
			d.expectTrail(act.ID, "action.pending", "approval.recorded", "approval.recorded", "action.approved")
			people := map[string]bool{}
			for _, v := range d.action(act.ID).Approval.Votes {
				people[v.By.Subject] = true
			}
			if len(people) != needed {
				t.Errorf("approved by %v", people)
			}
		}
	})
}

func TestOnePersonIsOneApproval(t *testing.T) {
	d := embeddedDesk(t)
	d.active("agent-1", `{"display_name": "A"}`)
	d.deletions(workflow.Stage{MinApprovers: 1}, workflow.Stage{MinApprovers: 2})
	act := d.submit(d.command(machine), deletion("agent-1"))
	var counted atomic.Int64
	inParallel(16, 16, func(int) {
		_, err := d.Approvals.Approve(context.Background(), d.command(manager), act.ID, "")
		if err == nil {
			counted.Add(1)
		} else if problem.As(err).Kind != problem.KindForbidden {
			t.Error(err)
		}
	})
	if now := d.action(act.ID); counted.Load() != 1 || now.Approval.Stage != 1 || now.Remaining() != 2 {
		t.Errorf("counted %d times: %+v", counted.Load(), now.Approval)
	}
}

// An action that cannot be read keeps no other waiting for the clock.
func TestADamagedRecordHoldsUpNoOther(t *testing.T) {
	d := embeddedDesk(t)
	d.active("agent-1", `{"display_name": "A"}`)
	bad, good := d.submit(d.command(machine), deletion("agent-1")), d.submit(d.command(machine), deletion("agent-1"))
	_, err := d.raw.Write(t.Context(), store.Put{Item: store.Item{
		Key: store.ActionKey(1, bad.ID), Body: []byte("{"), Index: store.ActionIndex(1, bad.ID, bad.Approval.StageExpiresAt),
	}})
	if err != nil {
		t.Fatal(err)
	}
	d.advance(24 * time.Hour)
	if n, err := d.Approvals.ExpireDue(t.Context()); n != 1 || err == nil {
		t.Errorf("passed %d, %v", n, err)
	}
	if now := d.action(good.ID); now.Status != governance.Denied {
		t.Errorf("the other is %s", now.Status)
	}
}

// Two processes may draw one id. The later action takes the next one, with its wait.
func TestATakenIDIsFollowedByTheNext(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		taken := false
		d.faults.Reset(func(c faulty.Call) faulty.Fault {
			for _, op := range c.Ops {
				if put, ok := op.(store.Put); ok && put.Item.Key.Table == store.Actions && !taken {
					taken = true
					other := put
					other.Item.Body = []byte(`{"command": "another"}`)
					if _, err := d.raw.Write(context.Background(), other); err != nil {
						t.Error(err)
					}
				}
			}
			return faulty.None
		})
		act := d.submit(d.command(machine), deletion("agent-1"))
		now := d.action(act.ID)
		if !taken || !now.Pending() || now.ID != act.ID || now.Approval.RequestID != "apr_"+act.ID.String() || now.Audit[0].ResourceID != act.ID.String() {
			t.Errorf("stored as %+v, %+v", now.Approval, now.Audit)
		}
		if got, err := d.Approvals.Approve(t.Context(), d.command(manager), act.ID, ""); err != nil || got.Status != governance.Approved {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
