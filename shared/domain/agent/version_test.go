package agent_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/agent"
)

// differing is a configuration that differs from Defaults(Supervised) in every field.
func differing(t *testing.T) agent.Config {
	t.Helper()
	c, invalid := apply(t, agent.Config{AutonomousAutoApproveBelow: 21, AutonomousMaxRiskThreshold: 61}, `{"display_name": "A",
		"description": "d", "agent_type": "advisory", "default_risk_score": 1, "max_risk_threshold": 77, "auto_approve_below": 2,
		"requires_mfa_above": 3, "allowed_action_types": ["a"], "allowed_resources": ["r"], "blocked_resources": ["b"],
		"is_mcp_server": true, "mcp_server_url": "http://localhost:9/x", "mcp_capabilities": {"k": 1}, "alert_on_high_risk": false,
		"alert_recipients": ["a@b.example"], "webhook_url": "https://h.example/x", "tags": ["t"], "metadata": {"m": 1}, "model_id": 7}`)
	if len(invalid) != 0 {
		t.Fatal(invalid)
	}
	one := int64(1)
	c.Limits.PerHour = &one
	c.Escalation = &agent.Escalation{AllowQueuedApproval: true, WorkflowID: "wf_1", TimeoutSeconds: 60}
	different(t, &c)
	return c
}

// different changes the plain fields of a configuration that are still the defaults.
func different(t *testing.T, c *agent.Config) {
	t.Helper()
	v, def := reflect.ValueOf(c).Elem(), reflect.ValueOf(agent.Defaults(agent.Supervised))
	for i := range v.NumField() {
		if !reflect.DeepEqual(v.Field(i).Interface(), def.Field(i).Interface()) {
			continue
		}
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Int, reflect.Int64:
			f.SetInt(f.Int() + 1)
		case reflect.Bool:
			f.SetBool(!f.Bool())
		default:
			t.Fatalf("give %s another value than its default in differing", v.Type().Field(i).Name)
		}
	}
}

func TestDiffKnowsEveryField(t *testing.T) {
	for f := range reflect.TypeFor[agent.Config]().Fields() {
		var before, after agent.Config
		fill(t, reflect.ValueOf(&after).Elem().FieldByIndex(f.Index))
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if changes := agent.Diff(before, after); len(changes) != 1 || changes[0].Field != name {
			t.Errorf("a change of %s makes the difference %+v", f.Name, changes)
		}
	}
}

// fill gives a field of Config another value than its zero value.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf("v"))
	case reflect.Struct:
		fill(t, v.Field(0))
	default:
		t.Fatalf("fill knows no %s", v.Type())
	}
}

func TestDiff(t *testing.T) {
	base := agent.Defaults(agent.Supervised)
	for _, c := range []struct{ name, from, to, want string }{
		{"the same", `{"tags": ["a"], "metadata": {"a": 1, "b": 2}}`, `{"tags": ["a"], "metadata": {"b": 2, "a": 1}}`, `[]`},
		{"a missing list is an empty one", `{}`, `{"tags": [], "metadata": {}}`, `[]`},
		{"order matters in a list", `{"tags": ["a", "b"]}`, `{"tags": ["b", "a"]}`, `[{"field":"tags","from":["a","b"],"to":["b","a"]}]`},
		{"an optional field", `{"model_id": 1}`, `{}`, `[{"field":"model_id","from":1,"to":null}]`},
		{"numbers beyond a float", `{"metadata": {"n": 9007199254740992}}`, `{"metadata": {"n": 9007199254740993}}`,
			`[{"field":"metadata","from":{"n":9007199254740992},"to":{"n":9007199254740993}}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, _ := apply(t, base, c.from)
			to, _ := apply(t, base, c.to)
			got, err := json.Marshal(agent.Diff(from, to))
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestConfigurationsSurviveTheStore(t *testing.T) {
	before := differing(t)
	text, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	var after agent.Config
	if err := json.Unmarshal(text, &after); err != nil {
		t.Fatal(err)
	}
	if d := agent.Diff(before, after); len(d) != 0 {
		t.Errorf("read back, it differs in %v", d)
	}
}

func TestBump(t *testing.T) {
	change := func(names ...string) []agent.FieldChange {
		changes := make([]agent.FieldChange, len(names))
		for i, name := range names {
			changes[i].Field = name
		}
		return changes
	}
	for _, c := range []struct {
		name, from string
		changes    []agent.FieldChange
		want       string
	}{
		{"no change", "1.2.3", nil, "1.2.3"},
		{"metadata", "1.2.3", change("tags", "display_name"), "1.2.4"},
		{"notifications", "1.2.3", change("webhook_url"), "1.2.4"},
		{"a threshold", "1.2.3", change("tags", "max_risk_threshold"), "1.3.0"},
		{"a capability", "1.2.3", change("blocked_resources"), "1.3.0"},
		{"a control", "1.0.0", change("rate_limits"), "1.1.0"},
		{"the type", "1.2.3", change("agent_type", "tags"), "2.0.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := agent.Bump(c.from, c.changes)
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if order, ok := agent.CompareVersions(got, c.from); !ok || (len(c.changes) > 0) != (order > 0) {
				t.Errorf("%s does not come after %s", got, c.from)
			}
		})
	}
}

func TestCompareVersionsRefusesOtherForms(t *testing.T) {
	for _, bad := range []string{"", "1", "1.0", "1.0.0.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "1.+0.0", "1.-1.0", "1.0.99999999999999999999"} {
		if _, ok := agent.CompareVersions("1.0.0", bad); ok {
			t.Errorf("%q was taken for a version", bad)
		}
	}
	if order, ok := agent.CompareVersions("1.10.0", "1.9.9"); !ok || order <= 0 {
		t.Error("1.10.0 must come after 1.9.9")
	}
}
