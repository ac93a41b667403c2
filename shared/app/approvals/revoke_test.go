package approvals_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"ascend/shared/app/apptest"
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
	for name, stop := range map[string]func(*apptest.Fixture, context.Context) error{
		"suspended": func(f *apptest.Fixture, ctx context.Context) error {
			_, err := f.Agents.Suspend(ctx, f.Command(apptest.Admin), "agent-1", "odd")
			return err
		},
		"deactivated": func(f *apptest.Fixture, ctx context.Context) error {
			_, err := f.Agents.Deactivate(ctx, f.Command(apptest.Admin), "agent-1")
			return err
		},
		"deleted": func(f *apptest.Fixture, ctx context.Context) error {
			_, err := f.Agents.Delete(ctx, f.Command(apptest.Admin), "agent-1")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
				f.Active("agent-1", `{"display_name": "A"}`)
				f.Active("agent-2", `{"display_name": "B"}`)
				f.Deletions(workflow.Stage{MinApprovers: 2})
				act, voted, others := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1")), f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1")), f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-2"))
				if _, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), voted.ID, ""); err != nil {
					t.Fatal(err)
				}
				if err := stop(f, t.Context()); err != nil {
					t.Fatal(err)
				}
				f.ExpectTrail(act.ID, "action.pending", "action.denied")
				f.ExpectTrail(voted.ID, "action.pending", "approval.recorded", "action.denied")
				f.ExpectTrail(others.ID, "action.pending")
				reason := map[string]string{"suspended": ": odd"}[name]
				now := f.Action(act.ID)
				if now.Status != governance.Denied || now.DecidedBy() != "agent_suspended" || now.Reason() != "the agent was "+name+" by admin@example.com"+reason {
					t.Errorf("%s by %s: %s", now.Status, now.DecidedBy(), now.Reason())
				}
				if _, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, ""); problem.As(err).Kind != problem.KindInvalidState {
					t.Errorf("approved: %v", err)
				}
				if _, err := f.Approvals.Reject(t.Context(), f.Command(apptest.Manager), act.ID, ""); problem.As(err).Kind != problem.KindInvalidState {
					t.Errorf("rejected: %v", err)
				}
			})
		})
	}
}

// An approval is answered before the suspension is, or never.
func TestNoApprovalOvertakesASuspension(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		rounds := 100
		if t.Name() == "TestNoApprovalOvertakesASuspension/dynamo" {
			rounds = 10
		}
		approved := 0
		for i := range rounds {
			id := agent.ID(fmt.Sprint("agent-", i))
			f.Active(id, `{"display_name": "A"}`)
			act := f.Submit(f.Command(apptest.Machine), apptest.Deletion(id))
			var both sync.WaitGroup
			var ended *action.Action // when the suspension was answered
			both.Go(func() {
				if _, err := f.Agents.Suspend(context.Background(), f.Command(apptest.Admin), id, "odd"); err != nil {
					t.Error(err)
				}
				ended = f.Action(act.ID)
			})
			both.Go(func() {
				_, err := f.Approvals.Approve(context.Background(), f.Command(apptest.Manager), act.ID, "")
				if err != nil && problem.As(err).Kind != problem.KindInvalidState {
					t.Error(err)
				}
			})
			both.Wait()
			now := f.Action(act.ID)
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
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
		g, err := f.Agents.Get(t.Context(), 1, "agent-1")
		if err != nil {
			t.Fatal(err)
		}
		put, err := record.PutAgent(g.Suspend(agent.Ordinary, agent.Stamp{At: f.Now(), By: "a", Reason: "odd"}))
		if err != nil {
			t.Fatal(err)
		}
		suspended := false
		f.Faults.Reset(func(c faulty.Call) faulty.Fault {
			if c.IsWrite() && !suspended {
				suspended = true
				if _, err := f.Raw.Write(context.Background(), put); err != nil {
					t.Error(err)
				}
			}
			return faulty.None
		})
		if _, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, ""); problem.As(err).Kind != problem.KindInvalidState || !suspended {
			t.Errorf("approved: %v", err)
		}
		f.ExpectTrail(act.ID, "action.pending")
		if _, err := f.Agents.Suspend(t.Context(), f.Command(apptest.Admin), "agent-1", "odd"); err != nil { // what its worker or a repeat does
			t.Fatal(err)
		}
		f.ExpectTrail(act.ID, "action.pending", "action.denied")
	})
}

// A submission that its agent's suspension overtook is stored after it. It is
// not approved, not even when the agent is active again.
func TestWhatAnAgentAskedBeforeItWasStoppedIsNeverApproved(t *testing.T) {
	f := apptest.New(t)
	f.Active("agent-1", `{"display_name": "A"}`)
	act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
	pending, err := f.Raw.Get(t.Context(), store.ActionKey(1, act.ID))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Agents.Suspend(t.Context(), f.Command(apptest.Admin), "agent-1", "odd"); err != nil {
		t.Fatal(err)
	}
	item := *pending[0]
	item.Index = store.ActionIndex(1, act.ID, act.Approval.StageExpiresAt)
	if _, err := f.Raw.Write(t.Context(), store.Put{Item: item}); err != nil {
		t.Fatal(err)
	}
	refuse := func() {
		t.Helper()
		if _, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, ""); problem.As(err).Kind != problem.KindInvalidState {
			t.Errorf("approved: %v", err)
		}
	}
	refuse()
	f.Advance(time.Second)
	if _, err := f.Agents.Activate(t.Context(), f.Command(apptest.Admin), "agent-1", ""); err != nil {
		t.Fatal(err)
	}
	refuse()

	f.Advance(time.Second)
	fresh := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
	for range 2 { // late, and again
		if err := f.Approvals.RevokePending(t.Context(), 1, "agent-1", "it was suspended"); err != nil {
			t.Fatal(err)
		}
	}
	f.ExpectTrail(act.ID, "action.pending", "action.denied")
	if got, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), fresh.ID, ""); err != nil || got.Status != governance.Approved {
		t.Errorf("what it asked since is %+v, %v", got, err)
	}
}

// A suspension holds when its denials fail: it says what remains, and the relay
// denies that.
func TestASuspensionWhoseDenialsFailHolds(t *testing.T) {
	for _, fault := range faulty.All {
		t.Run(fault.String(), func(t *testing.T) {
			failed, remained := 0, 0
			for n := 1; n <= 12; n++ {
				f := apptest.New(t)
				f.Active("agent-1", `{"display_name": "A"}`)
				one, two := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1")), f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
				suspension := changeOf(f, store.AgentKey(1, "agent-1"))
				f.Use(f.Faults) // each fault reaches the use case
				f.Faults.Reset(faulty.Nth(n, fault))
				got, err := f.Agents.Suspend(t.Context(), f.Command(apptest.Admin), "agent-1", "odd")
				if err != nil && problem.As(err).Kind != problem.KindUnavailable {
					t.Fatal(err)
				}
				if err != nil { // nobody knows whether the agent is suspended
					failed++
					if got, err = f.Agents.Suspend(t.Context(), f.Command(apptest.Admin), "agent-1", "odd"); err != nil {
						t.Fatal(err)
					}
				}
				left := f.Action(one.ID).Pending() || f.Action(two.ID).Pending()
				if left && got.Pending.Remaining == 0 && !got.Pending.AtLeast {
					t.Errorf("fault %d: actions are pending, and the answer is %+v", n, got.Pending)
				}
				if left {
					remained++
				}
				f.Faults.Reset(nil)
				if err := f.Approvals.RevokeStopped(t.Context(), suspension()); err != nil {
					t.Fatal(err)
				}
				f.ExpectTrail(one.ID, "action.pending", "action.denied")
				f.ExpectTrail(two.ID, "action.pending", "action.denied")
			}
			if failed == 0 || remained == 0 {
				t.Errorf("of 12 faults %d refused the suspension and %d left actions: the matrix does not cover the command", failed, remained)
			}
		})
	}
}

// With thousands pending, a suspension answers in time, and the relay's retries
// end them all.
func TestThousandsOfPendingActionsAreDeniedInTheEnd(t *testing.T) {
	most := 3000
	if testing.Short() {
		most = 100
	}
	f := apptest.New(t)
	f.Active("agent-1", `{"display_name": "A"}`)
	for range most {
		f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
	}
	suspension := changeOf(f, store.AgentKey(1, "agent-1"))
	before := time.Now()
	got, err := f.Agents.Suspend(t.Context(), f.Command(apptest.Admin), "agent-1", "odd")
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(before)
	if took > 4*time.Second || got.Pending.AtLeast || got.Pending.Revoked+got.Pending.Remaining != most {
		t.Errorf("after %v the answer is %+v of %d", took, got.Pending, most)
	}
	t.Logf("answered after %v with %+v", took, got.Pending)
	for retries := 0; ; retries++ { // of a worker that has less time than this takes
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := f.Approvals.RevokeStopped(ctx, suspension())
		cancel()
		if err == nil {
			break
		}
		if retries == 60 {
			t.Fatalf("after %d retries: %v", retries, err)
		}
	}
	pending := store.ActionsOf(1, true)
	pending.Limit = 10
	if page, err := f.Raw.Query(t.Context(), pending); err != nil || len(page.Items) > 0 {
		t.Errorf("%d are still pending, %v", len(page.Items), err)
	}
}

// changeOf returns what a change feed tells of an item from now on.
func changeOf(f *apptest.Fixture, key store.Key) func() store.Change {
	read := func() *store.Item {
		items, err := f.Raw.Get(context.Background(), key)
		if err != nil {
			panic(err)
		}
		return items[0]
	}
	before := read()
	return func() store.Change { return store.Change{Key: key, Old: before, New: read()} }
}
