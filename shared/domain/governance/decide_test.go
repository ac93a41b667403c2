package governance

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"ascend/shared/domain/agent"
)

// registered is an active agent of a type's default thresholds whose action was counted.
func registered(auto, most int) Input {
	return Input{
		Agent: Agent{
			Registered: true, Status: agent.Active, Version: "1.0.0", AlertOnHighRisk: true,
			Thresholds: agent.Thresholds{AutoApproveBelow: auto, MaxRiskThreshold: most, RequiresMFAAbove: 70, Type: agent.Supervised, Registered: true},
		},
		Admission: Admission{Counted: true},
		Proposal:  Proposal{AgentID: "agent-1", ActionType: "email_send"}, // scores 35
	}
}

// dangerous scores above 80.
func dangerous(in Input) Input {
	in.Proposal.ActionType, in.Proposal.Resource, in.Proposal.Environment = "database_delete", "customer database", "production"
	in.Proposal.ContainsPII = true
	return in
}

func with(in Input, change func(*Input)) Input {
	change(&in)
	return in
}

func policy(effect Effect, priority int) Finding {
	return Finding{Rule: "pol_" + string(effect), Name: string(effect), Source: FromPolicy, Effect: effect, Priority: priority}
}

func TestDecide(t *testing.T) {
	base := registered(30, 80)
	cases := map[string]struct {
		in                         Input
		outcome                    Status
		decidedBy, code, enforcing string
	}{
		"a middling risk that no rule objects to is approved by its thresholds": {base, Approved, "threshold", "", "auto_approved"},
		"a risk below the automatic threshold is approved automatically":        {registered(40, 80), Approved, "auto_approve", "", "auto_approved"},
		"a risk at the maximum waits for a person":                              {registered(30, 35), Pending, "threshold", "", "pending_approval"},
		"a high risk waits for a person":                                        {dangerous(base), Pending, "threshold", "", "pending_approval"},
		"a draft agent may not act": {with(base, func(in *Input) { in.Agent.Status = agent.Draft }),
			Denied, "agent_state", CodeAgentNotActive, "denied"},
		"a suspended agent may not act": {with(base, func(in *Input) { in.Agent.Status = agent.Suspended }),
			Denied, "agent_state", CodeAgentNotActive, "denied"},
		"a deleted agent may not act": {with(base, func(in *Input) { in.Agent.Status = agent.Deleted }),
			Denied, "agent_state", CodeAgentNotActive, "denied"},
		"an unregistered agent is judged by the stricter thresholds": {Input{Agent: AgentOf(nil), Proposal: base.Proposal},
			Approved, "threshold", "", "auto_approved"},
		"an unregistered agent's high risk waits": {dangerous(Input{Agent: AgentOf(nil), Proposal: base.Proposal}),
			Pending, "threshold", "", "pending_approval"},
		"the kill switch stops everything": {with(registered(100, 100), func(in *Input) { in.KillSwitch = "incident 7" }),
			Denied, "kill_switch", CodeKillSwitch, "denied"},
		"an action type off the list is denied": {with(base, func(in *Input) { in.Agent.AllowedActionTypes = []string{"database_read"} }),
			Denied, "capabilities", CodeActionNotAllowed, "denied"},
		"an action type on the list is judged on": {with(base, func(in *Input) { in.Agent.AllowedActionTypes = []string{"Email_*"} }),
			Approved, "threshold", "", "auto_approved"},
		"a blocked resource is denied": {with(base, func(in *Input) {
			in.Agent.BlockedResources, in.Proposal.Resource = []string{"customer-pii"}, "Customer-PII/table"
		}), Denied, "capabilities", CodeResourceBlocked, "denied"},
		"a blocked name is denied wherever it stands": {with(base, func(in *Input) {
			in.Agent.BlockedResources, in.Proposal.Resource, in.Proposal.ResourceID = []string{"", "customer-pii"}, "x", "customer-pii"
		}), Denied, "capabilities", CodeResourceBlocked, "denied"},
		"blocked wins over allowed": {with(base, func(in *Input) {
			in.Agent.AllowedResources, in.Agent.BlockedResources = []string{"db"}, []string{"db.secrets"}
			in.Proposal.Resource = "db.secrets"
		}), Denied, "capabilities", CodeResourceBlocked, "denied"},
		"a resource off the list is denied": {with(base, func(in *Input) {
			in.Agent.AllowedResources, in.Proposal.Resource = []string{"production-db"}, "production-db-2"
		}), Denied, "capabilities", CodeResource, "denied"},
		"something within an allowed resource is judged on": {with(base, func(in *Input) {
			in.Agent.AllowedResources, in.Proposal.Resource = []string{"staging-db"}, "staging-db.orders"
		}), Approved, "threshold", "", "auto_approved"},
		"naming no resource does not slip past the list": {with(registered(100, 100), func(in *Input) { in.Agent.AllowedResources = []string{"db"} }),
			Pending, "capabilities", "", "pending_approval"},
		"a full limit denies": {with(base, func(in *Input) {
			in.Admission = Admission{Full: []FullWindow{{"minute", 3, 3, 10_000}, {"hour", 9, 9, 60_001}}}
		}), Denied, "rate_limit", CodeRateLimit, "denied"},
		"an action that could not be counted is denied": {with(base, func(in *Input) { in.Admission = Admission{} }),
			Denied, "rate_limit", CodeRateLimit, "denied"},
		"a policy that denies wins over any score": {with(registered(100, 100), func(in *Input) {
			in.Findings = []Finding{policy(Allow, 1), policy(Deny, 900)}
		}), Denied, "policy", CodePolicy, "denied"},
		"block is a synonym of deny": {with(base, func(in *Input) { in.Findings = []Finding{policy(Block, 1)} }),
			Denied, "policy", CodePolicy, "denied"},
		"an effect nobody knows denies": {with(base, func(in *Input) { in.Findings = []Finding{policy("alow", 1)} }),
			Denied, "policy", CodePolicy, "denied"},
		"a policy that wants approval holds however low the risk (decision 15)": {with(registered(100, 100), func(in *Input) {
			in.Findings = []Finding{policy(RequireApproval, 1)}
		}), Pending, "policy", "", "pending_approval"},
		"a policy that escalates says so": {with(base, func(in *Input) { in.Findings = []Finding{policy(Escalate, 1)} }),
			Pending, "policy", "", "escalated"},
		"a smart rule that wants approval holds": {with(registered(100, 100), func(in *Input) {
			in.Findings = []Finding{{Rule: "r1", Name: "r1", Source: FromSmartRule, Effect: RequireApproval}}
		}), Pending, "smart_rule", "", "pending_approval"},
		"an allowing policy does not lift the maximum": {with(dangerous(base), func(in *Input) { in.Findings = []Finding{policy(Allow, 1)} }),
			Pending, "threshold", "", "pending_approval"},
		"a caller may ask for a person": {with(registered(100, 100), func(in *Input) { in.Proposal.RequireApproval = true }),
			Pending, "caller", "", "pending_approval"},
		"the first refusal in the documented order gives the reason": {with(base, func(in *Input) {
			in.Agent.Status, in.KillSwitch, in.Findings = agent.Draft, "x", []Finding{policy(Deny, 1)}
		}), Denied, "agent_state", CodeAgentNotActive, "denied"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v := Decide(c.in)
			if v.Status != c.outcome || v.DecidedBy != c.decidedBy || v.Code != c.code || v.Enforcement != c.enforcing {
				t.Errorf("got %s by %s, code %q, %s; want %s by %s, code %q, %s\nreason: %s",
					v.Status, v.DecidedBy, v.Code, v.Enforcement, c.outcome, c.decidedBy, c.code, c.enforcing, v.Reason)
			}
			if v.Reason == "" || len(v.Checks) != 10 {
				t.Errorf("a verdict explains itself: reason %q, %d checks", v.Reason, len(v.Checks))
			}
			for _, check := range v.Checks {
				if check.Name == "" || check.Detail == "" || severity(check.Result) < 0 {
					t.Errorf("check without name, detail or known result: %+v", check)
				}
			}
		})
	}
}

func TestRetryAfterIsWhenAllFullWindowsHaveRoom(t *testing.T) {
	in := registered(30, 80)
	in.Admission = Admission{Full: []FullWindow{{"minute", 3, 3, 10_000}, {"hour", 9, 9, 60_001}}}
	if v := Decide(in); v.RetryAfterSeconds != 61 || !strings.Contains(v.Reason, "9 of 9 actions this hour") {
		t.Errorf("got %d s, %q", v.RetryAfterSeconds, v.Reason)
	}
}

func TestGoldenSubmission(t *testing.T) {
	v := Decide(registered(30, 80))
	if v.Risk.Score != 35 || v.Risk.Level != "low" || v.CVSS.Score != 3.5 || v.CVSS.Severity != "low" {
		t.Errorf("email_send: risk %v %s, CVSS %v %s; seeds/004 says 35.0 low, 3.5 low", v.Risk.Score, v.Risk.Level, v.CVSS.Score, v.CVSS.Severity)
	}
	want := Framework{NISTControl: "AC-3", NISTDescription: "Access Enforcement", MITRETactic: "TA0002", MITRETechnique: "T1566"}
	got := v.Framework
	got.Recommendation = ""
	if got != want {
		t.Errorf("framework %+v, want %+v", got, want)
	}
}

func TestAVectorThatCannotBeScoredIsCritical(t *testing.T) {
	if r := scored("CVSS:3.1/nonsense"); r.Score != 10 || r.Severity != "critical" {
		t.Errorf("got %+v", r)
	}
}

func TestOverridesAreTakenAndRecorded(t *testing.T) {
	in := registered(30, 80)
	in.Proposal.NISTControl, in.Proposal.MITRETactic = "SI-12", "TA0010"
	f := Decide(in).Framework
	if f.NISTControl != "SI-12" || f.MITRETactic != "TA0010" || !f.Overridden || f.NISTDescription == "" {
		t.Errorf("got %+v", f)
	}
}

func TestAlerts(t *testing.T) {
	quiet := dangerous(registered(30, 80))
	quiet.Agent.AlertOnHighRisk = false
	flagged := registered(30, 80)
	flagged.Findings = []Finding{policy(Flag, 1)}
	for name, c := range map[string]struct {
		in   Input
		want bool
	}{
		"a high risk alerts":                     {dangerous(registered(30, 80)), true},
		"a low risk does not":                    {registered(30, 80), false},
		"nor a high one where alerts are off":    {quiet, false},
		"a policy that flags allows and alerts":  {flagged, true},
		"an unregistered agent's high risk does": {dangerous(Input{Agent: AgentOf(nil)}), true},
	} {
		if got := Decide(c.in).Alert; got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if v := Decide(flagged); v.Status != Approved || v.PolicyDecision != Flag {
		t.Errorf("flag: %s, %s", v.Status, v.PolicyDecision)
	}
}

func TestPolicyDecisionIsThatOfTheLowestPriorityUnlessOneDenies(t *testing.T) {
	for name, c := range map[string]struct {
		findings []Finding
		want     Effect
	}{
		"no policy allows":                {nil, Allow},
		"the lowest number decides":       {[]Finding{policy(RequireApproval, 5), policy(Allow, 9)}, RequireApproval},
		"a refusal wins":                  {[]Finding{policy(RequireApproval, 5), policy(Block, 9)}, Deny},
		"smart rules have no say in it":   {[]Finding{{Source: FromSmartRule, Effect: Deny}}, Allow},
		"equal priorities go by their id": {[]Finding{policy(RequireApproval, 5), policy(Allow, 5)}, Allow},
	} {
		if got := policyDecision(c.findings); got != c.want {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestTheDecidingPolicyNamesTheWorkflow(t *testing.T) {
	in := registered(30, 80)
	second := policy(RequireApproval, 7)
	second.WorkflowID = "wf_2"
	first := policy(Escalate, 3)
	first.WorkflowID = "wf_1"
	in.Findings = []Finding{second, first}
	if v := Decide(in); v.WorkflowID != "wf_1" {
		t.Errorf("got %q", v.WorkflowID)
	}
}

func TestAWishForAPersonIsReadInWhateverForm(t *testing.T) {
	for _, c := range []struct {
		wish any
		want bool
	}{
		{nil, false}, {false, false}, {"false", false}, {"No", false}, {"", false}, {"0", false}, {0.0, false},
		{jsontext.Value("0"), false}, {jsontext.Value("-0.0"), false},
		{true, true}, {"true", true}, {"yes please", true}, {1.0, true}, {jsontext.Value("1"), true}, {map[string]any{}, true},
	} {
		in := registered(100, 100)
		in.Proposal.Context = map[string]any{"require_human_approval": c.wish}
		if got := Decide(in).Status == Pending; got != c.want {
			t.Errorf("%#v: held %v", c.wish, got)
		}
	}
}

func TestAnOutcomeHasAWordForClients(t *testing.T) {
	for outcome, want := range map[Status]string{Approved: "allowed", Pending: "pending", Denied: "denied", "": "denied"} {
		if got := outcome.Decision(); got != want {
			t.Errorf("%q: %s", outcome, got)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"a", "", false}, {"*", "", true}, {"*", "x", true}, {"a*c", "abbc", true}, {"a*c", "abcd", false},
		{"*a*b", "xaxbxb", true}, {"a**", "a", true}, {"ab", "a", false}, {strings.Repeat("*a", 50), strings.Repeat("a", 200), true},
	} {
		if got := glob(c.pattern, c.s); got != c.want {
			t.Errorf("glob(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}

func TestAgentOfTakesWhatADecisionNeeds(t *testing.T) {
	g := &agent.Agent{Status: agent.Active, Version: "1.2.0", Config: agent.Config{
		Type: agent.Autonomous, AutoApproveBelow: 40, MaxRiskThreshold: 90, AutonomousAutoApproveBelow: 20, AutonomousMaxRiskThreshold: 60,
		AllowedActionTypes: []string{"a"}, AllowedResources: []string{"b"}, BlockedResources: []string{"c"}, AlertOnHighRisk: true,
	}}
	got := AgentOf(g)
	want := Agent{
		Registered: true, Status: agent.Active, Version: "1.2.0", AlertOnHighRisk: true,
		Thresholds:         agent.Thresholds{AutoApproveBelow: 20, MaxRiskThreshold: 60, Type: agent.Autonomous, Registered: true},
		AllowedActionTypes: []string{"a"}, AllowedResources: []string{"b"}, BlockedResources: []string{"c"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

// inputs draws any input, sensible or not.
func inputs() *rapid.Generator[Input] {
	return rapid.Custom(func(t *rapid.T) Input {
		pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		in := registered(rapid.IntRange(0, 100).Draw(t, "auto"), rapid.IntRange(0, 100).Draw(t, "max"))
		in.Agent.Registered = rapid.Bool().Draw(t, "registered")
		in.Agent.Status = agent.Status(pick("status", "active", "draft", "suspended", "deleted", ""))
		in.Admission.Counted = rapid.Bool().Draw(t, "counted")
		in.KillSwitch = pick("kill switch", "", "", "", "stop")
		in.Proposal.ActionType = pick("type", "email_send", "data_access", "database_delete", "shell_execute", "no_such_type")
		in.Proposal.Environment = pick("environment", "", "production", "test")
		in.Proposal.Resource = pick("resource", "", "db", "db.secrets", "ssn table")
		in.Proposal.RequireApproval = rapid.Bool().Draw(t, "require approval")
		if rapid.Bool().Draw(t, "lists") {
			in.Agent.AllowedResources, in.Agent.BlockedResources = []string{"db"}, []string{"db.secrets"}
			in.Agent.AllowedActionTypes = []string{"data_access", "email_send"}
		}
		if !in.Admission.Counted && rapid.Bool().Draw(t, "full") {
			in.Admission.Full = []FullWindow{{"day", 5, 5, 1500}}
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "findings") {
			in.Findings = append(in.Findings, Finding{
				Rule: string(rune('a' + i)), Source: pick("source", FromPolicy, FromSmartRule),
				Effect:   Effect(pick("effect", "allow", "deny", "block", "require_approval", "escalate", "flag", "?")),
				Priority: rapid.IntRange(0, 3).Draw(t, "priority"),
			})
		}
		return in
	})
}

// TestDecideAgreesWithANaiveOracle says the rule of decisions 13 to 15 a
// second time, as the contract words it.
func TestDecideAgreesWithANaiveOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := inputs().Draw(t, "input")
		v := Decide(in)
		has := func(effects ...Effect) bool {
			return slices.ContainsFunc(in.Findings, func(f Finding) bool { return slices.Contains(effects, f.Effect) })
		}
		a, p := in.Agent, in.Proposal
		denied := a.Registered && a.Status != agent.Active || in.KillSwitch != "" ||
			len(a.AllowedActionTypes) > 0 && !slices.Contains(a.AllowedActionTypes, p.ActionType) ||
			len(a.BlockedResources) > 0 && p.Resource == "db.secrets" ||
			len(a.AllowedResources) > 0 && p.Resource == "ssn table" ||
			a.Registered && a.Status == agent.Active && !in.Admission.Counted || len(in.Admission.Full) > 0 ||
			has(Deny, Block, "?")
		held := has(RequireApproval, Escalate) || p.RequireApproval ||
			len(a.AllowedResources) > 0 && p.Resource == "" ||
			v.Risk.Score >= float64(a.Thresholds.MaxRiskThreshold)
		want := Approved
		if held {
			want = Pending
		}
		if denied {
			want = Denied
		}
		if v.Status != want {
			t.Fatalf("got %s because %q, the oracle says %s", v.Status, v.Reason, want)
		}
	})
}

// TestADecisionCanBeMadeAgainFromItsRecord is invariant I13 at its core.
func TestADecisionCanBeMadeAgainFromItsRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := inputs().Draw(t, "input")
		first := Decide(in)
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var again Input
		if err := json.Unmarshal(raw, &again); err != nil {
			t.Fatal(err)
		}
		if second := Decide(again); !reflect.DeepEqual(first, second) {
			t.Fatalf("decided again: %+v, first %+v", second, first)
		}
	})
}

func FuzzDecideNeverApprovesWhatARuleRefuses(f *testing.F) {
	f.Add("email_send", "db", "production", "active", true)
	f.Add("", "\xff", "\x00", "?", false)
	f.Fuzz(func(t *testing.T, actionType, resource, environment, status string, counted bool) {
		in := registered(100, 100)
		in.Proposal = Proposal{AgentID: "agent-1", ActionType: actionType, Resource: resource, Environment: environment, Context: map[string]any{"environment": environment}}
		in.Agent.Status, in.Admission.Counted = agent.Status(status), counted
		in.Findings = []Finding{policy(Deny, 1)}
		if v := Decide(in); v.Status != Denied {
			t.Errorf("%s although a policy denies", v.Status)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	in := dangerous(registered(30, 80))
	b.ReportAllocs()
	for b.Loop() {
		Decide(in)
	}
}
