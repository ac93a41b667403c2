package actions_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ascend/shared/app/apptest"
	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/organization"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// The budget of quality.md: at most three calls in two sequential round trips,
// however many write at once.
func TestASubmissionMakesThreeCallsInTwoRoundTrips(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		f.Faults = faulty.New(slow{f.Raw}, nil)
		f.Use(faulty.Retrying(f.Faults, 4, time.Millisecond))
		for name, submit := range map[string]func(i int){
			"plain": func(int) { f.Submit(f.Command(apptest.Machine), apptest.Email("agent-1")) },
			"with an idempotency key": func(i int) {
				f.Submit(f.Keyed(apptest.Machine, fmt.Sprint(t.Name(), i), "digest"), apptest.Email("agent-1"))
			},
			"pending":                    func(int) { f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1")) },
			"of an unregistered agent":   func(int) { f.Submit(f.Command(apptest.Machine), apptest.Email("nobody")) },
			"by a key that must be read": func(int) { f.Submit(unconfirmed(f, nil), apptest.Email("agent-1")) },
			"denied, the agent not being": func(int) {
				f.Submit(f.Command(apptest.Machine), governance.Proposal{AgentID: "x-y", ActionType: "shell_execute"})
			},
		} {
			f.Faults.Reset(nil)
			submit(0)
			if c := f.Faults.Counts(); c.Calls > 3 || c.Depth > 2 {
				t.Errorf("%s: %d calls in %d round trips", name, c.Calls, c.Depth)
			}
		}

		const writers, each = 16, 8
		f.Faults.Reset(nil)
		apptest.InParallel(writers, writers*each, func(i int) { f.Submit(f.Command(apptest.Machine), apptest.Email("agent-1")) })
		if c := f.Faults.Counts(); c.Calls != 3*writers*each {
			t.Errorf("%d submissions by %d writers on one agent: %d calls, want %d", writers*each, writers, c.Calls, 3*writers*each)
		}
	})
}

// slow takes a while for each call, so that calls side by side are seen to be.
type slow struct{ store.Store }

func (s slow) Get(ctx context.Context, keys ...store.Key) ([]*store.Item, error) {
	time.Sleep(10 * time.Millisecond)
	return s.Store.Get(ctx, keys...)
}

func (s slow) Write(ctx context.Context, op store.Op) (*store.Item, error) {
	time.Sleep(10 * time.Millisecond)
	return s.Store.Write(ctx, op)
}

// unconfirmed is a command of a key whose record confirms it, or refuses with err.
func unconfirmed(f *apptest.Fixture, err error) *command.Command {
	c := f.Command(apptest.Machine)
	c.Principal = tenant.Principal{}
	c.Claim = command.Unconfirmed(1, store.APIKeyKey(1, "hash"), func(*store.Item, time.Time) (tenant.Principal, error) { return apptest.Machine, err })
	return c
}

func TestARefusedKeyDecidesNothingAndCountsNothing(t *testing.T) {
	f := apptest.New(t)
	f.Active("agent-1", `{"display_name": "A"}`)
	revoked := problem.Unauthenticated(problem.CodeRevokedKey, "revoked")
	if _, err := f.Actions.Submit(t.Context(), unconfirmed(f, revoked), apptest.Email("agent-1")); !errors.Is(err, revoked) {
		t.Fatalf("got %v", err)
	}
	if n := len(f.Stored()); n != 0 {
		t.Errorf("%d actions stored", n)
	}
	f.ExpectUsage("agent-1", 0)
}

// A key that is refused must not pay for the admission of one that is not:
// what was taken back is counted anew.
func TestARefusedKeyDoesNotAdmitUncounted(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		revoked := unconfirmed(f, problem.Unauthenticated(problem.CodeRevokedKey, "revoked"))
		good := f.Keyed(apptest.Machine, "k", "digest")
		revoked.ID, revoked.Repeat = good.ID, good.Repeat
		if _, err := f.Actions.Submit(t.Context(), revoked, apptest.Email("agent-1")); err == nil {
			t.Fatal("a revoked key submitted")
		}
		f.Submit(good, apptest.Email("agent-1"))
		f.ExpectUsage("agent-1", 1)
	})
}

// Repeats in flight at once share one count, whichever of them is stored.
func TestRepeatsInFlightDoNotGiveTheirCountBack(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		limit := apptest.Limits(t, `{"max_actions_per_day": 20}`)
		if _, err := f.Agents.SetRateLimits(t.Context(), f.Command(apptest.Admin), "agent-1", limit); err != nil {
			t.Fatal(err)
		}
		const keys, sends = 30, 8
		var approved sync.Map
		apptest.InParallel(16, keys*sends, func(i int) {
			act, err := f.Actions.Submit(context.Background(), f.Keyed(apptest.Machine, fmt.Sprint(i/sends), "digest"), apptest.Email("agent-1"))
			if err != nil {
				t.Error(err)
			} else if act.Status == governance.Approved {
				approved.Store(act.ID, true)
			}
		})
		n := 0
		approved.Range(func(any, any) bool { n++; return true })
		use, err := f.Agents.Usage(t.Context(), 1, "agent-1", f.Now())
		if err != nil || n != 20 || use.PerDay.Current != 20 {
			t.Errorf("%d actions approved under a limit of 20, usage %d, %v", n, use.PerDay.Current, err)
		}
	})
}

// Decision 22: a limit holds exactly under concurrency, and also where the
// store's requests and answers get lost and are repeated.
func TestALimitAdmitsExactlyItsNumber(t *testing.T) {
	plans := map[string]faulty.Plan{
		"nothing lost":     nil,
		"answers lost":     faulty.Seeded(1, 0.2, faulty.ResponseLost),
		"all kinds of ill": faulty.Seeded(2, 0.2, faulty.All...),
	}
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		for name, plan := range plans {
			t.Run(name, func(t *testing.T) {
				f.Advance(48 * time.Hour) // windows of its own
				f.Active("agent-1", `{"display_name": "A"}`)
				limit := int64(100)
				if _, err := f.Agents.SetRateLimits(t.Context(), f.Command(apptest.Admin), "agent-1", apptest.Limits(t, `{"max_actions_per_minute": 100}`)); err != nil {
					t.Fatal(err)
				}
				f.Faults.Reset(plan)
				var approved, limited atomic.Int64
				apptest.InParallel(64, 300, func(int) {
					c := f.Command(apptest.Machine)
					act, err := f.Actions.Submit(context.Background(), c, apptest.Email("agent-1"))
					for range 50 { // a caller tries again what was not answered
						if problem.As(err).Kind != problem.KindUnavailable {
							break
						}
						act, err = f.Actions.Submit(context.Background(), c, apptest.Email("agent-1"))
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
				f.Faults.Reset(nil)
				if approved.Load() != limit || limited.Load() != 300-limit {
					t.Errorf("%d approved and %d refused of 300 under a limit of %d", approved.Load(), limited.Load(), limit)
				}
				f.ExpectUsage("agent-1", limit)

				f.Advance(time.Minute)
				if act := f.Submit(f.Command(apptest.Machine), apptest.Email("agent-1")); act.Status != governance.Approved {
					t.Errorf("in the next minute: %s", act.Reason())
				}
			})
		}
	})
}

// Invariant I1, at the size of issue 3.
func TestAThousandKeysSentTenTimesEachMakeAThousandActions(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 submissions: 4 s")
	}
	f := apptest.New(t)
	f.Active("agent-1", `{"display_name": "A"}`)
	const keys, sends = 1000, 10
	var first [keys]atomic.Int64
	apptest.InParallel(64, keys*sends, func(i int) {
		k := i % keys
		act, err := f.Actions.Submit(context.Background(), f.Keyed(apptest.Machine, fmt.Sprint(k), "digest"), apptest.Email("agent-1"))
		if err != nil {
			t.Error(err)
			return
		}
		if !first[k].CompareAndSwap(0, int64(act.ID)) && first[k].Load() != int64(act.ID) {
			t.Errorf("key %d got action %d and action %d", k, first[k].Load(), act.ID)
		}
	})
	if n := len(f.Stored()); n != keys {
		t.Errorf("%d actions stored, want %d", n, keys)
	}
	f.ExpectUsage("agent-1", keys)
}

func TestAnIdempotencyKeyIsOneCommandForADay(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		first := f.Submit(f.Keyed(apptest.Machine, "k", "digest"), apptest.Email("agent-1"))

		f.Advance(time.Hour)
		again := f.Keyed(apptest.Machine, "k", "digest")
		if act := f.Submit(again, apptest.Email("agent-1")); act.ID != first.ID || !again.Replayed {
			t.Errorf("the repeat got action %d, replayed %v; first %d", act.ID, again.Replayed, first.ID)
		}
		_, err := f.Actions.Submit(t.Context(), f.Keyed(apptest.Machine, "k", "another"), apptest.Email("agent-1"))
		if problem.As(err).Kind != problem.KindMismatch {
			t.Errorf("another body under the key: %v", err)
		}
		use, err := f.Agents.Usage(t.Context(), 1, "agent-1", f.Now())
		if err != nil || use.PerDay.Current != 1 {
			t.Errorf("repeats were counted: %+v, %v", use.PerDay, err)
		}

		f.Advance(24 * time.Hour)
		if act := f.Submit(f.Keyed(apptest.Machine, "k", "another"), apptest.Email("agent-1")); act.ID == first.ID {
			t.Error("after a day the key is free again")
		}
		if n := len(f.Stored()); n != 2 {
			t.Errorf("%d actions, want 2", n)
		}
	})
}

func TestTheStatusOfAnAgentCountsFromTheNextSubmission(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		expect := func(want governance.Status, code string) {
			t.Helper()
			if act := f.Submit(f.Command(apptest.Machine), apptest.Email("agent-1")); act.Status != want || act.Verdict.Code != code {
				t.Errorf("%s, code %q: %s", act.Status, act.Verdict.Code, act.Reason())
			}
		}
		expect(governance.Approved, "")
		for _, change := range []func() error{
			func() error {
				_, err := f.Agents.Suspend(t.Context(), f.Command(apptest.Admin), "agent-1", "")
				return err
			},
			func() error {
				_, err := f.Agents.Deactivate(t.Context(), f.Command(apptest.Admin), "agent-1")
				return err
			},
			func() error { _, err := f.Agents.Delete(t.Context(), f.Command(apptest.Admin), "agent-1"); return err },
		} {
			if err := change(); err != nil {
				t.Fatal(err)
			}
			expect(governance.Denied, governance.CodeAgentNotActive)
		}
	})
}

func TestTheKillSwitchStopsTheOrganisation(t *testing.T) {
	f := apptest.New(t)
	put, err := record.PutOrganization(organization.Organization{ID: 1, Name: "One", KillSwitch: &organization.KillSwitch{Reason: "incident 7"}}, 1)
	if err == nil {
		_, err = f.Raw.Write(t.Context(), put)
	}
	if err != nil {
		t.Fatal(err)
	}
	if act := f.Submit(f.Command(apptest.Machine), apptest.Email("nobody")); act.Status != governance.Denied || act.Verdict.Code != governance.CodeKillSwitch {
		t.Errorf("%s: %s", act.Status, act.Reason())
	}
}

// Invariant I13, from the stored bytes.
func TestAStoredActionDecidedAgainGetsTheSameVerdict(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A", "allowed_resources": ["customer database"], "metadata": {"n": 1}}`)
		for _, p := range []governance.Proposal{apptest.Email("agent-1"), apptest.Deletion("agent-1"), apptest.Deletion("nobody"), {AgentID: "nobody", ActionType: "data_access", Resource: "database", Context: map[string]any{"amount": 1e6, "volume": "many"}}} {
			f.Submit(f.Command(apptest.Machine), p)
		}
		all := f.Stored()
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
	f := apptest.New(t)
	f.Active("agent-1", `{"display_name": "A"}`)
	for n := 1; n <= 3; n++ {
		f.Faults.Reset(func(c faulty.Call) faulty.Fault {
			if c.N%3 == n%3 || c.N > 3 { // this call and every repeat of it
				return faulty.RequestLost
			}
			return faulty.None
		})
		_, err := f.Actions.Submit(t.Context(), f.Command(apptest.Machine), apptest.Email("agent-1"))
		if p := problem.As(err); p.Kind != problem.KindUnavailable || p.RetryAfter <= 0 {
			t.Errorf("call %d failing: %v", n, err)
		}
	}
	f.Faults.Reset(nil)
	if n := len(f.Stored()); n != 0 {
		t.Errorf("%d actions stored", n)
	}
}

// However busy an agent, its state item stays small: marks are kept only where
// a limit bounds their number.
func TestABusyAgentsStateStaysSmall(t *testing.T) {
	f := apptest.New(t)
	f.Active("agent-1", `{"display_name": "A"}`)
	apptest.InParallel(16, 3000, func(int) { f.Submit(f.Command(apptest.Machine), apptest.Email("agent-1")) })
	items, err := f.Raw.Get(t.Context(), store.StateKey(1, "agent-1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range items[0].Attrs {
		if len(v.Members()) > 16 { // what was under way before the first answer told
			t.Errorf("%s holds %d marks of an agent without limits", name, len(v.Members()))
		}
	}
	f.ExpectUsage("agent-1", 3000)

	limit := apptest.Limits(t, `{"max_actions_per_hour": 3010}`)
	if _, err := f.Agents.SetRateLimits(t.Context(), f.Command(apptest.Admin), "agent-1", limit); err != nil {
		t.Fatal(err)
	}
	var approved atomic.Int64
	apptest.InParallel(16, 100, func(int) {
		if f.Submit(f.Command(apptest.Machine), apptest.Email("agent-1")).Status == governance.Approved {
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
	f := apptest.New(t)
	f.Use(panicking{f.Raw})
	if _, err := f.Actions.Submit(t.Context(), f.Command(apptest.Machine), apptest.Email("agent-1")); err == nil || problem.As(err).Kind != problem.KindInternal {
		t.Errorf("got %v", err)
	}
}

// Two processes may draw one id. The later action takes the next one, with its wait.
func TestATakenIDIsFollowedByTheNext(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		taken := false
		f.Faults.Reset(func(c faulty.Call) faulty.Fault {
			for _, op := range c.Ops {
				if put, ok := op.(store.Put); ok && put.Item.Key.Table == store.Actions && !taken {
					taken = true
					other := put
					other.Item.Body = []byte(`{"command": "another"}`)
					if _, err := f.Raw.Write(context.Background(), other); err != nil {
						t.Error(err)
					}
				}
			}
			return faulty.None
		})
		act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
		now := f.Action(act.ID)
		if !taken || !now.Pending() || now.ID != act.ID || now.Approval.RequestID != "apr_"+act.ID.String() || now.Audit[0].ResourceID != act.ID.String() {
			t.Errorf("stored as %+v, %+v", now.Approval, now.Audit)
		}
		if got, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Manager), act.ID, ""); err != nil || got.Status != governance.Approved {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
