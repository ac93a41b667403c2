package agent_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/agent"
)

// apply reads settings as a request gives them and applies them.
func apply(t *testing.T, base agent.Config, body string) (agent.Config, []string) {
	t.Helper()
	var s agent.Settings
	if err := json.Unmarshal([]byte(body), &s, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("read %s: %v", body, err)
	}
	c, invalid := s.Apply(base)
	var pointers []string
	for _, f := range invalid {
		pointers = append(pointers, f.Pointer)
	}
	return c, pointers
}

func TestDefaultsByType(t *testing.T) {
	for _, c := range []struct {
		typ            agent.Type
		auto, max, mfa int
	}{
		{agent.Supervised, 30, 80, 70},
		{agent.Autonomous, 20, 60, 50},
		{agent.Advisory, 40, 90, 80},
		{agent.MCPServer, 30, 80, 70},
		{agent.Custom, 30, 80, 70},
	} {
		t.Run(string(c.typ), func(t *testing.T) {
			got, invalid := apply(t, agent.Defaults(c.typ), `{"display_name": "x"}`)
			if len(invalid) != 0 {
				t.Fatalf("the defaults are refused: %v", invalid)
			}
			want := agent.Config{
				DisplayName: "x", Type: c.typ, DefaultRiskScore: 50, AutoApproveBelow: c.auto, MaxRiskThreshold: c.max,
				RequiresMFAAbove: c.mfa, AutonomousAutoApproveBelow: 20, AutonomousMaxRiskThreshold: 60, AlertOnHighRisk: true,
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestAbsentLeavesAndNullResets(t *testing.T) {
	all := `{"display_name": "A", "description": "d", "agent_type": "advisory", "default_risk_score": 1, "max_risk_threshold": 77,
		"auto_approve_below": 2, "requires_mfa_above": 3, "allowed_action_types": ["a"], "allowed_resources": ["r"],
		"blocked_resources": ["b"], "is_mcp_server": true, "mcp_server_url": "http://localhost:9/x", "mcp_capabilities": {"k": 1},
		"alert_on_high_risk": false, "alert_recipients": ["a@b.example"], "webhook_url": "https://h.example/x", "tags": ["t"],
		"metadata": {"big": 9007199254740993}, "model_id": 7}`
	set, invalid := apply(t, agent.Defaults(agent.Supervised), all)
	if len(invalid) != 0 {
		t.Fatalf("refused: %v", invalid)
	}
	if same, _ := apply(t, set, `{}`); len(agent.Diff(set, same)) != 0 {
		t.Errorf("empty settings changed %v", agent.Diff(set, same))
	}
	nulls := `{"description": null, "default_risk_score": null, "max_risk_threshold": null, "auto_approve_below": null,
		"requires_mfa_above": null, "allowed_action_types": null, "allowed_resources": null, "blocked_resources": null,
		"is_mcp_server": null, "mcp_server_url": null, "mcp_capabilities": null, "alert_on_high_risk": null,
		"alert_recipients": null, "webhook_url": null, "tags": null, "metadata": null, "model_id": null}`
	reset, invalid := apply(t, set, nulls)
	want := agent.Defaults(agent.Advisory)
	want.DisplayName = "A"
	if d := agent.Diff(want, reset); len(invalid) != 0 || len(d) != 0 {
		t.Errorf("null gave %v (refused %v), want the defaults of the type", d, invalid)
	}
	if c, _ := apply(t, set, `{"agent_type": null}`); c.Type != agent.Supervised || c.MaxRiskThreshold != 77 {
		t.Errorf("a null type gave %s with maximum %d, want supervised and the threshold that was set", c.Type, c.MaxRiskThreshold)
	}
}

func TestEveryOffendingFieldIsNamed(t *testing.T) {
	long := func(n int) string { return strings.Repeat("ä", n) }
	for _, c := range []struct{ name, body, pointers string }{
		{"a name is required", `{}`, "/display_name"},
		{"null is no name", `{"display_name": null}`, "/display_name"},
		{"spaces are no name", `{"display_name": " "}`, "/display_name"},
		{"255 characters are a name", `{"display_name": "` + long(255) + `"}`, ""},
		{"256 characters are none", `{"display_name": "` + long(256) + `"}`, "/display_name"},
		{"a name has no control characters", `{"display_name": "a\u0000b"}`, "/display_name"},
		{"a description may have lines", `{"display_name": "x", "description": "a\nb"}`, ""},
		{"a description is bounded", `{"display_name": "x", "description": "` + long(4097) + `"}`, "/description"},
		{"an unknown type", `{"display_name": "x", "agent_type": "Supervised"}`, "/agent_type"},
		{"all that is wrong at once", `{"default_risk_score": 101, "max_risk_threshold": -1, "auto_approve_below": 1000, "requires_mfa_above": 101}`,
			"/display_name /default_risk_score /auto_approve_below /max_risk_threshold /requires_mfa_above"},
		{"0 and 100 are scores", `{"display_name": "x", "default_risk_score": 0, "max_risk_threshold": 100, "auto_approve_below": 100, "requires_mfa_above": 0}`, ""},
		{"an empty entry", `{"display_name": "x", "allowed_resources": ["a", ""]}`, "/allowed_resources/1"},
		{"an entry too long", `{"display_name": "x", "tags": ["` + long(257) + `"]}`, "/tags/0"},
		{"too many entries", `{"display_name": "x", "blocked_resources": ["a"` + strings.Repeat(`,"a"`, 200) + `]}`, "/blocked_resources"},
		{"no e-mail", `{"display_name": "x", "alert_recipients": ["a@b.example", "Bob <b@b.example>", "c"]}`, "/alert_recipients/1 /alert_recipients/2"},
		{"a webhook by http", `{"display_name": "x", "webhook_url": "http://localhost/x"}`, "/webhook_url"},
		{"a webhook with credentials", `{"display_name": "x", "webhook_url": "https://u:p@h.example/"}`, "/webhook_url"},
		{"a relative webhook", `{"display_name": "x", "webhook_url": "/x"}`, "/webhook_url"},
		{"a webhook without host", `{"display_name": "x", "webhook_url": "https:///x"}`, "/webhook_url"},
		{"an MCP server of another scheme", `{"display_name": "x", "mcp_server_url": "file:///etc/passwd"}`, "/mcp_server_url"},
		{"metadata too large", `{"display_name": "x", "metadata": {"a": "` + long(8<<10) + `"}}`, "/metadata"},
		{"capabilities too large", `{"display_name": "x", "mcp_capabilities": {"a": "` + long(8<<10) + `"}}`, "/mcp_capabilities"},
		{"a model id that JSON readers would change", `{"display_name": "x", "model_id": 9007199254740992}`, "/model_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, got := apply(t, agent.Defaults(agent.Supervised), c.body)
			if strings.Join(got, " ") != c.pointers {
				t.Errorf("named %q, want %q", got, c.pointers)
			}
		})
	}
}

func TestAConfigurationIsBoundedAsAWhole(t *testing.T) {
	tags := func(n int) (s agent.Settings) {
		list := strings.Join(slices.Repeat([]string{`"` + strings.Repeat("ä", 256) + `"`}, n), ",")
		if err := json.Unmarshal([]byte(`{"display_name": "x", "tags": [`+list+`]}`), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if _, invalid := tags(120).Apply(agent.Defaults(agent.Supervised)); len(invalid) != 0 {
		t.Errorf("some 60 KB are refused: %v", invalid)
	}
	if _, invalid := tags(130).Apply(agent.Defaults(agent.Supervised)); len(invalid) != 1 || invalid[0].Pointer != "" {
		t.Errorf("some 66 KB: %v, want the body named", invalid)
	}
}

func TestAutoApprovalEndsAtTheMaximum(t *testing.T) {
	base := agent.Defaults(agent.Supervised) // 30 and 80
	for _, c := range []struct {
		name, body string
		auto, max  int // 0, 0: refused
	}{
		{"equal is allowed", `{"auto_approve_below": 50, "max_risk_threshold": 50}`, 50, 50},
		{"above it is refused", `{"auto_approve_below": 51, "max_risk_threshold": 50}`, 0, 0},
		{"above the current one too", `{"auto_approve_below": 81}`, 0, 0},
		{"a maximum lowered past it takes it along", `{"max_risk_threshold": 10}`, 10, 10},
		{"a maximum raised leaves it", `{"max_risk_threshold": 90}`, 30, 90},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, invalid := apply(t, base, `{"display_name": "x", `+c.body[1:])
			if refused := c.max == 0; refused != (len(invalid) != 0) {
				t.Fatalf("refused %v", invalid)
			}
			if c.max != 0 && (got.AutoApproveBelow != c.auto || got.MaxRiskThreshold != c.max) {
				t.Errorf("got %d and %d, want %d and %d", got.AutoApproveBelow, got.MaxRiskThreshold, c.auto, c.max)
			}
		})
	}
}

func TestApplyLeavesItsBaseAlone(t *testing.T) {
	base := differing(t)
	before, err := json.Marshal(base, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"null", "[]", `["changed"]`, `{"m": {"n": [1]}}`, `"https://changed.example"`, "8"} {
		for f := range reflect.TypeFor[agent.Settings]().Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			var s agent.Settings
			if json.Unmarshal([]byte(`{"`+name+`": `+member+`}`), &s) == nil {
				s.Apply(base)
			}
		}
	}
	if after, err := json.Marshal(base, json.Deterministic(true)); err != nil || string(after) != string(before) {
		t.Errorf("the base was %s\nand became %s, %v", before, after, err)
	}
}

func TestASettingIsNamedAsItsFieldOfTheConfiguration(t *testing.T) {
	for f := range reflect.TypeFor[agent.Settings]().Fields() {
		of, ok := reflect.TypeFor[agent.Config]().FieldByName(f.Name)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if want, _, _ := strings.Cut(of.Tag.Get("json"), ","); !ok || name != want {
			t.Errorf("setting %s is %s in JSON, its field %s", f.Name, name, want)
		}
	}
}

func TestAnAutonomousAgentIsHeldToTheStricterPair(t *testing.T) {
	for _, c := range []struct {
		name      string
		typ       agent.Type
		auto, max int
		want      agent.Thresholds
	}{
		{"supervised, its own", agent.Supervised, 30, 80, agent.Thresholds{AutoApproveBelow: 30, MaxRiskThreshold: 80, RequiresMFAAbove: 70, Type: agent.Supervised, Registered: true}},
		{"autonomous and looser", agent.Autonomous, 30, 80, agent.Thresholds{AutoApproveBelow: 20, MaxRiskThreshold: 60, RequiresMFAAbove: 50, Type: agent.Autonomous, Registered: true}},
		{"autonomous and stricter", agent.Autonomous, 5, 50, agent.Thresholds{AutoApproveBelow: 5, MaxRiskThreshold: 50, RequiresMFAAbove: 50, Type: agent.Autonomous, Registered: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := agent.Defaults(c.typ)
			config.AutoApproveBelow, config.MaxRiskThreshold = c.auto, c.max
			if got := config.Thresholds(); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
	if got := agent.Unregistered(); got.AutoApproveBelow != 30 || got.MaxRiskThreshold != 70 || got.Type != "unregistered" || got.Registered {
		t.Errorf("unregistered is held to %+v", got)
	}
}

func TestLimits(t *testing.T) {
	n := func(n int64) *int64 { return &n }
	base := agent.Limits{PerMinute: n(10), PerDay: n(500)}
	for _, c := range []struct {
		name, body string
		want       agent.Limits
		invalid    string
	}{
		{"absent leaves", `{}`, base, ""},
		{"null is unlimited", `{"max_actions_per_minute": null}`, agent.Limits{PerDay: n(500)}, ""},
		{"zero admits nothing", `{"max_actions_per_hour": 0}`, agent.Limits{PerMinute: n(10), PerHour: n(0), PerDay: n(500)}, ""},
		{"the largest", `{"max_actions_per_day": 1000000000}`, agent.Limits{PerMinute: n(10), PerDay: n(1_000_000_000)}, ""},
		{"out of bounds", `{"max_actions_per_minute": -1, "max_actions_per_day": 1000000001}`, agent.Limits{}, "/max_actions_per_minute /max_actions_per_day"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s agent.LimitSettings
			if err := json.Unmarshal([]byte(c.body), &s); err != nil {
				t.Fatal(err)
			}
			got, invalid := s.Apply(base)
			var pointers []string
			for _, f := range invalid {
				pointers = append(pointers, f.Pointer)
			}
			if strings.Join(pointers, " ") != c.invalid {
				t.Fatalf("refused %v, want %q", pointers, c.invalid)
			}
			if c.invalid == "" && !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestSettingsReadAsTheyAreWritten(t *testing.T) {
	for _, body := range []string{`{}`, `{"display_name":null}`, `{"display_name":"x","tags":[],"metadata":{"n":1e400}}`} {
		var s agent.Settings
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(s); err != nil || string(got) != body {
			t.Errorf("%s became %s, %v", body, got, err)
		}
	}
	for _, body := range []string{`{"tags":"x"}`, `{"metadata":[]}`, `{"default_risk_score":1.5}`, `{"default_risk_score":"1"}`} {
		if err := json.Unmarshal([]byte(body), new(agent.Settings)); err == nil {
			t.Errorf("%s was read", body)
		}
	}
}
