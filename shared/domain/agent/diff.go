package agent

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Change is one field of a configuration that differs between two of its versions.
type Change struct {
	Field string         `json:"field"`
	From  jsontext.Value `json:"from"`
	To    jsontext.Value `json:"to"`
}

// class is which part of a semantic version a change of a field raises (decision 11).
type class int

const (
	patch class = iota // what describes the agent
	minor              // what controls it
	major              // what it is
)

// fields is every field of Config, in its order.
var fields = []struct {
	name  string
	class class
}{
	{"display_name", patch},
	{"description", patch},
	{"agent_type", major},
	{"default_risk_score", minor},
	{"auto_approve_below", minor},
	{"max_risk_threshold", minor},
	{"requires_mfa_above", minor},
	{"autonomous_auto_approve_below", minor},
	{"autonomous_max_risk_threshold", minor},
	{"allowed_action_types", minor},
	{"allowed_resources", minor},
	{"blocked_resources", minor},
	{"is_mcp_server", minor},
	{"mcp_server_url", minor},
	{"mcp_capabilities", minor},
	{"alert_on_high_risk", patch},
	{"alert_recipients", patch},
	{"webhook_url", patch},
	{"tags", patch},
	{"metadata", patch},
	{"model_id", patch},
	{"rate_limits", minor},
	{"escalation", minor},
}

// Diff lists the fields in which two configurations differ, in the order of
// Config. A missing list or object is the same as an empty one, an absent
// field the same as null.
func Diff(before, after Config) []Change {
	from, to := before.members(), after.members()
	var changes []Change
	for _, f := range fields {
		old, now := from[f.name], to[f.name]
		if !bytes.Equal(old, now) {
			changes = append(changes, Change{f.name, old, now})
		}
	}
	return changes
}

// members is the configuration as JSON, field by field.
func (c Config) members() map[string]jsontext.Value {
	var m map[string]jsontext.Value
	text, err := json.Marshal(c, json.Deterministic(true))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil { // Apply lets no such configuration through
		panic(fmt.Sprintf("agent: a configuration that is not JSON: %v", err))
	}
	return m
}
