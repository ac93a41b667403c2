package workflow_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
)

func TestAnApproverAdmitsWhomItNames(t *testing.T) {
	admin := tenant.Principal{Role: tenant.Admin, Email: "Ada@X.example"}
	for _, c := range []struct {
		name  string
		entry workflow.Approver
		who   tenant.Principal
		want  bool
	}{
		{"the role", workflow.Approver{Role: tenant.Admin}, admin, true},
		{"another role", workflow.Approver{Role: tenant.Manager}, admin, false},
		{"the e-mail, in another case", workflow.Approver{Email: "ada@x.EXAMPLE"}, admin, true},
		{"another e-mail", workflow.Approver{Email: "eve@x.example"}, admin, false},
		{"an e-mail with a letter that folds to the same", workflow.Approver{Email: "kim@x.example"}, tenant.Principal{Email: "\u212Aim@x.example"}, false},
		{"nobody by an empty entry", workflow.Approver{}, tenant.Principal{}, false},
		{"nobody without an e-mail", workflow.Approver{Email: "ada@x.example"}, tenant.Principal{Role: tenant.Admin}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.entry.Admits(c.who); got != c.want {
				t.Errorf("%v admits %+v: %v", c.entry, c.who, got)
			}
		})
	}
}

func TestTheBandOfTheScore(t *testing.T) {
	for score, hours := range map[float64]int{0: 24, 49.99: 24, 50: 8, 69.99: 8, 70: 4, 89.99: 4, 90: 2, 100: 2} {
		if got := workflow.Band(score); got != time.Duration(hours)*time.Hour {
			t.Errorf("at %v people have %s, want %d h", score, got, hours)
		}
	}
}

func TestATriggerMatches(t *testing.T) {
	p := governance.Proposal{
		AgentID: "agent-1", ActionType: "Database_Delete", ResourceType: "Database",
		Context: map[string]any{"environment": "PROD"},
	}
	bound := func(f float64) *float64 { return &f }
	in := func(name string) governance.Proposal {
		p := p
		p.Environment, p.Context = name, nil
		return p
	}
	for _, c := range []struct {
		name    string
		trigger workflow.Trigger
		p       governance.Proposal
		want    bool
	}{
		{"nothing asked", workflow.Trigger{}, p, false},
		{"the score at the lower bound", workflow.Trigger{MinRisk: bound(75)}, p, true},
		{"the score below it", workflow.Trigger{MinRisk: bound(75.1)}, p, false},
		{"the score at the upper bound", workflow.Trigger{MaxRisk: bound(75)}, p, true},
		{"the score above it", workflow.Trigger{MaxRisk: bound(74.9)}, p, false},
		{"one of the action types", workflow.Trigger{ActionTypes: []string{"x", " database_delete "}}, p, true},
		{"none of the action types", workflow.Trigger{ActionTypes: []string{"database"}}, p, false},
		{"the resource type", workflow.Trigger{ResourceTypes: []string{"DATABASE"}}, p, true},
		{"a resource type that was not stated", workflow.Trigger{ResourceTypes: []string{"database"}}, governance.Proposal{}, false},
		{"the environment of the context, by its other name", workflow.Trigger{Environments: []string{"production"}}, p, true},
		{"another environment", workflow.Trigger{Environments: []string{"staging", "dev"}}, p, false},
		{"the environment itself", workflow.Trigger{Environments: []string{"stage"}}, in("Staging"), true},
		{"an environment of one's own", workflow.Trigger{Environments: []string{"plant 7"}}, in("Plant 7"), true},
		{"an environment that is not known is also production", workflow.Trigger{Environments: []string{"prod"}}, in("prodd"), true},
		{"production is in no environment of one's own", workflow.Trigger{Environments: []string{"plant 7"}}, in("production"), false},
		{"an environment that was not stated is production", workflow.Trigger{Environments: []string{"prod"}}, in(""), true},
		{"one that was stated as nothing is too", workflow.Trigger{Environments: []string{"production"}}, in(" "), true},
		{"an environment that was not stated is no other", workflow.Trigger{Environments: []string{"staging", "plant 7"}}, in(""), false},
		{"the gravest of several environments", workflow.Trigger{Environments: []string{"production"}},
			governance.Proposal{Environment: "test", Context: map[string]any{"environment": []any{"sandbox", "production"}}}, true},
		{"not a lesser one beside it", workflow.Trigger{Environments: []string{"test"}},
			governance.Proposal{Environment: "test", Context: map[string]any{"environment": "production"}}, false},
		{"the agent", workflow.Trigger{AgentIDs: []string{"agent-1"}}, p, true},
		{"an agent in another case is another", workflow.Trigger{AgentIDs: []string{"Agent-1"}}, p, false},
		{"all of several", workflow.Trigger{MinRisk: bound(70), MaxRisk: bound(80), ActionTypes: []string{"database_delete"}, AgentIDs: []string{"agent-1"}}, p, true},
		{"all but one of several", workflow.Trigger{MinRisk: bound(70), ActionTypes: []string{"database_delete"}, AgentIDs: []string{"agent-2"}}, p, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.trigger.Matches(c.p, 75); got != c.want {
				t.Errorf("matches: %v", got)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	stages := []workflow.Stage{{Name: "s", MinApprovers: 1, TimeoutSeconds: 5, Approvers: []workflow.Approver{{Role: tenant.Admin}}}}
	triggered := &workflow.Trigger{ActionTypes: []string{"email_send"}}
	all := []workflow.Workflow{
		{ID: "wf_1", Kind: workflow.Quorum, Stages: stages, Priority: 100, Trigger: triggered},
		{ID: "wf_3", Kind: workflow.Single, Stages: stages, Priority: 50, Trigger: triggered},
		{ID: "wf_2", Kind: workflow.Single, Stages: stages, Priority: 50, Trigger: triggered},
		{ID: "wf_0", Kind: workflow.MultiStage, Stages: stages, Priority: 1},
	}
	for _, c := range []struct{ name, byPolicy, byAgent, actionType, source, id string }{
		{"the policy's", "wf_0", "wf_1", "email_send", workflow.FromPolicy, "wf_0"},
		{"the agent's, without a policy's", "", "wf_1", "email_send", workflow.FromAgent, "wf_1"},
		{"the agent's, where the policy's is gone", "wf_9", "wf_1", "email_send", workflow.FromAgent, "wf_1"},
		{"the first that matches, by priority and id", "", "", "email_send", workflow.FromTrigger, "wf_2"},
		{"the first that matches, where the agent's is gone", "wf_9", "wf_8", "email_send", workflow.FromTrigger, "wf_2"},
		{"the band, where none matches", "", "", "data_read", workflow.FromBand, ""},
		{"the band, where nothing else is left", "wf_9", "wf_8", "data_read", workflow.FromBand, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan := workflow.Choose(all, c.byPolicy, c.byAgent, governance.Proposal{ActionType: c.actionType}, 70)
			id, kind := "", workflow.Single
			if plan.Workflow != nil {
				id = plan.Workflow.ID
				kind = all[slices.IndexFunc(all, func(w workflow.Workflow) bool { return w.ID == id })].Kind
			}
			if plan.Source != c.source || id != c.id || plan.Kind != kind {
				t.Errorf("chose %s %q (%s), want %s %q (%s)", plan.Source, id, plan.Kind, c.source, c.id, kind)
			}
		})
	}
	band := workflow.Choose(nil, "", "", governance.Proposal{}, 70).Stages
	if len(band) != 1 || band[0].Timeout() != 4*time.Hour || band[0].MinApprovers != 1 ||
		!slices.Equal(band[0].Approvers, []workflow.Approver{{Role: tenant.Admin}, {Role: tenant.Manager}}) {
		t.Errorf("the band's stages are %+v", band)
	}
}

// TestChooseAgreesWithANaiveOracle says the rule of decision 30 a second time.
func TestChooseAgreesWithANaiveOracle(t *testing.T) {
	words := []string{"", "a", "A", "b", "production", "prod", "dev", "development"}
	rapid.Check(t, func(t *rapid.T) {
		word := func(label string) string { return rapid.SampledFrom(words).Draw(t, label) }
		list := func(label string) []string {
			return rapid.SliceOfN(rapid.SampledFrom(words[1:]), 0, 2).Draw(t, label)
		}
		risk := func(label string) *float64 {
			if !rapid.Bool().Draw(t, label+" given") {
				return nil
			}
			f := float64(rapid.IntRange(0, 4).Draw(t, label) * 25)
			return &f
		}
		var all []workflow.Workflow
		for _, id := range rapid.Permutation([]string{"wf_a", "wf_b", "wf_c"}).Draw(t, "ids")[:rapid.IntRange(0, 3).Draw(t, "count")] {
			w := workflow.Workflow{ID: id, Priority: rapid.IntRange(0, 2).Draw(t, "priority")}
			if rapid.Bool().Draw(t, "trigger") {
				w.Trigger = &workflow.Trigger{
					MinRisk: risk("min"), MaxRisk: risk("max"), ActionTypes: list("types"),
					ResourceTypes: list("resources"), Environments: list("environments"), AgentIDs: list("agents"),
				}
			}
			all = append(all, w)
		}
		p := governance.Proposal{AgentID: agent.ID(word("agent")), ActionType: word("type"), ResourceType: word("resource"), Environment: word("environment")}
		score := float64(rapid.IntRange(0, 100).Draw(t, "score"))
		names := rapid.SampledFrom([]string{"", "wf_a", "wf_b", "wf_c", "wf_d"})
		byPolicy, byAgent := names.Draw(t, "by policy"), names.Draw(t, "by agent")

		source, id := workflow.FromBand, ""
		best := 3
		for _, w := range all {
			if w.Trigger != nil && fits(*w.Trigger, p, score) && (w.Priority < best || w.Priority == best && w.ID < id) {
				source, id, best = workflow.FromTrigger, w.ID, w.Priority
			}
		}
		for _, w := range all {
			if w.ID == byAgent {
				source, id = workflow.FromAgent, w.ID
			}
		}
		for _, w := range all {
			if w.ID == byPolicy {
				source, id = workflow.FromPolicy, w.ID
			}
		}

		plan := workflow.Choose(all, byPolicy, byAgent, p, score)
		got := ""
		if plan.Workflow != nil {
			got = plan.Workflow.ID
		}
		if plan.Source != source || got != id {
			t.Fatalf("chose %s %q, want %s %q", plan.Source, got, source, id)
		}
	})
}

// fits is a trigger's meaning in the simplest words.
func fits(trigger workflow.Trigger, p governance.Proposal, score float64) bool {
	asked := false
	if trigger.MinRisk != nil {
		asked = true
		if score < *trigger.MinRisk {
			return false
		}
	}
	if trigger.MaxRisk != nil {
		asked = true
		if score > *trigger.MaxRisk {
			return false
		}
	}
	lower := strings.ToLower
	long := func(s string) string {
		switch s = lower(s); s {
		case "prod":
			return "production"
		case "dev":
			return "development"
		}
		return s
	}
	for _, list := range []struct {
		entries []string
		same    func(string) bool
	}{
		{trigger.ActionTypes, func(e string) bool { return lower(e) == lower(p.ActionType) }},
		{trigger.ResourceTypes, func(e string) bool { return lower(e) == lower(p.ResourceType) }},
		{trigger.Environments, func(e string) bool {
			stated := long(p.Environment)
			known := stated == "production" || stated == "development"
			return long(e) == stated || !known && long(e) == "production"
		}},
		{trigger.AgentIDs, func(e string) bool { return e == string(p.AgentID) }},
	} {
		if len(list.entries) == 0 {
			continue
		}
		asked = true
		found := false
		for _, e := range list.entries {
			found = found || list.same(e)
		}
		if !found {
			return false
		}
	}
	return asked
}
