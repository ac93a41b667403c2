package app_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// escalationTo is an escalation that queues for an e-mail.
func escalationTo(email string) *agent.Escalation {
	return &agent.Escalation{Email: &email, AllowQueuedApproval: true}
}

func TestStoppingAnAgentDeniesWhatItHasPending(t *testing.T) {
	for name, stop := range map[string]func(*desk, context.Context) error{
		"suspended": func(d *desk, ctx context.Context) error {
			_, err := d.Agents.Suspend(ctx, d.command(admin), "agent-1", "odd")
			return err
		},
		"deactivated": func(d *desk, ctx context.Context) error {
			_, err := d.Agents.Deactivate(ctx, d.command(admin), "agent-1")
			return err
		},
		"deleted": func(d *desk, ctx context.Context) error {
			_, err := d.Agents.Delete(ctx, d.command(admin), "agent-1")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, d *desk) {
				d.active("agent-1", `{"display_name": "A"}`)
				d.active("agent-2", `{"display_name": "B"}`)
				d.deletions(workflow.Stage{MinApprovers: 2})
				act, voted, others := d.submit(d.command(machine), deletion("agent-1")), d.submit(d.command(machine), deletion("agent-1")), d.submit(d.command(machine), deletion("agent-2"))
				if _, err := d.Approvals.Approve(t.Context(), d.command(manager), voted.ID, ""); err != nil {
					t.Fatal(err)
				}
				if err := stop(d, t.Context()); err != nil {
					t.Fatal(err)
				}
				d.expectTrail(act.ID, "action.pending", "action.denied")
				d.expectTrail(voted.ID, "action.pending", "approval.recorded", "action.denied")
				d.expectTrail(others.ID, "action.pending")
				reason := map[string]string{"suspended": ": odd"}[name]
				now := d.action(act.ID)
				if now.Status != governance.Denied || now.DecidedBy() != "agent_suspended" || now.Reason() != "the agent was "+name+" by admin@example.com"+reason {
					t.Errorf("%s by %s: %s", now.Status, now.DecidedBy(), now.Reason())
				}
				if _, err := d.Approvals.Approve(t.Context(), d.command(manager), act.ID, ""); problem.As(err).Kind != problem.KindInvalidState {
					t.Errorf("approved: %v", err)
				}
				if _, err := d.Approvals.Reject(t.Context(), d.command(manager), act.ID, ""); problem.As(err).Kind != problem.KindInvalidState {
					t.Errorf("rejected: %v", err)
				}
			})
		})
	}
}

// An approval is answered before the suspension is, or never.
func TestNoApprovalOvertakesASuspension(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		rounds := 100
		if t.Name() == "TestNoApprovalOvertakesASuspension/dynamo" {
			rounds = 10
		}
		approved := 0
		for i := range rounds {
			id := agent.ID(fmt.Sprint("agent-", i))
			d.active(id, `{"display_name": "A"}`)
			act := d.submit(d.command(machine), deletion(id))
			var both sync.WaitGroup
			var ended *action.Action // when the suspension was answered
			both.Go(func() {
				if _, err := d.Agents.Suspend(context.Background(), d.command(admin), id, "odd"); err != nil {
					t.Error(err)
				}
				ended = d.action(act.ID)
			})
			both.Go(func() {
				_, err := d.Approvals.Approve(context.Background(), d.command(manager), act.ID, "")
				if err != nil && problem.As(err).Kind != problem.KindInvalidState {
					t.Error(err)
				}
			})
			both.Wait()
			now := d.action(act.ID)
			if ended.Pending() || now.Status != ended.Status || now.Revision != 2 || len(now.Audit) != 2 {
				t.Errorf("%s when the suspension was answered, %s then, at revision %d", ended.Status, now.Status, now.Revision)
			}
			if now.Status == governance.Approved {
				approved++
			}
		}
		t.Logf("%d of %d were approved before the suspension", approved, rounds)
	})
}

// The suspension is written between the approval's reading and its writing,
// and its denials are still to come.
func TestASuspensionUnderAnApprovalsHandsRefusesIt(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		act := d.submit(d.command(machine), deletion("agent-1"))
		g, err := d.Agents.Get(t.Context(), 1, "agent-1")
		if err != nil {
			t.Fatal(err)
		}
		put, err := record.PutAgent(g.Suspend(agent.Ordinary, agent.Event{At: d.Now(), By: "a", Reason: "odd"}))
		if err != nil {
			t.Fatal(err)
		}
		suspended := false
		d.faults.Reset(func(c faulty.Call) faulty.Fault {
			if c.IsWrite() && !suspended {
				suspended = true
				if _, err := d.raw.Write(context.Background(), put); err != nil {
					t.Error(err)
				}
			}
			return faulty.None
		})
		if _, err := d.Approvals.Approve(t.Context(), d.command(manager), act.ID, ""); problem.As(err).Kind != problem.KindInvalidState || !suspended {
			t.Errorf("approved: %v", err)
		}
		d.expectTrail(act.ID, "action.pending")
		if _, err := d.Agents.Suspend(t.Context(), d.command(admin), "agent-1", "odd"); err != nil { // what its worker or a repeat does
			t.Fatal(err)
		}
		d.expectTrail(act.ID, "action.pending", "action.denied")
	})
}

// A submission that its agent's suspension overtook is stored after it. It is
// not approved, not even when the agent is active again.
func TestWhatAnAgentAskedBeforeItWasStoppedIsNeverApproved(t *testing.T) {
	d := embeddedDesk(t)
	d.active("agent-1", `{"display_name": "A"}`)
	act := d.submit(d.command(machine), deletion("agent-1"))
	pending, err := d.raw.Get(t.Context(), store.ActionKey(1, act.ID))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Agents.Suspend(t.Context(), d.command(admin), "agent-1", "odd"); err != nil {
		t.Fatal(err)
	}
	item := *pending[0]
	item.Index = store.ActionIndex(1, act.ID, act.Approval.StageExpiresAt)
	if _, err := d.raw.Write(t.Context(), store.Put{Item: item}); err != nil {
		t.Fatal(err)
	}
	refuse := func() {
		t.Helper()
		if _, err := d.Approvals.Approve(t.Context(), d.command(manager), act.ID, ""); problem.As(err).Kind != problem.KindInvalidState {
			t.Errorf("approved: %v", err)
		}
	}
	refuse()
	d.advance(time.Second)
	if _, err := d.Agents.Activate(t.Context(), d.command(admin), "agent-1", ""); err != nil {
		t.Fatal(err)
	}
	refuse()

	d.advance(time.Second)
	fresh := d.submit(d.command(machine), deletion("agent-1"))
	for range 2 { // late, and again
		if err := d.Approvals.RevokePending(t.Context(), 1, "agent-1", "it was suspended"); err != nil {
			t.Fatal(err)
		}
	}
	d.expectTrail(act.ID, "action.pending", "action.denied")
	if got, err := d.Approvals.Approve(t.Context(), d.command(manager), fresh.ID, ""); err != nil || got.Status != governance.Approved {
		t.Errorf("what it asked since is %+v, %v", got, err)
	}
}

// A suspension whose denials fail says so, and repeating it makes up for them.
func TestASuspensionThatFailsHalfwayIsCompletedByARepeat(t *testing.T) {
	for _, fault := range faulty.All {
		t.Run(fault.String(), func(t *testing.T) {
			failed := 0
			for n := 1; n <= 12; n++ {
				d := embeddedDesk(t)
				d.active("agent-1", `{"display_name": "A"}`)
				one, two := d.submit(d.command(machine), deletion("agent-1")), d.submit(d.command(machine), deletion("agent-1"))
				d.over(d.faults) // each fault reaches the use case
				d.faults.Reset(faulty.Nth(n, fault))
				_, err := d.Agents.Suspend(t.Context(), d.command(admin), "agent-1", "odd")
				if err != nil && problem.As(err).Kind != problem.KindUnavailable {
					t.Fatal(err)
				}
				if err != nil {
					failed++
					if _, err := d.Agents.Suspend(t.Context(), d.command(admin), "agent-1", "odd"); err != nil {
						t.Fatal(err)
					}
				}
				d.expectTrail(one.ID, "action.pending", "action.denied")
				d.expectTrail(two.ID, "action.pending", "action.denied")
			}
			if failed < 6 || failed == 12 {
				t.Errorf("%d of 12 faults were met: the matrix does not cover the command", failed)
			}
		})
	}
}
