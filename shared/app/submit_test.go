package app_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ascend/shared/app"
	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// The budget of quality.md: at most three calls in two sequential round trips,
// however many write at once.
func TestASubmissionMakesThreeCallsInTwoRoundTrips(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		d.faults = faulty.New(slow{d.raw}, nil)
		d.Store = faulty.Retrying(d.faults, 4, time.Millisecond)
		for name, submit := range map[string]func(i int){
			"plain":                      func(int) { d.submit(d.command(machine), email("agent-1")) },
			"with an idempotency key":    func(i int) { d.submit(d.keyed(fmt.Sprint(t.Name(), i), "digest"), email("agent-1")) },
			"pending":                    func(int) { d.submit(d.command(machine), deletion("agent-1")) },
			"of an unregistered agent":   func(int) { d.submit(d.command(machine), email("nobody")) },
			"by a key that must be read": func(int) { d.submit(d.unconfirmed(nil), email("agent-1")) },
			"denied, the agent not being": func(int) {
				d.submit(d.command(machine), governance.Proposal{AgentID: "x-y", ActionType: "shell_execute"})
			},
		} {
			d.faults.Reset(nil)
			submit(0)
			if c := d.faults.Counts(); c.Calls > 3 || c.Depth > 2 {
				t.Errorf("%s: %d calls in %d round trips", name, c.Calls, c.Depth)
			}
		}

		const writers, each = 16, 8
		d.faults.Reset(nil)
		inParallel(writers, writers*each, func(i int) { d.submit(d.command(machine), email("agent-1")) })
		if c := d.faults.Counts(); c.Calls != 3*writers*each {
			t.Errorf("%d submissions by %d writers on one agent: %d calls, want %d", writers*each, writers, c.Calls, 3*writers*each)
		}
	})
}

// inParallel runs work for 0 … n-1 on some goroutines.
func inParallel(goroutines, n int, work func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	all.Wait()
}

// unconfirmed is a command of a key whose record confirms it, or refuses with err.
func (d *desk) unconfirmed(err error) *app.Command {
	c := d.command(machine)
	c.Principal = tenant.Principal{}
	c.Claim = app.Unconfirmed(1, store.APIKeyKey(1, "hash"), func(*store.Item, time.Time) (tenant.Principal, error) { return machine, err })
	return c
}

func TestARefusedKeyDecidesNothingAndCountsNothing(t *testing.T) {
	d := embeddedDesk(t)
	d.active("agent-1", `{"display_name": "A"}`)
	revoked := problem.Unauthenticated(problem.CodeRevokedKey, "revoked")
	if _, err := d.Submit(t.Context(), d.unconfirmed(revoked), email("agent-1")); !errors.Is(err, revoked) {
		t.Fatalf("got %v", err)
	}
	if n := len(d.stored()); n != 0 {
		t.Errorf("%d actions stored", n)
	}
	d.expectUsage("agent-1", 0)
}

// A key that is refused must not pay for the admission of one that is not:
// what was taken back is counted anew.
func TestARefusedKeyDoesNotAdmitUncounted(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		revoked := d.unconfirmed(problem.Unauthenticated(problem.CodeRevokedKey, "revoked"))
		good := d.keyed("k", "digest")
		revoked.ID, revoked.Repeat = good.ID, good.Repeat
		if _, err := d.Submit(t.Context(), revoked, email("agent-1")); err == nil {
			t.Fatal("a revoked key submitted")
		}
		d.submit(good, email("agent-1"))
		d.expectUsage("agent-1", 1)
	})
}

// Repeats in flight at once share one count, whichever of them is stored.
func TestRepeatsInFlightDoNotGiveTheirCountBack(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		limit := settingsOf(t, `{"max_actions_per_day": 20}`)
		if _, err := d.LimitAgent(t.Context(), d.command(admin), "agent-1", limit); err != nil {
			t.Fatal(err)
		}
		const keys, sends = 30, 8
		var approved sync.Map
		inParallel(16, keys*sends, func(i int) {
			act, err := d.Submit(context.Background(), d.keyed(fmt.Sprint(i/sends), "digest"), email("agent-1"))
			if err != nil {
				t.Error(err)
			} else if act.Status == governance.Approved {
				approved.Store(act.ID, true)
			}
		})
		n := 0
		approved.Range(func(any, any) bool { n++; return true })
		use, err := d.AgentUsage(t.Context(), 1, "agent-1", d.Now())
		if err != nil || n != 20 || use.PerDay.Current != 20 {
			t.Errorf("%d actions approved under a limit of 20, usage %d, %v", n, use.PerDay.Current, err)
		}
	})
}

func (d *desk) expectUsage(id string, want int64) {
	d.t.Helper()
	use, err := d.AgentUsage(context.Background(), 1, "agent-1", d.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	if use.PerMinute.Current != want || use.PerHour.Current != want || use.PerDay.Current != want {
		d.t.Errorf("usage of %s is %+v, want %d", id, use, want)
	}
}

// Decision 22: a limit holds exactly under concurrency, and also where the
// store's requests and answers get lost and are repeated.
func TestALimitAdmitsExactlyItsNumber(t *testing.T) {
	plans := map[string]faulty.Plan{
		"nothing lost":     nil,
		"answers lost":     faulty.Seeded(1, 0.2, faulty.ResponseLost),
		"all kinds of ill": faulty.Seeded(2, 0.2, faulty.All...),
	}
	onBoth(t, func(t *testing.T, d *desk) {
		for name, plan := range plans {
			t.Run(name, func(t *testing.T) {
				d.advance(48 * time.Hour) // windows of its own
				d.active("agent-1", `{"display_name": "A"}`)
				limit := int64(100)
				if _, err := d.LimitAgent(t.Context(), d.command(admin), "agent-1", settingsOf(t, `{"max_actions_per_minute": 100}`)); err != nil {
					t.Fatal(err)
				}
				d.faults.Reset(plan)
				var approved, limited atomic.Int64
				inParallel(64, 300, func(int) {
					c := d.command(machine)
					act, err := d.Submit(context.Background(), c, email("agent-1"))
					for range 50 { // a caller tries again what was not answered
						if problem.As(err).Kind != problem.KindUnavailable {
							break
						}
						act, err = d.Submit(context.Background(), c, email("agent-1"))
					}
					switch {
					case err != nil:
						t.Error(err)
					case act.Status == governance.Approved:
						approved.Add(1)
					case act.Verdict.Code == governance.CodeRateLimit && act.Verdict.RetryAfterSeconds == 40:
						limited.Add(1)
					default:
						t.Errorf("%s: %s, retry after %d", act.Status, act.Reason(), act.Verdict.RetryAfterSeconds)
					}
				})
				d.faults.Reset(nil)
				if approved.Load() != limit || limited.Load() != 300-limit {
					t.Errorf("%d approved and %d refused of 300 under a limit of %d", approved.Load(), limited.Load(), limit)
				}
				d.expectUsage("agent-1", limit)

				d.advance(time.Minute)
				if act := d.submit(d.command(machine), email("agent-1")); act.Status != governance.Approved {
					t.Errorf("in the next minute: %s", act.Reason())
				}
			})
		}
	})
}

// Invariant I1, at the size of issue 3.
func TestAThousandKeysSentTenTimesEachMakeAThousandActions(t *testing.T) {
	d := embeddedDesk(t)
	d.active("agent-1", `{"display_name": "A"}`)
	const keys, sends = 1000, 10
	var first [keys]atomic.Int64
	inParallel(64, keys*sends, func(i int) {
		k := i % keys
		act, err := d.Submit(context.Background(), d.keyed(fmt.Sprint(k), "digest"), email("agent-1"))
		if err != nil {
			t.Error(err)
			return
		}
		if !first[k].CompareAndSwap(0, int64(act.ID)) && first[k].Load() != int64(act.ID) {
			t.Errorf("key %d got action %d and action %d", k, first[k].Load(), act.ID)
		}
	})
	if n := len(d.stored()); n != keys {
		t.Errorf("%d actions stored, want %d", n, keys)
	}
	d.expectUsage("agent-1", keys)
}

func TestAnIdempotencyKeyIsOneCommandForADay(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		first := d.submit(d.keyed("k", "digest"), email("agent-1"))

		d.advance(time.Hour)
		again := d.keyed("k", "digest")
		if act := d.submit(again, email("agent-1")); act.ID != first.ID || !again.Replayed {
			t.Errorf("the repeat got action %d, replayed %v; first %d", act.ID, again.Replayed, first.ID)
		}
		_, err := d.Submit(t.Context(), d.keyed("k", "another"), email("agent-1"))
		if problem.As(err).Kind != problem.KindMismatch {
			t.Errorf("another body under the key: %v", err)
		}
		use, err := d.AgentUsage(t.Context(), 1, "agent-1", d.Now())
		if err != nil || use.PerDay.Current != 1 {
			t.Errorf("repeats were counted: %+v, %v", use.PerDay, err)
		}

		d.advance(24 * time.Hour)
		if act := d.submit(d.keyed("k", "another"), email("agent-1")); act.ID == first.ID {
			t.Error("after a day the key is free again")
		}
		if n := len(d.stored()); n != 2 {
			t.Errorf("%d actions, want 2", n)
		}
	})
}

func TestTheStatusOfAnAgentCountsFromTheNextSubmission(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		expect := func(want governance.Outcome, code string) {
			t.Helper()
			if act := d.submit(d.command(machine), email("agent-1")); act.Status != want || act.Verdict.Code != code {
				t.Errorf("%s, code %q: %s", act.Status, act.Verdict.Code, act.Reason())
			}
		}
		expect(governance.Approved, "")
		for _, change := range []func() error{
			func() error { _, err := d.SuspendAgent(t.Context(), d.command(admin), "agent-1", ""); return err },
			func() error { _, err := d.DeactivateAgent(t.Context(), d.command(admin), "agent-1"); return err },
			func() error { _, err := d.DeleteAgent(t.Context(), d.command(admin), "agent-1"); return err },
		} {
			if err := change(); err != nil {
				t.Fatal(err)
			}
			expect(governance.Denied, governance.CodeAgentNotActive)
		}
	})
}

func TestTheKillSwitchStopsTheOrganisation(t *testing.T) {
	d := embeddedDesk(t)
	put, err := app.Organization{ID: 1, Name: "One", KillSwitch: &app.KillSwitch{Reason: "incident 7"}}.Put()
	if err == nil {
		_, err = d.raw.Write(t.Context(), put)
	}
	if err != nil {
		t.Fatal(err)
	}
	if act := d.submit(d.command(machine), email("nobody")); act.Status != governance.Denied || act.Verdict.Code != governance.CodeKillSwitch {
		t.Errorf("%s: %s", act.Status, act.Reason())
	}
}

// Invariant I13, from the stored bytes.
func TestAStoredActionDecidedAgainGetsTheSameVerdict(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A", "allowed_resources": ["customer database"], "metadata": {"n": 1}}`)
		for _, p := range []governance.Proposal{email("agent-1"), deletion("agent-1"), deletion("nobody"), {AgentID: "nobody", ActionType: "data_access", Resource: "database", Context: map[string]any{"amount": 1e6, "volume": "many"}}} {
			d.submit(d.command(machine), p)
		}
		all := d.stored()
		if len(all) != 4 {
			t.Fatalf("%d actions", len(all))
		}
		for _, act := range all {
			fresh := governance.Decide(act.Input)
			again := &action.Action{Verdict: fresh}
			raw, err := again.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if again, err = action.Decode(raw); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(again.Verdict, act.Verdict) || act.Input.Agent.Registered && act.Input.Agent.Version == "" {
				t.Errorf("action %d: decided again %+v, stored %+v", act.ID, again.Verdict, act.Verdict)
			}
			if digest, err := action.Digest(act.Org, act.Input.Proposal); err != nil || digest != act.Digest {
				t.Errorf("action %d: digest %s of the record, stored %s, %v", act.ID, digest, act.Digest, err)
			}
		}
	})
}

func TestEveryFailureOfTheStoreIsUnavailableAndApprovesNothing(t *testing.T) {
	d := embeddedDesk(t)
	d.active("agent-1", `{"display_name": "A"}`)
	for n := 1; n <= 3; n++ {
		d.faults.Reset(func(c faulty.Call) faulty.Fault {
			if c.N%3 == n%3 || c.N > 3 { // this call and every repeat of it
				return faulty.RequestLost
			}
			return faulty.None
		})
		_, err := d.Submit(t.Context(), d.command(machine), email("agent-1"))
		if p := problem.As(err); p.Kind != problem.KindUnavailable || p.RetryAfter <= 0 {
			t.Errorf("call %d failing: %v", n, err)
		}
	}
	d.faults.Reset(nil)
	if n := len(d.stored()); n != 0 {
		t.Errorf("%d actions stored", n)
	}
}

// However busy an agent, its state item stays small: marks are kept only where
// a limit bounds their number.
func TestABusyAgentsStateStaysSmall(t *testing.T) {
	d := embeddedDesk(t)
	d.active("agent-1", `{"display_name": "A"}`)
	inParallel(16, 3000, func(int) { d.submit(d.command(machine), email("agent-1")) })
	items, err := d.raw.Get(t.Context(), store.StateKey(1, "agent-1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range items[0].Attrs {
		if len(v.Members()) > 16 { // what was under way before the first answer told
			t.Errorf("%s holds %d marks of an agent without limits", name, len(v.Members()))
		}
	}
	d.expectUsage("agent-1", 3000)

	limit := settingsOf(t, `{"max_actions_per_hour": 3010}`)
	if _, err := d.LimitAgent(t.Context(), d.command(admin), "agent-1", limit); err != nil {
		t.Fatal(err)
	}
	var approved atomic.Int64
	inParallel(16, 100, func(int) {
		if d.submit(d.command(machine), email("agent-1")).Status == governance.Approved {
			approved.Add(1)
		}
	})
	if approved.Load() != 10 {
		t.Errorf("%d admitted after a new limit left room for 10", approved.Load())
	}
}

type panicking struct{ store.Store }

func (panicking) Write(context.Context, store.Op) (*store.Item, error) { panic("no") }

func TestAPanicBesideARequestEndsTheRequestOnly(t *testing.T) {
	d := embeddedDesk(t)
	d.Store = panicking{d.raw}
	if _, err := d.Submit(t.Context(), d.command(machine), email("agent-1")); err == nil || problem.As(err).Kind != problem.KindInternal {
		t.Errorf("got %v", err)
	}
}
