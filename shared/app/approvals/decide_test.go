package approvals_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ascend/shared/app/approvals"
	"ascend/shared/app/apptest"
	"ascend/shared/app/command"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/store/faulty"
)

// A crash matrix of submit and approve: every store call of the command × every
// fault, and the client sends again.
func TestACommandThatMeetsAnyFaultHappensOnce(t *testing.T) {
	for _, fault := range faulty.All {
		for n := 1; n <= 6; n++ {
			for _, keyed := range []bool{false, true} {
				t.Run(fmt.Sprint(fault, " at call ", n, ", keyed ", keyed), func(t *testing.T) {
					f := apptest.New(t)
					f.Active("agent-1", `{"display_name": "A"}`)
					f.Use(f.Faults) // each fault reaches the use case

					f.Faults.Reset(faulty.Nth(n, fault))
					c := func() *command.Command { return f.Command(apptest.Machine) }
					if keyed {
						c = func() *command.Command { return f.Keyed(apptest.Machine, "k", "digest") }
					}
					act, err := f.Actions.Submit(t.Context(), c(), apptest.Deletion("agent-1"))
					if err != nil {
						if problem.As(err).Kind != problem.KindUnavailable {
							t.Fatal(err)
						}
						act = f.Submit(c(), apptest.Deletion("agent-1"))
					}
					most := 1
					if !keyed && fault != faulty.RequestLost && fault != faulty.Throttled {
						most = 2 // nothing tells the repeat from a new command
					}
					if all := f.Stored(); len(all) > most {
						t.Errorf("%d actions", len(all))
					}

					f.Faults.Reset(faulty.Nth(n, fault))
					approve := f.Command(apptest.Manager)
					decided, err := f.Approvals.Approve(t.Context(), approve, act.ID, "fine")
					if problem.As(err).Kind == problem.KindUnavailable && err != nil {
						decided, err = f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, "fine")
					}
					f.Faults.Reset(nil)
					now, readErr := f.Actions.Get(t.Context(), 1, act.ID)
					if readErr != nil {
						t.Fatal(readErr)
					}
					if err != nil && problem.As(err).Kind != problem.KindInvalidState {
						t.Fatal(err)
					}
					if err == nil && decided.Status != governance.Approved || now.Status != governance.Approved || len(now.Audit) != 2 || now.Revision != 2 {
						t.Errorf("%v; stored %s with %d audit entries, revision %d", err, now.Status, len(now.Audit), now.Revision)
					}
				})
			}
		}
	}
}

// Invariant I2: of approve and reject at once, one wins.
func TestOfRacingDecisionsOneWins(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		pairs := 1000
		if t.Name() == "TestOfRacingDecisionsOneWins/dynamo" {
			pairs = 100
		}
		var won, lost atomic.Int64
		apptest.InParallel(32, pairs, func(i int) {
			act, err := f.Actions.Submit(context.Background(), f.Command(apptest.Machine), apptest.Deletion("agent-1"))
			if err != nil {
				t.Error(err)
				return
			}
			var both sync.WaitGroup
			count := func(_ approvals.Decided, err error) {
				switch {
				case err == nil:
					won.Add(1)
				case problem.As(err).Kind == problem.KindInvalidState:
					lost.Add(1)
				default:
					t.Error(err)
				}
			}
			both.Go(func() { count(f.Approvals.Approve(context.Background(), f.Command(apptest.Manager), act.ID, "")) })
			both.Go(func() { count(f.Approvals.Reject(context.Background(), f.Command(apptest.Admin), act.ID, "")) })
			both.Wait()
			if now, err := f.Actions.Get(context.Background(), 1, act.ID); err != nil || now.Pending() || now.Revision != 2 || len(now.Audit) != 2 {
				t.Errorf("after the race: %+v, %v", now, err)
			}
		})
		if int(won.Load()) != pairs || int(lost.Load()) != pairs {
			t.Errorf("%d pairs: %d winners, %d losers", pairs, won.Load(), lost.Load())
		}
	})
}

func TestAnUnansweredActionIsDeniedByTheClock(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1")) // risk 70 to 89: 4 h
		if n, err := f.Approvals.ExpireDue(t.Context()); n != 0 || err != nil {
			t.Fatalf("expired %d at once, %v", n, err)
		}
		f.Advance(4*time.Hour - time.Millisecond)
		if n, err := f.Approvals.ExpireDue(t.Context()); n != 0 || err != nil {
			t.Fatalf("expired %d early, %v", n, err)
		}
		f.Advance(time.Millisecond)
		var expired atomic.Int64
		apptest.InParallel(4, 4, func(int) {
			n, err := f.Approvals.ExpireDue(context.Background())
			if err != nil {
				t.Error(err)
			}
			expired.Add(int64(n))
		})
		now, err := f.Actions.Get(t.Context(), 1, act.ID)
		if err != nil || expired.Load() != 1 || now.Status != governance.Denied || now.DecidedBy() != "timeout" || len(now.Audit) != 2 {
			t.Errorf("expired %d times; %+v, %v", expired.Load(), now, err)
		}
		if _, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, ""); problem.As(err).Kind != problem.KindInvalidState {
			t.Errorf("approved too late: %v", err)
		}
	})
}
