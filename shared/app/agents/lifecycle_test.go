package agents_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"ascend/shared/app"
	"ascend/shared/app/agents"
	"ascend/shared/app/apptest"
	"ascend/shared/app/command"
	"ascend/shared/app/page"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

func TestALifeIsAuditedAndSubmissionsSeeIt(t *testing.T) {
	f := apptest.New(t)
	register(f, "my-agent")
	ctx := context.Background()
	steps := []struct {
		name    string
		do      func() (agents.Change, error)
		status  agent.Status
		changed bool
	}{
		{"activate", func() (agents.Change, error) { return f.Agents.Activate(ctx, f.Command(apptest.Admin), "my-agent", "") }, agent.Active, true},
		{"activate again", func() (agents.Change, error) { return f.Agents.Activate(ctx, f.Command(apptest.Admin), "my-agent", "") }, agent.Active, false},
		{"suspend", func() (agents.Change, error) {
			return f.Agents.Suspend(ctx, f.Command(apptest.Admin), "my-agent", "review")
		}, agent.Suspended, true},
		{"suspend again", func() (agents.Change, error) {
			return f.Agents.Suspend(ctx, f.Command(apptest.Admin), "my-agent", "other")
		}, agent.Suspended, false},
		{"reactivate", func() (agents.Change, error) {
			return f.Agents.Activate(ctx, f.Command(apptest.Admin), "my-agent", "done")
		}, agent.Active, true},
		{"deactivate", func() (agents.Change, error) { return f.Agents.Deactivate(ctx, f.Command(apptest.Admin), "my-agent") }, agent.Draft, true},
		{"deactivate again", func() (agents.Change, error) { return f.Agents.Deactivate(ctx, f.Command(apptest.Admin), "my-agent") }, agent.Draft, false},
		{"delete", func() (agents.Change, error) { return f.Agents.Delete(ctx, f.Command(apptest.Admin), "my-agent") }, agent.Deleted, true},
	}
	for _, step := range steps {
		got, err := step.do()
		if err != nil || got.Agent.Status != step.status || got.Changed != step.changed || got.Agent.Version != "1.0.0" {
			t.Fatalf("%s: %+v, %v", step.name, got, err)
		}
		if state := state(f, "my-agent")[store.AttrStatus].Str(); state != string(step.status) {
			t.Errorf("%s: submissions see %q", step.name, state)
		}
	}
	if got := events(f, "my-agent"); got != "agent.registered agent.activated agent.suspended agent.activated agent.updated agent.deleted" {
		t.Errorf("events %s", got)
	}
	suspended, ok := changes(f, "my-agent")[2].Data.(*audit.AgentChanged)
	if !ok || suspended.Reason != "review" || suspended.PreviousStatus != agent.Active || suspended.Status != agent.Suspended {
		t.Errorf("the suspension was audited as %+v", suspended)
	}
	if _, err := f.Agents.Delete(ctx, f.Command(apptest.Admin), "my-agent"); apptest.Kind(err) != problem.KindNotFound {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestOneCorrelationIDDoesNotSwallowASuspension(t *testing.T) {
	f := apptest.New(t)
	register(f, "my-agent")
	ctx := context.Background()
	implied := func(key string) *command.Command {
		c := f.Keyed(apptest.Admin, key, "")
		c.Repeat.Implied = true
		return c
	}
	for i, want := range []agent.Status{agent.Suspended, agent.Active, agent.Suspended, agent.Active, agent.Suspended} {
		var got agents.Change
		var err error
		if want == agent.Suspended {
			got, err = f.Agents.Suspend(ctx, implied("aaaa"), "my-agent", "")
		} else {
			got, err = f.Agents.Activate(ctx, implied("bbbb"), "my-agent", "")
		}
		if err != nil || got.Agent.Status != want || state(f, "my-agent")[store.AttrStatus].Str() != string(want) {
			t.Fatalf("step %d: %+v, %v; want %s", i, got, err, want)
		}
	}
}

func TestAnIdempotencyKeyReplaysASuspension(t *testing.T) {
	f := apptest.New(t)
	register(f, "my-agent")
	ctx := context.Background()
	if _, err := f.Agents.Suspend(ctx, f.Keyed(apptest.Admin, "aaaa", "d"), "my-agent", "x"); err != nil {
		t.Fatal(err)
	}
	c := f.Keyed(apptest.Admin, "aaaa", "d")
	if got, err := f.Agents.Suspend(ctx, c, "my-agent", "x"); err != nil || !c.Replayed || !got.Changed {
		t.Errorf("replayed %v: %+v, %v", c.Replayed, got, err)
	}
}

func TestAnEmergencyEndsOnlyWithAReason(t *testing.T) {
	f := apptest.New(t)
	g := register(f, "my-agent")
	ctx := context.Background()
	g = g.Suspend(agent.Emergency, agent.Stamp{At: f.Now(), By: "admin@example.com", Reason: "fire"})
	put, err := record.PutAgent(g)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Raw.Write(ctx, put); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Agents.Activate(ctx, f.Command(apptest.Admin), "my-agent", " "); apptest.Kind(err) != problem.KindInvalid {
		t.Errorf("activated without a reason: %v", err)
	}
	if _, err := f.Agents.Deactivate(ctx, f.Command(apptest.Admin), "my-agent"); apptest.Kind(err) != problem.KindInvalidState {
		t.Errorf("deactivated: %v", err)
	}
	if got, err := f.Agents.Activate(ctx, f.Command(apptest.Admin), "my-agent", "put out"); err != nil || got.Agent.Status != agent.Active {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAChangeThatMeetsTroubleHappensOnce(t *testing.T) {
	for name, trouble := range apptest.Troubles {
		t.Run(name, func(t *testing.T) {
			f := apptest.New(t)
			register(f, "my-agent")
			trouble(f)
			_, err := f.Agents.Activate(context.Background(), f.Command(apptest.Admin), "my-agent", "")
			if err != nil {
				if apptest.Kind(err) != problem.KindUnavailable {
					t.Fatal(err)
				}
				_, err = f.Agents.Activate(context.Background(), f.Command(apptest.Admin), "my-agent", "")
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := events(f, "my-agent"); got != "agent.registered agent.activated" {
				t.Errorf("events %s", got)
			}
		})
	}
}

// A suspension makes no version, so only the record's revision tells of it.
func TestASuspensionBetweenReadingAndWritingIsNotUndone(t *testing.T) {
	ctx := context.Background()
	for name, change := range map[string]func(f *apptest.Fixture) (agents.Change, error){
		"an update": func(f *apptest.Fixture) (agents.Change, error) {
			return f.Agents.Update(ctx, f.Command(apptest.Admin), "my-agent", apptest.Settings(t, `{"tags": ["b"]}`))
		},
		"rate limits": func(f *apptest.Fixture) (agents.Change, error) {
			return f.Agents.SetRateLimits(ctx, f.Command(apptest.Admin), "my-agent", apptest.Limits(t, `{"max_actions_per_day": 5}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := apptest.New(t)
			register(f, "my-agent")
			if _, err := f.Agents.Activate(ctx, f.Command(apptest.Admin), "my-agent", ""); err != nil {
				t.Fatal(err)
			}
			f.BeforeNextWrite(func(beside *app.App) {
				if _, err := beside.Agents.Suspend(ctx, f.Command(apptest.Admin), "my-agent", "now"); err != nil {
					t.Error(err)
				}
			})
			got, err := change(f)
			if err != nil || !got.Changed || got.Agent.Status != agent.Suspended {
				t.Errorf("%+v, %v", got, err)
			}
			g, err := f.Agents.Get(ctx, 1, "my-agent")
			if err != nil || g.Status != agent.Suspended || g.Version != got.Agent.Version || state(f, "my-agent")[store.AttrStatus].Str() != "suspended" {
				t.Errorf("became %+v, %v; submissions see %v", g, err, state(f, "my-agent"))
			}
		})
	}
}

func TestAStoreThatDoesNotAnswerIsUnavailable(t *testing.T) {
	f := apptest.New(t)
	register(f, "my-agent")
	f.Use(f.Faults)
	f.Faults.Reset(func(faulty.Call) faulty.Fault { return faulty.RequestLost })
	ctx := context.Background()
	for name, call := range map[string]func() error{
		"register": func() error {
			_, err := f.Agents.Register(ctx, f.Command(apptest.Admin), "my-agent", apptest.Settings(t, `{"display_name": "x"}`))
			return err
		},
		"get": func() error { _, err := f.Agents.Get(ctx, 1, "my-agent"); return err },
		"list": func() error {
			_, err := page.Read(ctx, f.Agents.List(1, agents.Filter{}), page.Range{Limit: 1}, func(agent.Summary) bool { return true })
			return err
		},
		"activate": func() error { _, err := f.Agents.Activate(ctx, f.Command(apptest.Admin), "my-agent", ""); return err },
		"versions": func() error { _, err := f.Agents.Versions(ctx, 1, "my-agent"); return err },
		"usage":    func() error { _, err := f.Agents.Usage(ctx, 1, "my-agent", f.Now()); return err },
		"with a key": func() error {
			_, err := f.Agents.Suspend(ctx, f.Keyed(apptest.Admin, "aaaa", "d"), "my-agent", "")
			return err
		},
	} {
		if err := call(); apptest.Kind(err) != problem.KindUnavailable || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRacingChangesAreAllMadeOneAfterTheOther(t *testing.T) {
	f := apptest.New(t)
	register(f, "my-agent")
	const writers = 6 // fewer than once's attempts, so that each must get its turn
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			body := `{"tags": ["` + string(rune('a'+i)) + `x"]}`
			if got, err := f.Agents.Update(context.Background(), f.Command(apptest.Admin), "my-agent", apptest.Settings(t, body)); err != nil || !got.Changed {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	wg.Wait()
	list := versions(f, "my-agent")
	if len(list) != 1+writers {
		t.Fatalf("%d versions", len(list))
	}
	for i, v := range list[:writers] {
		before := list[i+1].Config
		if d := agent.Diff(before, v.Config); len(d) != 1 || string(d[0].From) != string(v.Changes[0].From) {
			t.Errorf("version %s tells %v, but differs in %v from the one before", v.Version, v.Changes, d)
		}
	}
	if n := len(changes(f, "my-agent")); n != 1+writers {
		t.Errorf("%d audit entries", n)
	}
}
