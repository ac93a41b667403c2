package agents_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"ascend/shared/app/agents"
	"ascend/shared/app/apptest"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

func TestRegisteringWritesTheAgentItsVersionItsChangeAndItsState(t *testing.T) {
	f := apptest.New(t)
	g := register(f, "my-agent")
	if g.Status != agent.Draft || g.Version != "1.0.0" || g.Org != 1 || g.CreatedBy != "admin@example.com" || g.Serial < 1 || !g.CreatedAt.Equal(f.Now()) {
		t.Errorf("registered %+v", g)
	}
	if list := versions(f, "my-agent"); len(list) != 1 || list[0].Version != "1.0.0" || list[0].Config.DisplayName != "Agent" {
		t.Errorf("versions %+v", list)
	}
	if got := state(f, "my-agent")[store.AttrStatus].Str(); got != "draft" {
		t.Errorf("the state item says %q", got)
	}
	changes := changes(f, "my-agent")
	if len(changes) != 1 {
		t.Fatalf("%d changes", len(changes))
	}
	if e := changes[0]; e.Event != "agent.registered" || e.Actor != "sub-1" || e.ActorName != "admin@example.com" || e.ResourceID != "my-agent" ||
		e.SourceIP != "192.0.2.1" || e.Outcome != "SUCCESS" || e.Org != 1 || e.CorrelationID == "" {
		t.Errorf("audited %+v", e)
	}
}

func TestAnAgentThatIsThereIsAnsweredAsItStands(t *testing.T) {
	f := apptest.New(t)
	first := register(f, "my-agent")
	if _, err := f.Agents.Activate(context.Background(), f.Command(apptest.Admin), "my-agent", ""); err != nil {
		t.Fatal(err)
	}
	got, err := f.Agents.Register(context.Background(), f.Command(apptest.Admin), "my-agent", apptest.Settings(t, `{"display_name": "Other", "max_risk_threshold": 100}`))
	if err != nil || got.Created || got.Agent.Serial != first.Serial || got.Agent.Status != agent.Active || got.Agent.Config.DisplayName != "Agent" || got.Agent.Config.MaxRiskThreshold != 80 {
		t.Errorf("got %+v, %v", got, err)
	}
	if got := events(f, "my-agent"); got != "agent.registered agent.activated" {
		t.Errorf("events %s", got)
	}
}

func TestARegistrationNamesEveryFault(t *testing.T) {
	f := apptest.New(t)
	_, err := f.Agents.Register(context.Background(), f.Command(apptest.Admin), "ab", apptest.Settings(t, `{"auto_approve_below": 200}`))
	e := problem.As(err)
	if e.Kind != problem.KindInvalid || e.Detail != "agent_id must be 3-64 characters" || len(e.Fields) != 3 {
		t.Errorf("got %v with %v", e, e.Fields)
	}
	if _, err := f.Agents.Get(context.Background(), 1, "ab"); apptest.Kind(err) != problem.KindNotFound {
		t.Errorf("then read: %v", err)
	}
}

func TestOfRacingRegistrationsOneCreates(t *testing.T) {
	f := apptest.New(t)
	const racers = 32
	answers := make([]agents.Registration, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			var err error
			answers[i], err = f.Agents.Register(context.Background(), f.Command(apptest.Admin), "my-agent", apptest.Settings(t, fmt.Sprintf(`{"display_name": "Racer %d"}`, i)))
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
	if created != 1 || events(f, "my-agent") != "agent.registered" {
		t.Errorf("%d created, events %q", created, events(f, "my-agent"))
	}
}

func TestARepeatedRegistrationIsAnsweredAsTheFirstTime(t *testing.T) {
	f := apptest.New(t)
	body := apptest.Settings(t, `{"display_name": "Agent", "metadata": {"n": 9007199254740993}}`)
	first, err := f.Agents.Register(context.Background(), f.Keyed(apptest.Admin, "aaaa", "d1"), "my-agent", body)
	if err != nil || !first.Created {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := f.Agents.Activate(context.Background(), f.Command(apptest.Admin), "my-agent", ""); err != nil {
		t.Fatal(err)
	}
	c := f.Keyed(apptest.Admin, "aaaa", "d1")
	again, err := f.Agents.Register(context.Background(), c, "my-agent", body)
	if err != nil || !again.Created || again.Agent.Status != agent.Draft || !c.Replayed || len(agent.Diff(first.Agent.Config, again.Agent.Config)) != 0 {
		t.Errorf("replayed %v: %+v, %v", c.Replayed, again, err)
	}
	if _, err := f.Agents.Register(context.Background(), f.Keyed(apptest.Admin, "aaaa", "d2"), "my-agent", body); apptest.Kind(err) != problem.KindMismatch {
		t.Errorf("another body under the same key: %v", err)
	}
}

func TestARegistrationThatMeetsTroubleHappensOnce(t *testing.T) {
	for name, trouble := range apptest.Troubles {
		t.Run(name, func(t *testing.T) {
			f := apptest.New(t)
			trouble(f)
			body := apptest.Settings(t, `{"display_name": "Agent"}`)
			got, err := f.Agents.Register(context.Background(), f.Keyed(apptest.Admin, "aaaa", "d"), "my-agent", body)
			if err != nil {
				if apptest.Kind(err) != problem.KindUnavailable {
					t.Fatal(err)
				}
				got, err = f.Agents.Register(context.Background(), f.Keyed(apptest.Admin, "aaaa", "d"), "my-agent", body)
			}
			if err != nil || !got.Created {
				t.Fatalf("got %+v, %v", got, err)
			}
			if events := events(f, "my-agent"); events != "agent.registered" {
				t.Errorf("events %q", events)
			}
			if g, err := f.Agents.Get(context.Background(), 1, "my-agent"); err != nil || g.Serial != got.Agent.Serial {
				t.Errorf("stored %+v, answered %+v, %v", g, got.Agent, err)
			}
		})
	}
}

func TestADeletedNameBeginsANewLife(t *testing.T) {
	f := apptest.New(t)
	old := register(f, "my-agent")
	if _, err := f.Agents.Update(context.Background(), f.Command(apptest.Admin), "my-agent", apptest.Settings(t, `{"tags": []}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Agents.Delete(context.Background(), f.Command(apptest.Admin), "my-agent"); err != nil {
		t.Fatal(err)
	}
	if got := state(f, "my-agent")[store.AttrStatus].Str(); got != "deleted" {
		t.Errorf("after deletion the state item says %q", got)
	}
	again := register(f, "my-agent")
	if again.Serial == old.Serial || again.Version != "1.0.0" || again.Status != agent.Draft {
		t.Errorf("registered again: %+v", again)
	}
	if list := versions(f, "my-agent"); len(list) != 1 {
		t.Errorf("the new life has %d versions", len(list))
	}
	items, err := f.Raw.Get(context.Background(), store.VersionKey(1, "my-agent", old.Serial, 2))
	if err != nil || items[0] == nil {
		t.Errorf("the old life's version 2 is gone: %v", err)
	}
	if got := events(f, "my-agent"); got != "agent.registered agent.updated agent.deleted agent.registered" {
		t.Errorf("events %s", got)
	}
}

func TestAnotherOrganisationsAgentIsUnknown(t *testing.T) {
	f := apptest.New(t)
	register(f, "my-agent")
	stranger := tenant.Principal{Org: 2, Kind: tenant.Person, Subject: "s", Role: tenant.Admin}
	ctx, id := context.Background(), agent.ID("my-agent")
	for name, call := range map[string]func(agent.ID) error{
		"get": func(id agent.ID) error { _, err := f.Agents.Get(ctx, 2, id); return err },
		"update": func(id agent.ID) error {
			_, err := f.Agents.Update(ctx, f.Command(stranger), id, apptest.Settings(t, `{}`))
			return err
		},
		"delete":     func(id agent.ID) error { _, err := f.Agents.Delete(ctx, f.Command(stranger), id); return err },
		"activate":   func(id agent.ID) error { _, err := f.Agents.Activate(ctx, f.Command(stranger), id, ""); return err },
		"suspend":    func(id agent.ID) error { _, err := f.Agents.Suspend(ctx, f.Command(stranger), id, ""); return err },
		"deactivate": func(id agent.ID) error { _, err := f.Agents.Deactivate(ctx, f.Command(stranger), id); return err },
		"versions": func(id agent.ID) error {
			_, err := f.Agents.Versions(ctx, 2, id)
			return err
		},
		"rollback": func(id agent.ID) error {
			_, err := f.Agents.Rollback(ctx, f.Command(stranger), id, "1.0.0")
			return err
		},
		"rate limits": func(id agent.ID) error {
			_, err := f.Agents.SetRateLimits(ctx, f.Command(stranger), id, agent.LimitSettings{})
			return err
		},
		"usage": func(id agent.ID) error { _, err := f.Agents.Usage(ctx, 2, id, f.Now()); return err },
	} {
		foreign, unknown, malformed := call(id), call("no-such-agent"), call("a#b")
		for _, err := range []error{foreign, unknown, malformed} {
			e := problem.As(err)
			if e.Kind != problem.KindNotFound || e.Code != problem.CodeAgentNotFound || e.Error() != unknown.Error() {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if list := apptest.All(t, f.Agents.List(2, agents.Filter{})); len(list) != 0 {
		t.Errorf("listed %+v", list)
	}
}
