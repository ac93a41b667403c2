package app_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"ascend/shared/app/agents"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

func TestRegisteringWritesTheAgentItsVersionItsChangeAndItsState(t *testing.T) {
	r := newRegistry(t)
	g := r.register("my-agent")
	if g.Status != agent.Draft || g.Version != "1.0.0" || g.Org != 1 || g.CreatedBy != "admin@example.com" || g.Serial < 1 || !g.CreatedAt.Equal(r.now) {
		t.Errorf("registered %+v", g)
	}
	list, err := r.Agents.Versions(context.Background(), 1, "my-agent", record.Range{Limit: 10, Offset: 0})
	if err != nil || list.Total != 1 || list.Versions[0].Version != "1.0.0" || list.Versions[0].Config.DisplayName != "Agent" {
		t.Errorf("versions %+v, %v", list, err)
	}
	if got := r.state("my-agent")[store.AttrStatus].Str(); got != "draft" {
		t.Errorf("the state item says %q", got)
	}
	changes := r.changes("my-agent")
	if len(changes) != 1 {
		t.Fatalf("%d changes", len(changes))
	}
	if e := changes[0]; e.Event != "agent.registered" || e.Actor != "sub-1" || e.ActorName != "admin@example.com" || e.ResourceID != "my-agent" ||
		e.SourceIP != "192.0.2.1" || e.Outcome != "SUCCESS" || e.Org != 1 || e.CorrelationID == "" {
		t.Errorf("audited %+v", e)
	}
}

func TestAnAgentThatIsThereIsAnsweredAsItStands(t *testing.T) {
	r := newRegistry(t)
	first := r.register("my-agent")
	if _, err := r.Agents.Activate(context.Background(), r.command(), "my-agent", ""); err != nil {
		t.Fatal(err)
	}
	got, err := r.Agents.Register(context.Background(), r.command(), "my-agent", settings(t, `{"display_name": "Other", "max_risk_threshold": 100}`))
	if err != nil || got.Created || got.Agent.Serial != first.Serial || got.Agent.Status != agent.Active || got.Agent.Config.DisplayName != "Agent" || got.Agent.Config.MaxRiskThreshold != 80 {
		t.Errorf("got %+v, %v", got, err)
	}
	if got := r.events("my-agent"); got != "agent.registered agent.activated" {
		t.Errorf("events %s", got)
	}
}

func TestARegistrationNamesEveryFault(t *testing.T) {
	r := newRegistry(t)
	_, err := r.Agents.Register(context.Background(), r.command(), "ab", settings(t, `{"auto_approve_below": 200}`))
	e := problem.As(err)
	if e.Kind != problem.KindInvalid || e.Detail != "agent_id must be 3-64 characters" || len(e.Fields) != 3 {
		t.Errorf("got %v with %v", e, e.Fields)
	}
	if _, err := r.Agents.Get(context.Background(), 1, "ab"); kind(err) != problem.KindNotFound {
		t.Errorf("then read: %v", err)
	}
}

func TestOfRacingRegistrationsOneCreates(t *testing.T) {
	r := newRegistry(t)
	const racers = 32
	answers := make([]agents.Registration, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			var err error
			answers[i], err = r.Agents.Register(context.Background(), r.command(), "my-agent", settings(t, fmt.Sprintf(`{"display_name": "Racer %d"}`, i)))
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	created := 0
	for _, got := range answers {
		if got.Created {
			created++
		}
		if got.Agent.Serial != answers[0].Agent.Serial || got.Agent.Config.DisplayName != answers[0].Agent.Config.DisplayName {
			t.Errorf("answers differ: %+v and %+v", got.Agent, answers[0].Agent)
		}
	}
	if created != 1 || r.events("my-agent") != "agent.registered" {
		t.Errorf("%d created, events %q", created, r.events("my-agent"))
	}
}

func TestARepeatedRegistrationIsAnsweredAsTheFirstTime(t *testing.T) {
	r := newRegistry(t)
	body := settings(t, `{"display_name": "Agent", "metadata": {"n": 9007199254740993}}`)
	first, err := r.Agents.Register(context.Background(), r.repeat("aaaa", "d1", false), "my-agent", body)
	if err != nil || !first.Created {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := r.Agents.Activate(context.Background(), r.command(), "my-agent", ""); err != nil {
		t.Fatal(err)
	}
	c := r.repeat("aaaa", "d1", false)
	again, err := r.Agents.Register(context.Background(), c, "my-agent", body)
	if err != nil || !again.Created || again.Agent.Status != agent.Draft || !c.Replayed || len(agent.Diff(first.Agent.Config, again.Agent.Config)) != 0 {
		t.Errorf("replayed %v: %+v, %v", c.Replayed, again, err)
	}
	if _, err := r.Agents.Register(context.Background(), r.repeat("aaaa", "d2", false), "my-agent", body); kind(err) != problem.KindMismatch {
		t.Errorf("another body under the same key: %v", err)
	}
}

func TestARegistrationThatMeetsTroubleHappensOnce(t *testing.T) {
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			r.store.meet(trouble)
			body := settings(t, `{"display_name": "Agent"}`)
			got, err := r.Agents.Register(context.Background(), r.repeat("aaaa", "d", false), "my-agent", body)
			if err != nil {
				if kind(err) != problem.KindUnavailable {
					t.Fatal(err)
				}
				got, err = r.Agents.Register(context.Background(), r.repeat("aaaa", "d", false), "my-agent", body)
			}
			if err != nil || !got.Created {
				t.Fatalf("got %+v, %v", got, err)
			}
			if events := r.events("my-agent"); events != "agent.registered" {
				t.Errorf("events %q", events)
			}
			if g, err := r.Agents.Get(context.Background(), 1, "my-agent"); err != nil || g.Serial != got.Agent.Serial {
				t.Errorf("stored %+v, answered %+v, %v", g, got.Agent, err)
			}
		})
	}
}

func TestADeletedNameBeginsANewLife(t *testing.T) {
	r := newRegistry(t)
	old := r.register("my-agent")
	if _, err := r.Agents.Update(context.Background(), r.command(), "my-agent", settings(t, `{"tags": []}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Agents.Delete(context.Background(), r.command(), "my-agent"); err != nil {
		t.Fatal(err)
	}
	if got := r.state("my-agent")[store.AttrStatus].Str(); got != "deleted" {
		t.Errorf("after deletion the state item says %q", got)
	}
	again := r.register("my-agent")
	if again.Serial == old.Serial || again.Version != "1.0.0" || again.Status != agent.Draft {
		t.Errorf("registered again: %+v", again)
	}
	list, err := r.Agents.Versions(context.Background(), 1, "my-agent", record.Range{Limit: 10, Offset: 0})
	if err != nil || list.Total != 1 {
		t.Errorf("the new life has %d versions, %v", list.Total, err)
	}
	items, err := r.store.Get(context.Background(), store.VersionKey(1, "my-agent", old.Serial, 2))
	if err != nil || items[0] == nil {
		t.Errorf("the old life's version 2 is gone: %v", err)
	}
	if got := r.events("my-agent"); got != "agent.registered agent.updated agent.deleted agent.registered" {
		t.Errorf("events %s", got)
	}
}

func TestAnotherOrganisationsAgentIsUnknown(t *testing.T) {
	r := newRegistry(t)
	r.register("my-agent")
	stranger := tenant.Principal{Org: 2, Kind: tenant.Person, Subject: "s", Role: tenant.Admin}
	ctx, id := context.Background(), agent.ID("my-agent")
	for name, call := range map[string]func(agent.ID) error{
		"get": func(id agent.ID) error { _, err := r.Agents.Get(ctx, 2, id); return err },
		"update": func(id agent.ID) error {
			_, err := r.Agents.Update(ctx, r.command(stranger), id, settings(t, `{}`))
			return err
		},
		"delete":     func(id agent.ID) error { _, err := r.Agents.Delete(ctx, r.command(stranger), id); return err },
		"activate":   func(id agent.ID) error { _, err := r.Agents.Activate(ctx, r.command(stranger), id, ""); return err },
		"suspend":    func(id agent.ID) error { _, err := r.Agents.Suspend(ctx, r.command(stranger), id, ""); return err },
		"deactivate": func(id agent.ID) error { _, err := r.Agents.Deactivate(ctx, r.command(stranger), id); return err },
		"versions": func(id agent.ID) error {
			_, err := r.Agents.Versions(ctx, 2, id, record.Range{Limit: 10, Offset: 0})
			return err
		},
		"rollback": func(id agent.ID) error {
			_, err := r.Agents.Rollback(ctx, r.command(stranger), id, "1.0.0")
			return err
		},
		"rate limits": func(id agent.ID) error {
			_, err := r.Agents.SetRateLimits(ctx, r.command(stranger), id, agent.LimitSettings{})
			return err
		},
		"usage": func(id agent.ID) error { _, err := r.Agents.Usage(ctx, 2, id, r.now); return err },
	} {
		foreign, unknown, malformed := call(id), call("no-such-agent"), call("a#b")
		for _, err := range []error{foreign, unknown, malformed} {
			e := problem.As(err)
			if e.Kind != problem.KindNotFound || e.Code != problem.CodeAgentNotFound || e.Error() != unknown.Error() {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if list, err := r.Agents.List(ctx, 2, agents.Filter{}, record.Range{Limit: 10}); err != nil || list.Total != 0 {
		t.Errorf("listed %+v, %v", list, err)
	}
}
