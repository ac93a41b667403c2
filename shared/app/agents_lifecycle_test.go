package app_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"ascend/shared/app"
	"ascend/shared/app/agents"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

func TestALifeIsAuditedAndSubmissionsSeeIt(t *testing.T) {
	r := newRegistry(t)
	r.register("my-agent")
	ctx := context.Background()
	steps := []struct {
		name    string
		do      func() (agents.Change, error)
		status  agent.Status
		changed bool
	}{
		{"activate", func() (agents.Change, error) { return r.Agents.Activate(ctx, r.command(), "my-agent", "") }, agent.Active, true},
		{"activate again", func() (agents.Change, error) { return r.Agents.Activate(ctx, r.command(), "my-agent", "") }, agent.Active, false},
		{"suspend", func() (agents.Change, error) { return r.Agents.Suspend(ctx, r.command(), "my-agent", "review") }, agent.Suspended, true},
		{"suspend again", func() (agents.Change, error) { return r.Agents.Suspend(ctx, r.command(), "my-agent", "other") }, agent.Suspended, false},
		{"reactivate", func() (agents.Change, error) { return r.Agents.Activate(ctx, r.command(), "my-agent", "done") }, agent.Active, true},
		{"deactivate", func() (agents.Change, error) { return r.Agents.Deactivate(ctx, r.command(), "my-agent") }, agent.Draft, true},
		{"deactivate again", func() (agents.Change, error) { return r.Agents.Deactivate(ctx, r.command(), "my-agent") }, agent.Draft, false},
		{"delete", func() (agents.Change, error) { return r.Agents.Delete(ctx, r.command(), "my-agent") }, agent.Deleted, true},
	}
	for _, step := range steps {
		got, err := step.do()
		if err != nil || got.Agent.Status != step.status || got.Changed != step.changed || got.Agent.Version != "1.0.0" {
			t.Fatalf("%s: %+v, %v", step.name, got, err)
		}
		if state := r.state("my-agent")[store.AttrStatus].Str(); state != string(step.status) {
			t.Errorf("%s: submissions see %q", step.name, state)
		}
	}
	if got := r.events("my-agent"); got != "agent.registered agent.activated agent.suspended agent.activated agent.updated agent.deleted" {
		t.Errorf("events %s", got)
	}
	suspended, ok := r.changes("my-agent")[2].Data.(*audit.AgentChanged)
	if !ok || suspended.Reason != "review" || suspended.PreviousStatus != agent.Active || suspended.Status != agent.Suspended {
		t.Errorf("the suspension was audited as %+v", suspended)
	}
	if _, err := r.Agents.Delete(ctx, r.command(), "my-agent"); kind(err) != problem.KindNotFound {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestOneCorrelationIDDoesNotSwallowASuspension(t *testing.T) {
	r := newRegistry(t)
	r.register("my-agent")
	ctx := context.Background()
	for i, want := range []agent.Status{agent.Suspended, agent.Active, agent.Suspended, agent.Active, agent.Suspended} {
		var got agents.Change
		var err error
		if want == agent.Suspended {
			got, err = r.Agents.Suspend(ctx, r.repeat("aaaa", "", true), "my-agent", "")
		} else {
			got, err = r.Agents.Activate(ctx, r.repeat("bbbb", "", true), "my-agent", "")
		}
		if err != nil || got.Agent.Status != want || r.state("my-agent")[store.AttrStatus].Str() != string(want) {
			t.Fatalf("step %d: %+v, %v; want %s", i, got, err, want)
		}
	}
}

func TestAnIdempotencyKeyReplaysASuspension(t *testing.T) {
	r := newRegistry(t)
	r.register("my-agent")
	ctx := context.Background()
	if _, err := r.Agents.Suspend(ctx, r.repeat("aaaa", "d", false), "my-agent", "x"); err != nil {
		t.Fatal(err)
	}
	c := r.repeat("aaaa", "d", false)
	if got, err := r.Agents.Suspend(ctx, c, "my-agent", "x"); err != nil || !c.Replayed || !got.Changed {
		t.Errorf("replayed %v: %+v, %v", c.Replayed, got, err)
	}
}

func TestAnEmergencyEndsOnlyWithAReason(t *testing.T) {
	r := newRegistry(t)
	g := r.register("my-agent")
	ctx := context.Background()
	g = g.Suspend(agent.Emergency, agent.Event{At: r.now, By: "admin@example.com", Reason: "fire"})
	put, err := record.PutAgent(g)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Write(ctx, put); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Agents.Activate(ctx, r.command(), "my-agent", " "); kind(err) != problem.KindInvalid {
		t.Errorf("activated without a reason: %v", err)
	}
	if _, err := r.Agents.Deactivate(ctx, r.command(), "my-agent"); kind(err) != problem.KindInvalidState {
		t.Errorf("deactivated: %v", err)
	}
	if got, err := r.Agents.Activate(ctx, r.command(), "my-agent", "put out"); err != nil || got.Agent.Status != agent.Active {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAChangeThatMeetsTroubleHappensOnce(t *testing.T) {
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			r.register("my-agent")
			r.store.meet(trouble)
			_, err := r.Agents.Activate(context.Background(), r.command(), "my-agent", "")
			if err != nil {
				if kind(err) != problem.KindUnavailable {
					t.Fatal(err)
				}
				_, err = r.Agents.Activate(context.Background(), r.command(), "my-agent", "")
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := r.events("my-agent"); got != "agent.registered agent.activated" {
				t.Errorf("events %s", got)
			}
		})
	}
}

// A suspension makes no version, so only the record's revision tells of it.
func TestASuspensionBetweenReadingAndWritingIsNotUndone(t *testing.T) {
	ctx := context.Background()
	for name, change := range map[string]func(r *registry) (agents.Change, error){
		"an update": func(r *registry) (agents.Change, error) {
			return r.Agents.Update(ctx, r.command(), "my-agent", agent.Settings{Tags: agent.To([]string{"b"})})
		},
		"rate limits": func(r *registry) (agents.Change, error) {
			return r.Agents.SetRateLimits(ctx, r.command(), "my-agent", agent.LimitSettings{PerDay: agent.To(int64(5))})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			r.register("my-agent")
			if _, err := r.Agents.Activate(ctx, r.command(), "my-agent", ""); err != nil {
				t.Fatal(err)
			}
			r.store.meet(func(ctx context.Context, s store.Store, ops []store.Op) error {
				if _, err := r.Agents.Suspend(ctx, r.command(), "my-agent", "now"); err != nil {
					return err
				}
				return s.WriteAll(ctx, ops...)
			})
			got, err := change(r)
			if err != nil || !got.Changed || got.Agent.Status != agent.Suspended {
				t.Errorf("%+v, %v", got, err)
			}
			g, err := r.Agents.Get(ctx, 1, "my-agent")
			if err != nil || g.Status != agent.Suspended || g.Version != got.Agent.Version || r.state("my-agent")[store.AttrStatus].Str() != "suspended" {
				t.Errorf("became %+v, %v; submissions see %v", g, err, r.state("my-agent"))
			}
		})
	}
}

func TestAStoreThatDoesNotAnswerIsUnavailable(t *testing.T) {
	r := newRegistry(t)
	r.register("my-agent")
	r.App = app.New(down{})
	ctx := context.Background()
	for name, call := range map[string]func() error{
		"register": func() error {
			_, err := r.Agents.Register(ctx, r.command(), "my-agent", agent.Settings{DisplayName: agent.To("x")})
			return err
		},
		"get":      func() error { _, err := r.Agents.Get(ctx, 1, "my-agent"); return err },
		"list":     func() error { _, err := r.Agents.List(ctx, 1, agents.Filter{}, record.Range{Limit: 1}); return err },
		"activate": func() error { _, err := r.Agents.Activate(ctx, r.command(), "my-agent", ""); return err },
		"versions": func() error { _, err := r.Agents.Versions(ctx, 1, "my-agent", record.Range{Limit: 1}); return err },
		"usage":    func() error { _, err := r.Agents.Usage(ctx, 1, "my-agent", r.now); return err },
		"with a key": func() error {
			_, err := r.Agents.Suspend(ctx, r.repeat("aaaa", "d", false), "my-agent", "")
			return err
		},
	} {
		if err := call(); kind(err) != problem.KindUnavailable || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// down is a store that answers nothing.
type down struct{ store.Store }

func (down) Get(context.Context, ...store.Key) ([]*store.Item, error) {
	return nil, store.ErrUnavailable
}

func (down) Query(context.Context, store.Query) (store.Page, error) {
	return store.Page{}, store.ErrUnavailable
}

func TestRacingChangesAreAllMadeOneAfterTheOther(t *testing.T) {
	r := newRegistry(t)
	r.register("my-agent")
	const writers = 6 // fewer than once's attempts, so that each must get its turn
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			body := `{"tags": ["` + string(rune('a'+i)) + `x"]}`
			if got, err := r.Agents.Update(context.Background(), r.command(), "my-agent", settings(t, body)); err != nil || !got.Changed {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	wg.Wait()
	list, err := r.Agents.Versions(context.Background(), 1, "my-agent", record.Range{Limit: 100, Offset: 0})
	if err != nil || list.Total != 1+writers || len(list.Versions) != 1+writers {
		t.Fatalf("%d of %d versions, %v", len(list.Versions), list.Total, err)
	}
	for i, v := range list.Versions[:writers] {
		before := list.Versions[i+1].Config
		if d := agent.Diff(before, v.Config); len(d) != 1 || string(d[0].From) != string(v.Changes[0].From) {
			t.Errorf("version %s tells %v, but differs in %v from the one before", v.Version, v.Changes, d)
		}
	}
	if n := len(r.changes("my-agent")); n != 1+writers {
		t.Errorf("%d audit entries", n)
	}
}
