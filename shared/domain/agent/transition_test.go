package agent_test

import (
	"regexp"
	"testing"
	"time"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
)

var noon = time.Date(2026, 1, 20, 12, 0, 0, 0, time.UTC)

// The diagram of the package's documentation, as a table: each verb in each status.
func TestTheStateMachineIsTheDocumentedOne(t *testing.T) {
	const refused = agent.Status("refused")
	start := map[string]func(agent.Agent) agent.Agent{
		"draft":               func(a agent.Agent) agent.Agent { return a },
		"active":              func(a agent.Agent) agent.Agent { a, _ = a.Activate(event("")); return a },
		"suspended":           func(a agent.Agent) agent.Agent { return a.Suspend(agent.Ordinary, event("x")) },
		"emergency suspended": func(a agent.Agent) agent.Agent { return a.Suspend(agent.Emergency, event("x")) },
	}
	verbs := map[string]func(agent.Agent) (agent.Agent, error){
		"activate":             func(a agent.Agent) (agent.Agent, error) { return a.Activate(event("")) },
		"activate with reason": func(a agent.Agent) (agent.Agent, error) { return a.Activate(event("checked")) },
		"suspend":              func(a agent.Agent) (agent.Agent, error) { return a.Suspend(agent.Ordinary, event("y")), nil },
		"stop":                 func(a agent.Agent) (agent.Agent, error) { return a.Suspend(agent.Emergency, event("y")), nil },
		"deactivate":           func(a agent.Agent) (agent.Agent, error) { return a.Deactivate(event("")) },
		"delete":               func(a agent.Agent) (agent.Agent, error) { return a.Delete(event("")), nil },
	}
	for _, c := range []struct {
		from, verb string
		to         agent.Status
		same       bool
	}{
		{"draft", "activate", agent.Active, false},
		{"draft", "activate with reason", agent.Active, false},
		{"draft", "suspend", agent.Suspended, false},
		{"draft", "stop", agent.Suspended, false},
		{"draft", "deactivate", agent.Draft, true},
		{"draft", "delete", agent.Deleted, false},
		{"active", "activate", agent.Active, true},
		{"active", "activate with reason", agent.Active, true},
		{"active", "suspend", agent.Suspended, false},
		{"active", "stop", agent.Suspended, false},
		{"active", "deactivate", agent.Draft, false},
		{"active", "delete", agent.Deleted, false},
		{"suspended", "activate", agent.Active, false},
		{"suspended", "activate with reason", agent.Active, false},
		{"suspended", "suspend", agent.Suspended, true},
		{"suspended", "stop", agent.Suspended, false},
		{"suspended", "deactivate", agent.Draft, false},
		{"suspended", "delete", agent.Deleted, false},
		{"emergency suspended", "activate", refused, true},
		{"emergency suspended", "activate with reason", agent.Active, false},
		{"emergency suspended", "suspend", agent.Suspended, true},
		{"emergency suspended", "stop", agent.Suspended, true},
		{"emergency suspended", "deactivate", refused, true},
		{"emergency suspended", "delete", agent.Deleted, false},
	} {
		t.Run(c.from+", "+c.verb, func(t *testing.T) {
			before := start[c.from](begin())
			after, err := verbs[c.verb](before)
			if c.to == refused {
				if e := problem.As(err); err == nil || e.Kind != problem.KindInvalid && e.Kind != problem.KindInvalidState {
					t.Fatalf("got %v, want a refusal", err)
				}
				c.to = before.Status
			} else if err != nil {
				t.Fatal(err)
			}
			if after.Status != c.to {
				t.Errorf("became %s, want %s", after.Status, c.to)
			}
			if same := after.Revision == before.Revision; same != c.same {
				t.Errorf("revision %d became %d", before.Revision, after.Revision)
			}
			if (after.Suspension != nil) != (after.Status == agent.Suspended || after.Status == agent.Deleted && before.Suspension != nil) {
				t.Errorf("%s with suspension %+v", after.Status, after.Suspension)
			}
		})
	}
}

func TestAnEmergencyIsNotTakenBackByASuspension(t *testing.T) {
	a := begin().Suspend(agent.Emergency, event("fire")).Suspend(agent.Ordinary, event("tidy up"))
	if a.Suspension.Kind != agent.Emergency || a.Suspension.Reason != "fire" {
		t.Errorf("became %+v", a.Suspension)
	}
}

func TestActivationSaysWhoAndWhen(t *testing.T) {
	a, err := begin().Activate(event(""))
	if err != nil || a.ApprovedBy == nil || *a.ApprovedBy != "admin@example.com" || !a.ApprovedAt.Equal(noon) {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestConfigureMakesAVersionOnlyOfAChange(t *testing.T) {
	a := begin()
	same, changes := a.Configure(a.Config, event(""))
	if same.Number != 1 || same.Revision != a.Revision || changes != nil {
		t.Errorf("nothing changed, but the agent became version %d, revision %d", same.Number, same.Revision)
	}
	c := a.Config
	c.MaxRiskThreshold = 50
	next, changes := a.Configure(c, event(""))
	if next.Version != "1.1.0" || next.Number != 2 || next.Revision != a.Revision+1 || len(changes) != 1 || changes[0].Field != "max_risk_threshold" {
		t.Errorf("became version %s, number %d, with %v", next.Version, next.Number, changes)
	}
}

func TestANewLifeIsNotTakenForTheOld(t *testing.T) {
	old := begin().Delete(event(""))
	again := agent.Begin(old.Org, old.ID, 2, old.Config, event(""), old.Revision)
	if again.Revision <= old.Revision || again.Status != agent.Draft || again.Version != agent.FirstVersion || again.Number != 1 {
		t.Errorf("began as %+v", again)
	}
}

func TestAgentIDs(t *testing.T) {
	for id, ok := range map[agent.ID]bool{
		"": false, "ab": false, "abc": true, "a.b_c:d@e-F9": true, "a b": false, "ä-ö": false, "a/b": false, "a#b": false, "a\x00b": false,
		agent.ID(make64("a")): true, agent.ID(make64("a") + "a"): false,
	} {
		if id.Valid() != ok || (len(id.Validate()) == 0) != ok || regexp.MustCompile(agent.IDPattern).MatchString(string(id)) != ok {
			t.Errorf("%q: Valid %v, Validate %v; want %v", id, id.Valid(), id.Validate(), ok)
		}
	}
	if got := agent.ID("ab").Validate()[0].Detail; got != "agent_id must be 3-64 characters" {
		t.Errorf("said %q, documented is another", got)
	}
}

func make64(s string) string {
	for len(s) < 64 {
		s += s
	}
	return s[:64]
}

func begin() agent.Agent {
	c := agent.Defaults(agent.Supervised)
	c.DisplayName = "Agent"
	return agent.Begin(1, "my-agent", 1, c, event(""), 0)
}

func event(reason string) agent.Stamp {
	return agent.Stamp{At: noon, By: "admin@example.com", Reason: reason}
}
