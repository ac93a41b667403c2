package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/organization"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/workflow"
	"ascend/shared/store/faulty"
)

// beforeTheNextWrite runs do, with the use cases over the bare store, between
// the reads of the command that comes and its write.
func (d *desk) beforeTheNextWrite(do func(beside *app.App)) {
	beside, done := app.New(d.raw), false
	beside.Now = d.Now
	d.faults.Reset(func(c faulty.Call) faulty.Fault {
		if c.IsWrite() && !done {
			done = true
			do(beside)
		}
		return faulty.None
	})
}

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
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		d.deletions(workflow.Stage{MinApprovers: 1}, workflow.Stage{MinApprovers: 1})
		act := d.submit(d.command(machine), deletion("agent-1"))
		d.beforeTheNextWrite(func(beside *app.App) {
			if _, err := beside.Approvals.Approve(context.Background(), d.command(approver(1)), act.ID, ""); err != nil {
				t.Error(err)
			}
		})
		_, err := d.Approvals.Approve(t.Context(), d.command(approver(2)), act.ID, "")
		refused(t, err, "stage 2 is open now")
		if now := d.action(act.ID); !now.Pending() || now.Approval.Stage != 1 || len(now.Approval.Votes) != 1 {
			t.Errorf("%s in stage %d with %d votes", now.Status, now.Approval.Stage+1, len(now.Approval.Votes))
		}
		if got, err := d.Approvals.Approve(t.Context(), d.command(approver(2)), act.ID, ""); err != nil || got.Status != governance.Approved {
			t.Errorf("approved again: %+v, %v", got, err)
		}
	})
}

// Of a quorum's approvals that race, each counts.
func TestAnApprovalThatLostARaceInItsStageIsMadeAgain(t *testing.T) {
	d := embeddedDesk(t)
	d.active("agent-1", `{"display_name": "A"}`)
	d.deletions(workflow.Stage{MinApprovers: 2})
	act := d.submit(d.command(machine), deletion("agent-1"))
	d.beforeTheNextWrite(func(beside *app.App) {
		if _, err := beside.Approvals.Approve(context.Background(), d.command(approver(1)), act.ID, ""); err != nil {
			t.Error(err)
		}
	})
	if got, err := d.Approvals.Approve(t.Context(), d.command(approver(2)), act.ID, ""); err != nil || got.Status != governance.Approved {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTheKillSwitchStopsApprovalsToo(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		act := d.submit(d.command(machine), deletion("agent-1"))
		put, err := record.PutOrganization(organization.Organization{ID: 1, Name: "One", KillSwitch: &organization.KillSwitch{Reason: "incident 7"}}, 1)
		if err == nil {
			_, err = d.raw.Write(t.Context(), put)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Approvals.Approve(t.Context(), d.command(manager), act.ID, "")
		refused(t, err, "kill switch is on (incident 7)")
		d.expectTrail(act.ID, "action.pending")
		if got, err := d.Approvals.Reject(t.Context(), d.command(manager), act.ID, ""); err != nil || got.Status != governance.Denied {
			t.Errorf("rejected: %+v, %v", got, err)
		}
	})
}

// The agent is suspended and activated again between an approval's reading and
// its writing. What it asked before stays refused.
func TestASuspensionThatEndedUnderAnApprovalsHandsRefusesIt(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		act := d.submit(d.command(machine), deletion("agent-1"))
		d.advance(time.Second)
		g, err := d.Agents.Get(t.Context(), 1, "agent-1")
		if err != nil {
			t.Fatal(err)
		}
		d.beforeTheNextWrite(func(*app.App) {
			by := agent.Event{At: d.Now(), By: "a"}
			suspended := g.Suspend(agent.Ordinary, by)
			active, err := suspended.Activate(by)
			if err != nil {
				t.Error(err)
			}
			for _, next := range []agent.Agent{suspended, active} {
				put, err := record.PutAgent(next)
				if err == nil {
					_, err = d.raw.Write(context.Background(), put)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
		_, err = d.Approvals.Approve(t.Context(), d.command(manager), act.ID, "")
		refused(t, err, "was stopped since it asked")
	})
}

// A registered agent's record is never removed. Where it is gone, nobody knows
// what it may.
func TestNothingOfAnAgentWhoseRecordIsLostIsApproved(t *testing.T) {
	d := embeddedDesk(t)
	act := d.submit(d.command(machine), deletion("nobody"))
	if got, err := d.Approvals.Approve(t.Context(), d.command(manager), act.ID, ""); err != nil || got.Status != governance.Approved {
		t.Errorf("an unregistered agent's: %+v, %v", got, err)
	}
	lost := d.submit(d.command(machine), deletion("nobody"))
	lost.Input.Agent.Registered = true
	put, err := record.PutAction(lost)
	if err == nil {
		_, err = d.raw.Write(t.Context(), put)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Approvals.Approve(t.Context(), d.command(manager), lost.ID, ""); problem.As(err).Kind != problem.KindUnavailable {
		t.Errorf("a registered agent's without a record: %v", err)
	}
}

// An unregistered agent's action waits while somebody registers the agent: what
// it may do is not known to the approval under way.
func TestARegistrationUnderAnApprovalsHandsIsSeen(t *testing.T) {
	d := embeddedDesk(t)
	act := d.submit(d.command(machine), deletion("agent-1"))
	d.beforeTheNextWrite(func(beside *app.App) {
		if _, err := beside.Agents.Register(context.Background(), d.command(admin), "agent-1", settings(t, `{"display_name": "A"}`)); err != nil {
			t.Error(err)
		}
	})
	_, err := d.Approvals.Approve(t.Context(), d.command(manager), act.ID, "")
	refused(t, err, `agent "agent-1" is draft`)
}

// The clock is late. Whoever decides then is told what holds from now on.
func TestADecisionAfterTheDeadlinePassesIt(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		d.deletions(workflow.Stage{MinApprovers: 1}, workflow.Stage{MinApprovers: 1})
		act := d.submit(d.command(machine), deletion("agent-1"))
		d.advance(time.Hour)
		_, err := d.Approvals.Approve(t.Context(), d.command(manager), act.ID, "")
		refused(t, err, "stage 2 is open now")
		if now := d.action(act.ID); !now.Pending() || now.Approval.Stage != 1 {
			t.Errorf("%s in stage %d", now.Status, now.Approval.Stage+1)
		}
		d.advance(time.Hour)
		_, err = d.Approvals.Reject(t.Context(), d.command(manager), act.ID, "")
		refused(t, err, "its status is denied")
		d.expectTrail(act.ID, "action.pending", "action.escalated", "action.timeout")
	})
}
