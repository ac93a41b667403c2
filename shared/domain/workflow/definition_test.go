package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/workflow"
)

// define reads a definition as a request gives it.
func define(t *testing.T, body string) (w workflow.Workflow, invalid []string) {
	t.Helper()
	var d workflow.Definition
	if err := json.Unmarshal([]byte(body), &d, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("read %s: %v", body, err)
	}
	w, fields := d.Workflow()
	for _, f := range fields {
		invalid = append(invalid, f.Pointer)
	}
	return w, invalid
}

func TestADefinitionBecomesStages(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{
			"the documented one (seeds/003)",
			`{"name": "Manager Approval", "type": "single_approval", "approvers": [{"role": "manager"}], "timeout_seconds": 3600}`,
			`{"id":"","name":"Manager Approval","type":"single_approval","stages":[{"name":"approval","approvers":[{"role":"manager"}],"timeout_seconds":3600,"min_approvers":1}],"priority":100,"created_at":"0001-01-01T00:00:00Z","created_by":""}`,
		},
		{
			"a quorum, whose trigger has no condition",
			`{"name": "Q", "type": "quorum", "approvers": [{"email": "a@x.example"}, {"email": "b@x.example"}], "timeout_seconds": 1, "min_approvers": 2, "priority": 0, "trigger_conditions": {"agent_ids": []}}`,
			`{"id":"","name":"Q","type":"quorum","stages":[{"name":"approval","approvers":[{"email":"a@x.example"},{"email":"b@x.example"}],"timeout_seconds":1,"min_approvers":2}],"priority":0,"created_at":"0001-01-01T00:00:00Z","created_by":""}`,
		},
		{
			"stages, with all conditions",
			`{"name": "S", "type": "multi_stage", "stages": [{"name": "one", "approvers": [{"role": "manager"}], "timeout_seconds": 60}, {"name": "two", "approvers": [{"role": "admin"}, {"email": "a@x.example"}], "timeout_seconds": 2592000, "min_approvers": 19}],
			  "trigger_conditions": {"min_risk": 0, "max_risk": 99.5, "action_types": ["a"], "resource_types": ["r"], "environments": ["e"], "agent_ids": ["i"]}}`,
			`{"id":"","name":"S","type":"multi_stage","stages":[{"name":"one","approvers":[{"role":"manager"}],"timeout_seconds":60,"min_approvers":1},{"name":"two","approvers":[{"role":"admin"},{"email":"a@x.example"}],"timeout_seconds":2592000,"min_approvers":19}],` +
				`"priority":100,"trigger":{"min_risk":0,"max_risk":99.5,"action_types":["a"],"resource_types":["r"],"environments":["e"],"agent_ids":["i"]},"created_at":"0001-01-01T00:00:00Z","created_by":""}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, invalid := define(t, c.body)
			got, err := json.Marshal(w, json.Deterministic(true))
			if err != nil || invalid != nil || string(got) != c.want {
				t.Errorf("got  %s, refused %v, %v\nwant %s", got, invalid, err, c.want)
			}
		})
	}
}

func TestADefinitionThatIsNotValidNamesEachField(t *testing.T) {
	single := func(members string) string {
		return `{"name": "S", "type": "single_approval", "approvers": [{"role": "admin"}], "timeout_seconds": 60` + members + `}`
	}
	approvers := func(list string) string {
		return `{"name": "S", "type": "single_approval", "approvers": [` + list + `], "timeout_seconds": 60}`
	}
	quorum := func(n string, list string) string {
		return `{"name": "Q", "type": "quorum", "approvers": [` + list + `], "timeout_seconds": 60` + n + `}`
	}
	stages := func(list string) string { return `{"name": "M", "type": "multi_stage", "stages": [` + list + `]}` }
	const stage = `{"name": "s", "approvers": [{"role": "admin"}], "timeout_seconds": 2592000}`
	many := func(n int, each string) string { return strings.Join(slices.Repeat([]string{each}, n), ",") }
	people := func(from, n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"email": "p%d@x.example"}`, from+i))
		}
		return strings.Join(list, ",")
	}
	for _, c := range []struct{ name, body, want string }{
		{"nothing", `{}`, "/name /type"},
		{"a blank name", `{"name": " ", "type": "quorum"}`, "/name /min_approvers /approvers /timeout_seconds"},
		{"a name of 100 characters is not too long", strings.Replace(single(``), `"S"`, `"`+strings.Repeat("é", 100)+`"`, 1), ""},
		{"a name too long", strings.Replace(single(``), `"S"`, `"`+strings.Repeat("é", 101)+`"`, 1), "/name"},
		{"a name of several lines", strings.Replace(single(``), `"S"`, `"a\nb"`, 1), "/name"},
		{"another type", `{"name": "S", "type": "Quorum"}`, "/type"},
		{"stages of a single approval", single(`, "stages": [` + stage + `]`), "/stages"},
		{"one approver said", single(`, "min_approvers": 1`), ""},
		{"two approvers of a single approval", single(`, "min_approvers": 2`), "/min_approvers"},
		{"no time", `{"name": "S", "type": "single_approval", "approvers": [{"role": "admin"}]}`, "/timeout_seconds"},
		{"0 seconds", strings.Replace(single(``), "60", "0", 1), "/timeout_seconds"},
		{"30 days", strings.Replace(single(``), "60", "2592000", 1), ""},
		{"more than 30 days", strings.Replace(single(``), "60", "2592001", 1), "/timeout_seconds"},
		{"a priority below 0", single(`, "priority": -1`), "/priority"},
		{"a priority above a million", single(`, "priority": 1000001`), "/priority"},

		{"nobody", approvers(``), "/approvers"},
		{"neither role nor e-mail", approvers(`{}`), "/approvers/0"},
		{"both role and e-mail", approvers(`{"role": "admin", "email": "a@x.example"}`), "/approvers/0"},
		{"a role that cannot approve", approvers(`{"role": "manager"}, {"role": "user"}`), "/approvers/1/role"},
		{"a role in capitals", approvers(`{"role": "Admin"}`), "/approvers/0/role"},
		{"no address", approvers(`{"email": "someone"}`), "/approvers/0/email"},
		{"a name beside the address", approvers(`{"email": "A <a@x.example>"}`), "/approvers/0/email"},
		{"an address too long", approvers(`{"email": "` + strings.Repeat("a", 250) + `@x.example"}`), "/approvers/0/email"},
		{"a person twice", approvers(`{"email": "a@x.example"}, {"role": "admin"}, {"email": "A@X.example"}`), "/approvers/2"},
		{"a role twice", approvers(`{"role": "admin"}, {"role": "admin"}`), "/approvers/1"},
		{"20 approvers", approvers(people(0, 20)), ""},
		{"21 approvers", approvers(people(0, 21)), "/approvers"},

		{"a quorum of none", quorum(`, "min_approvers": 0`, `{"role": "admin"}`), "/min_approvers"},
		{"a quorum of nobody said", quorum(``, `{"role": "admin"}`), "/min_approvers"},
		{"a quorum of 20 of a role", quorum(`, "min_approvers": 20`, `{"role": "admin"}`), ""},
		{"a quorum of 21", quorum(`, "min_approvers": 21`, `{"role": "admin"}`), "/min_approvers"},
		{"a quorum of all the people named", quorum(`, "min_approvers": 3`, people(0, 3)), ""},
		{"a quorum of more than the people named", quorum(`, "min_approvers": 4`, people(0, 3)), "/min_approvers"},
		{"a quorum of more than named, but a role may fill it", quorum(`, "min_approvers": 4`, people(0, 3)+`, {"role": "admin"}`), ""},

		{"no stages", stages(``), "/stages"},
		{"10 stages that take 90 days", stages(stage + "," + stage + "," + strings.Replace(stage, "2592000", "2591993", 1) + "," + many(7, strings.Replace(stage, "2592000", "1", 1))), ""},
		{"stages that take a second more than 90 days", stages(many(3, stage) + "," + strings.Replace(stage, "2592000", "1", 1)), "/stages"},
		{"10 stages of 20 people together", stages(many(10, `{"name": "s", "approvers": [{"role": "admin"}], "timeout_seconds": 1, "min_approvers": 2}`)), ""},
		{"stages of 21 people together", stages(stage + "," + strings.Replace(stage, "2592000", `1, "min_approvers": 20`, 1)), "/stages"},
		{"11 stages", stages(many(11, strings.Replace(stage, "2592000", "1", 1))), "/stages"},
		{"what belongs into the stages", `{"name": "M", "type": "multi_stage", "approvers": [{"role": "admin"}], "timeout_seconds": 1, "min_approvers": 1, "stages": [` + stage + `]}`, "/approvers /timeout_seconds /min_approvers"},
		{"a stage without anything", stages(stage + `, {}`), "/stages/1/name /stages/1/approvers /stages/1/timeout_seconds"},
		{"a stage out of bounds", stages(`{"name": "s", "approvers": [{"role": "user"}], "timeout_seconds": 0, "min_approvers": 0}`), "/stages/0/approvers/0/role /stages/0/timeout_seconds /stages/0/min_approvers"},
		{"a stage of more than the people named", stages(`{"name": "s", "approvers": [` + people(0, 2) + `], "timeout_seconds": 1, "min_approvers": 3}`), "/stages/0/min_approvers"},
		{"one person for two stages", stages(`{"name": "s", "approvers": [` + people(0, 1) + `], "timeout_seconds": 1}, {"name": "t", "approvers": [{"email": "P0@x.example"}], "timeout_seconds": 1}`), "/stages"},
		{"one person for a stage, and a role for the other", stages(`{"name": "s", "approvers": [` + people(0, 1) + `], "timeout_seconds": 1}, {"name": "t", "approvers": [` + people(0, 1) + `, {"role": "admin"}], "timeout_seconds": 1}`), ""},
		{"people who just suffice when they are well spread", stages(`{"name": "s", "approvers": [` + people(0, 3) + `], "timeout_seconds": 1}, {"name": "t", "approvers": [` + people(0, 2) + `], "timeout_seconds": 1, "min_approvers": 2}`), ""},
		{"people who do not suffice however spread", stages(`{"name": "s", "approvers": [` + people(0, 3) + `], "timeout_seconds": 1, "min_approvers": 2}, {"name": "t", "approvers": [` + people(0, 2) + `], "timeout_seconds": 1, "min_approvers": 2}`), "/stages"},

		{"a risk below 0", single(`, "trigger_conditions": {"min_risk": -0.5}`), "/trigger_conditions/min_risk"},
		{"a risk above 100", single(`, "trigger_conditions": {"max_risk": 100.1}`), "/trigger_conditions/max_risk"},
		{"the lowest risk above the highest", single(`, "trigger_conditions": {"min_risk": 50, "max_risk": 49}`), "/trigger_conditions/min_risk"},
		{"one risk only", single(`, "trigger_conditions": {"min_risk": 50, "max_risk": 50}`), ""},
		{"an empty entry", single(`, "trigger_conditions": {"action_types": ["a", " "], "agent_ids": [""]}`), "/trigger_conditions/action_types/1 /trigger_conditions/agent_ids/0"},
		{"a wildcard, which would match nothing", single(`, "trigger_conditions": {"resource_types": ["*"]}`), "/trigger_conditions/resource_types/0"},
		{"50 entries of 200 characters", single(`, "trigger_conditions": {"environments": [` + many(50, `"`+strings.Repeat("é", 200)+`"`) + `]}`), ""},
		{"51 entries", single(`, "trigger_conditions": {"environments": [` + many(51, `"e"`) + `]}`), "/trigger_conditions/environments"},
		{"an entry too long", single(`, "trigger_conditions": {"environments": ["` + strings.Repeat("e", 201) + `"]}`), "/trigger_conditions/environments/0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, invalid := define(t, c.body); !slices.Equal(invalid, strings.Fields(c.want)) {
				t.Errorf("refused %v, want [%s]", invalid, c.want)
			}
		})
	}
}
