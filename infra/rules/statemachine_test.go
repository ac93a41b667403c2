package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const approval = "../approval.asl.json"

// substitutions are what the stack fills in (infra/approval.go).
var substitutions = []string{"ApprovalOpenArn", "ApprovalEscalateArn"}

// definition is what of a state machine the rules look at.
type definition struct {
	QueryLanguage string
	StartAt       string
	States        map[string]state
}

type state struct {
	Type, Resource, Next, Default string
	End                           bool
	Retry                         []json.RawMessage
	Catch                         []struct {
		ErrorEquals []string
		Next        string
	}
	Choices []struct{ Next string }
}

// ways are the states that s leads to.
func (s state) ways() []string {
	var all []string
	for _, c := range s.Catch {
		all = append(all, c.Next)
	}
	for _, c := range s.Choices {
		all = append(all, c.Next)
	}
	for _, next := range []string{s.Next, s.Default} {
		if next != "" {
			all = append(all, next)
		}
	}
	return all
}

func (s state) ends() bool { return s.End || s.Type == "Succeed" || s.Type == "Fail" }

func (s state) waitsForToken() bool { return strings.HasSuffix(s.Resource, ".waitForTaskToken") }

// catches reports whether an error of a name is caught by that name.
func (s state) catches(name string) bool {
	for _, c := range s.Catch {
		if slices.Contains(c.ErrorEquals, name) {
			return true
		}
	}
	return false
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// lint says what is wrong with a state machine: what AWS refuses and LocalStack
// deploys, and what either of them runs in another way than the other.
func lint(text []byte) (found []string) {
	var d definition
	if err := json.Unmarshal(text, &d); err != nil {
		return []string{err.Error()}
	}
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if d.QueryLanguage != "JSONata" {
		say("its expressions are not JSONata")
	}
	if _, ok := d.States[d.StartAt]; !ok {
		say("StartAt leads to %q, which is not there", d.StartAt)
	}
	for name, s := range d.States {
		for _, to := range s.ways() {
			if _, ok := d.States[to]; !ok {
				say("%s leads to %q, which is not there", name, to)
			}
			if to == name {
				say("%s leads to itself: LocalStack ends there when it does so by Catch", name)
			}
		}
		if len(s.ways()) == 0 && !s.ends() {
			say("%s leads nowhere and is no end", name)
		}
		if s.waitsForToken() {
			if len(s.Retry) > 0 {
				say("%s waits for a token and has a Retry: on LocalStack the second attempt has the spent token", name)
			}
			for _, timeout := range []string{"States.Timeout", "States.HeartbeatTimeout"} {
				if !s.catches(timeout) {
					say("%s waits for a token and does not catch %s", name, timeout)
				}
			}
		}
		if !ends(d, name, nil) {
			say("no end can be reached from %s", name)
		}
	}
	reached := map[string]bool{}
	reach(d, d.StartAt, reached)
	for name := range d.States {
		if !reached[name] {
			say("%s cannot be reached", name)
		}
	}
	used := map[string]bool{}
	for _, m := range placeholder.FindAllSubmatch(text, -1) {
		used[string(m[1])] = true
	}
	for name := range used {
		if !slices.Contains(substitutions, name) {
			say("the stack does not fill in ${%s}", name)
		}
	}
	for _, name := range substitutions {
		if !used[name] {
			say("${%s} is not used", name)
		}
	}
	slices.Sort(found)
	return found
}

func reach(d definition, name string, reached map[string]bool) {
	if s, ok := d.States[name]; ok && !reached[name] {
		reached[name] = true
		for _, to := range s.ways() {
			reach(d, to, reached)
		}
	}
}

// ends reports whether an end can be reached from a state without passing seen ones.
func ends(d definition, name string, seen []string) bool {
	s, ok := d.States[name]
	if !ok || slices.Contains(seen, name) {
		return false
	}
	seen = append(slices.Clone(seen), name)
	return s.ends() || slices.ContainsFunc(s.ways(), func(to string) bool { return ends(d, to, seen) })
}

func read(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(approval)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheApprovalClockIsSound(t *testing.T) {
	for _, finding := range lint(read(t)) {
		t.Error(finding)
	}
}

// spoiled are defects, each put into the definition by one replacement, with
// the rule that must find it.
var spoiled = []struct{ name, old, new, finding string }{
	{"a start that is not there", `"StartAt": "Await"`, `"StartAt": "Wait"`, `StartAt leads to "Wait", which is not there`},
	{"a next that is not there", `"Next": "Settled"`, `"Next": "Setled"`, `Escalate leads to "Setled", which is not there`},
	{"a default that is not there", `"Default": "Decided"`, `"Default": "Done"`, `Settled leads to "Done", which is not there`},
	{"a catch that is not there", `"Next": "Pause"`, `"Next": "Paus"`, `Await leads to "Paus", which is not there`},
	{"a choice that is not there", `"Next": "DeniedByTimeout"`, `"Next": "Denied"`, `Settled leads to "Denied", which is not there`},
	{"a state that nothing leads to", `"Next": "DeniedByTimeout"`, `"Next": "Decided"`, `DeniedByTimeout cannot be reached`},
	{"a state that leads nowhere", `"Type": "Pass",
      "Next": "Await"`, `"Type": "Pass"`, `NextStage leads nowhere and is no end`},
	{"a loop without an end", `"Next": "Settled"`, `"Next": "Pause"`, `no end can be reached from Escalate`},
	{"a state that leads to itself", `"Next": "NextStage"`, `"Next": "Await"`, `Await leads to itself: LocalStack ends there when it does so by Catch`},
	{"a retry of a wait", `"TimeoutSeconds": "{%`, `"Retry": [{"ErrorEquals": ["States.ALL"]}], "TimeoutSeconds": "{%`, `Await waits for a token and has a Retry: on LocalStack the second attempt has the spent token`},
	{"a timeout that is not caught", `["States.Timeout", "States.HeartbeatTimeout"]`, `["States.HeartbeatTimeout"]`, `Await waits for a token and does not catch States.Timeout`},
	{"a heartbeat that is not caught", `["States.Timeout", "States.HeartbeatTimeout"]`, `["States.Timeout"]`, `Await waits for a token and does not catch States.HeartbeatTimeout`},
	{"an unknown substitution", `${ApprovalOpenArn}`, `${OpenArn}`, `the stack does not fill in ${OpenArn}`},
	{"an unused substitution", `${ApprovalEscalateArn}`, `${ApprovalOpenArn}`, `${ApprovalEscalateArn} is not used`},
	{"another query language", `"JSONata"`, `"JSONPath"`, `its expressions are not JSONata`},
	{"a text that is not JSON", `"StartAt"`, `StartAt`, `invalid character 'S' looking for beginning of object key string`},
}

func TestEachDefectIsFound(t *testing.T) {
	good := string(read(t))
	for _, c := range spoiled {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatalf("the definition has no %s", c.old)
			}
			if found := lint([]byte(strings.Replace(good, c.old, c.new, 1))); !slices.Contains(found, c.finding) {
				t.Errorf("found %q, not %q", found, c.finding)
			}
		})
	}
}

// The states on each way to an outcome are what the execution is billed for
// (decision record 0020).
func TestTheWaysToAnOutcomeAreAsShortAsRecorded(t *testing.T) {
	var d definition
	if err := json.Unmarshal(read(t), &d); err != nil {
		t.Fatal(err)
	}
	for outcome, way := range map[string][]string{
		"decided in the first stage":  {"Await"},
		"decided in the second stage": {"Await", "NextStage", "Await"},
		"the only stage times out":    {"Await", "Escalate", "Settled", "DeniedByTimeout"},
		"both stages time out":        {"Await", "Escalate", "Settled", "Await", "Escalate", "Settled", "DeniedByTimeout"},
		"decided at the deadline":     {"Await", "Escalate", "Settled", "Decided"},
		"the function fails once":     {"Await", "Pause", "Escalate", "Settled", "Await"},
	} {
		at := d.StartAt
		for i, name := range way {
			if at != name {
				t.Errorf("%s: state %d is %s, recorded %s", outcome, i+1, at, name)
			}
			if i+1 < len(way) {
				if !slices.Contains(d.States[name].ways(), way[i+1]) {
					t.Errorf("%s: %s does not lead to %s", outcome, name, way[i+1])
				}
				at = way[i+1]
			}
		}
		if !d.States[at].ends() {
			t.Errorf("%s: %s is no end", outcome, at)
		}
	}
	if got := slices.Sorted(maps.Keys(d.States)); len(got) != 7 {
		t.Errorf("the states are %q", got)
	}
}

func TestTheSchemaAndTheExpressionsAreValid(t *testing.T) {
	node, modules := tools(t)
	all := fmt.Sprintf("%d expressions\n", strings.Count(string(read(t)), `"{%`))
	if out := check(t, node, modules, approval); out != all {
		t.Errorf("%s", out)
	}
	bad := []struct{ name, old, new, finding string }{
		{"an expression that does not compile", `= 'timeout'`, `=`, "Unexpected end of expression"},
		{"an expression without an end", `wait_seconds %}"`, `wait_seconds"`, "it does not end with %}"},
		{"an unknown field", `"TimeoutSeconds": 60`, `"Timeout": 60`, "SCHEMA_VALIDATION_FAILED"},
		{"a target that is not there", `"Next": "Settled"`, `"Next": "Setled"`, "MISSING_TRANSITION_TARGET"},
	}
	dir, good := t.TempDir(), string(read(t))
	var files []string
	for i, c := range bad {
		files = append(files, filepath.Join(dir, fmt.Sprintf("%d.asl.json", i)))
		if err := os.WriteFile(files[i], []byte(strings.Replace(good, c.old, c.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := check(t, node, modules, files...)
	for i, c := range bad {
		of := func(line string) bool { return strings.HasPrefix(line, files[i]) && strings.Contains(line, c.finding) }
		if !slices.ContainsFunc(strings.Split(out, "\n"), of) {
			t.Errorf("%s is not found in\n%s", c.name, out)
		}
	}
}
