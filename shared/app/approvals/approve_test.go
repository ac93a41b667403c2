package approvals_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/apptest"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/organization"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/workflow"
)

// refused expects that a command was refused for the state of things, and why.
func refused(t *testing.T, err error, why string) {
	t.Helper()
	if p := problem.As(err); err == nil || p.Kind != problem.KindInvalidState || !strings.Contains(p.Detail, why) {
		t.Errorf("%v, not refused because %q", err, why)
	}
}

// Two people look at stage 1 and approve it; one is enough. The other has not
// looked at stage 2.
func TestAnApprovalThatLostItsStageIsNotSpentOnTheNext(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		f.Deletions(workflow.Stage{MinApprovers: 1}, workflow.Stage{MinApprovers: 1})
		act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
		f.BeforeNextWrite(func(beside *app.App) {
			if _, err := beside.Approvals.Approve(context.Background(), f.Command(apptest.Approver(1)), act.ID, ""); err != nil {
				t.Error(err)
			}
		})
		_, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Approver(2)), act.ID, "")
		refused(t, err, "stage 2 is open now")
		if now := f.Action(act.ID); !now.Pending() || now.Approval.Stage != 1 || len(now.Approval.Votes) != 1 {
			t.Errorf("%s in stage %d with %d votes", now.Status, now.Approval.Stage+1, len(now.Approval.Votes))
		}
		if got, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Approver(2)), act.ID, ""); err != nil || got.Status != governance.Approved {
			t.Errorf("approved again: %+v, %v", got, err)
		}
	})
}

// Of a quorum's approvals that race, each counts.
func TestAnApprovalThatLostARaceInItsStageIsMadeAgain(t *testing.T) {
	f := apptest.New(t)
	f.Active("agent-1", `{"display_name": "A"}`)
	f.Deletions(workflow.Stage{MinApprovers: 2})
	act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
	f.BeforeNextWrite(func(beside *app.App) {
		if _, err := beside.Approvals.Approve(context.Background(), f.Command(apptest.Approver(1)), act.ID, ""); err != nil {
			t.Error(err)
		}
	})
	if got, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Approver(2)), act.ID, ""); err != nil || got.Status != governance.Approved {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTheKillSwitchStopsApprovalsToo(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
		put, err := record.PutOrganization(organization.Organization{ID: 1, Name: "One", KillSwitch: &organization.KillSwitch{Reason: "incident 7"}}, 1)
		if err == nil {
			_, err = f.Raw.Write(t.Context(), put)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, "")
		refused(t, err, "kill switch is on (incident 7)")
		f.ExpectTrail(act.ID, "action.pending")
		if got, err := f.Approvals.Reject(t.Context(), f.Command(apptest.Manager), act.ID, ""); err != nil || got.Status != governance.Denied {
			t.Errorf("rejected: %+v, %v", got, err)
		}
	})
}

// The agent is suspended and activated again between an approval's reading and
// its writing. What it asked before stays refused.
func TestASuspensionThatEndedUnderAnApprovalsHandsRefusesIt(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
		f.Advance(time.Second)
		g, err := f.Agents.Get(t.Context(), 1, "agent-1")
		if err != nil {
			t.Fatal(err)
		}
		f.BeforeNextWrite(func(*app.App) {
			by := agent.Stamp{At: f.Now(), By: "a"}
			suspended := g.Suspend(agent.Ordinary, by)
			active, err := suspended.Activate(by)
			if err != nil {
				t.Error(err)
			}
			for _, next := range []agent.Agent{suspended, active} {
				put, err := record.PutAgent(next)
				if err == nil {
					_, err = f.Raw.Write(context.Background(), put)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
		_, err = f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, "")
		refused(t, err, "was stopped since it asked")
	})
}

// A registered agent's record is never removed. Where it is gone, nobody knows
// what it may.
func TestNothingOfAnAgentWhoseRecordIsLostIsApproved(t *testing.T) {
	f := apptest.New(t)
	act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("nobody"))
	if got, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, ""); err != nil || got.Status != governance.Approved {
		t.Errorf("an unregistered agent's: %+v, %v", got, err)
	}
	lost := f.Submit(f.Command(apptest.Machine), apptest.Deletion("nobody"))
	lost.Input.Agent.Registered = true
	put, err := record.PutAction(lost)
	if err == nil {
		_, err = f.Raw.Write(t.Context(), put)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), lost.ID, ""); problem.As(err).Kind != problem.KindUnavailable {
		t.Errorf("a registered agent's without a record: %v", err)
	}
}

// An unregistered agent's action waits while somebody registers the agent: what
// it may do is not known to the approval under way.
func TestARegistrationUnderAnApprovalsHandsIsSeen(t *testing.T) {
	f := apptest.New(t)
	act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
	f.BeforeNextWrite(func(beside *app.App) {
		if _, err := beside.Agents.Register(context.Background(), f.Command(apptest.Admin), "agent-1", apptest.Settings(t, `{"display_name": "A"}`)); err != nil {
			t.Error(err)
		}
	})
	_, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, "")
	refused(t, err, `agent "agent-1" is draft`)
}

// The clock is late. Whoever decides then is told what holds from now on.
func TestADecisionAfterTheDeadlinePassesIt(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		f.Deletions(workflow.Stage{MinApprovers: 1}, workflow.Stage{MinApprovers: 1})
		act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
		f.Advance(time.Hour)
		_, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, "")
		refused(t, err, "stage 2 is open now")
		if now := f.Action(act.ID); !now.Pending() || now.Approval.Stage != 1 {
			t.Errorf("%s in stage %d", now.Status, now.Approval.Stage+1)
		}
		f.Advance(time.Hour)
		_, err = f.Approvals.Reject(t.Context(), f.Command(apptest.Manager), act.ID, "")
		refused(t, err, "its status is denied")
		f.ExpectTrail(act.ID, "action.pending", "action.escalated", "action.timeout")
	})
}
