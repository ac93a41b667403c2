package documented_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"ascend/functions/optest/documented"
)

var examples = os.DirFS("../../../testdata/documented")

func TestAnAnswerIsHeldAgainstItsDocumentedExample(t *testing.T) {
	for _, c := range []struct {
		name, documented, actual string
		want                     []string // what each difference must mention
	}{
		{"the same is no difference", `{"a": {"b": [1]}}`, `{"a": {"b": [1]}}`, nil},
		{"more fields than documented are allowed", `{"a": 1}`, `{"a": 2, "b": 3}`, nil},
		{"another value of the same type is allowed", `{"a": "x", "b": true}`, `{"a": "y", "b": false}`, nil},
		{"a missing field is named by its pointer", `{"a": {"b": 1, "c": 2}}`, `{"a": {"c": 2}}`, []string{"/a/b is missing"}},
		{"a missing null field is missing", `{"alert": null}`, `{}`, []string{"/alert is missing"}},
		{"a documented null accepts anything", `{"alert": null}`, `{"alert": {"id": 1}}`, nil},
		{"null is not a documented string", `{"a": "x"}`, `{"a": null}`, []string{"/a is documented as string, but is null"}},
		{"a number is not a string", `{"id": 1}`, `{"id": "1"}`, []string{"/id is documented as integer, but is string"}},
		{"a documented integer may have no fraction", `{"n": 145}`, `{"n": 0.5}`, []string{"/n is documented as integer, but is number"}},
		{"a documented float may be whole", `{"n": 35.0}`, `{"n": 35}`, nil},
		{"a boolean is not a word", `{"ok": true}`, `{"ok": "true"}`, []string{"/ok is documented as boolean"}},
		{"an object is not an array", `{"a": {}}`, `{"a": []}`, []string{"/a is documented as object, but is array"}},
		{"an array may be empty", `[{"a": 1}]`, `[]`, nil},
		{"every element is held against the first", `[{"a": 1}, {"z": 1}]`, `[{"a": 1}, {"b": 1}]`, []string{"/1/a is missing"}},
		{"a time must be in UTC with Z", `{"at": "2026-01-20T14:30:52Z"}`, `{"at": "2026-01-20T14:30:52+00:00"}`, []string{"/at is documented as an RFC 3339 time"}},
		{"a time must be a time", `{"at": "2026-01-20T14:30:52Z"}`, `{"at": "yesterday"}`, []string{"/at"}},
		{"a time may have fractions of a second", `{"at": "2026-01-20T14:30:52Z"}`, `{"at": "2026-01-20T14:30:52.123Z"}`, nil},
		{"an action's status is of the action statuses", `{"status": "approved"}`, `{"status": "active"}`, []string{"/status is documented as one of approved"}},
		{"an agent's status is of the agent statuses", `{"status": "draft"}`, `{"status": "approved"}`, []string{"/status is documented as one of draft"}},
		{"a level is in lower case", `{"risk_level": "low"}`, `{"risk_level": "LOW"}`, []string{"/risk_level"}},
		{"a correlation id has its form", `{"correlation_id": "action_20250115_103045_a1b2c3d4"}`, `{"correlation_id": "x"}`, []string{"/correlation_id is documented in the form"}},
		{"all differences are told", `{"a": 1, "b": 2}`, `{}`, []string{"/a is missing", "/b is missing"}},
		{"an answer that is not JSON is told", `{}`, `<html>`, []string{"the answer is not JSON"}},
		{"duplicate names are not JSON", `{"a": 1}`, `{"a": 1, "a": 2}`, []string{"is not JSON"}},
		{"an empty answer is told", `{"a": 1}`, ``, []string{"the answer is not JSON"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := documented.Shape([]byte(c.documented), []byte(c.actual))
			if len(got) != len(c.want) {
				t.Fatalf("differences %q, want %d", got, len(c.want))
			}
			for i, want := range c.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("difference %q does not say %q", got[i], want)
				}
			}
		})
	}
}

func TestEveryExampleHasItsOwnShapeAndEveryMissingMemberIsFound(t *testing.T) {
	files, err := os.ReadDir("../../../testdata/documented")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range files {
		name, isJSON := strings.CutSuffix(f.Name(), ".json")
		if !isJSON || name == "overrides" {
			continue
		}
		seen++
		t.Run(name, func(t *testing.T) {
			example, err := documented.Load(examples, name)
			if err != nil {
				t.Fatal(err)
			}
			// The documentation's own correlation ids are not all hexadecimal.
			faults := slices.DeleteFunc(documented.Shape(example, example), func(s string) bool { return strings.HasPrefix(s, "/correlation_id") })
			if len(faults) != 0 {
				t.Errorf("the example differs from itself: %q", faults)
			}
			if got := documented.Shape(example, []byte(`{}`)); len(got) == 0 {
				t.Errorf("an empty object passes for %s", example)
			}
			if got := documented.Shape(example, []byte(`null`)); len(got) == 0 {
				t.Errorf("null passes for %s", example)
			}
		})
	}
	if seen < 28 {
		t.Errorf("found %d examples, want at least 28", seen)
	}
}

func TestEveryOverrideChangesItsExampleAndSaysWhy(t *testing.T) {
	all, err := documented.Overrides(examples)
	if err != nil {
		t.Fatal(err)
	}
	for name, overrides := range all {
		before, err := os.ReadFile("../../../testdata/documented/" + name + ".json")
		if err != nil {
			t.Errorf("overrides of %s: %v", name, err)
			continue
		}
		after, err := documented.Load(examples, name)
		if err != nil {
			t.Error(err)
			continue
		}
		if canonical(t, before) == canonical(t, after) {
			t.Errorf("the overrides of %s change nothing", name)
		}
		for _, o := range overrides {
			if o.Reason == "" || !strings.HasPrefix(string(o.At), "/") {
				t.Errorf("override %+v of %s has no reason or no place", o, name)
			}
		}
	}
}

func TestTheREADMENamesEveryExample(t *testing.T) {
	readme, err := os.ReadFile("../../../testdata/documented/README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir("../../../testdata/documented")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".json"); ok && !strings.Contains(string(readme), "`"+name) {
			t.Errorf("%s is not in the README's table", f.Name())
		}
	}
}

// canonical returns text with its members in order; its numbers stay as written, since 45.0 is not 45 here.
func canonical(t *testing.T, text []byte) string {
	t.Helper()
	v := jsontext.Value(slices.Clone(text))
	if err := v.Compact(jsontext.ReorderRawObjects(true)); err != nil {
		t.Fatal(err)
	}
	return string(v)
}

func ExampleShape() {
	example := `{"action_id": 1547, "status": "approved", "decision_ready": true}`
	answer := `{"action_id": "act_7f8g9h0i", "status": "rejected"}`
	for _, difference := range documented.Shape([]byte(example), []byte(answer)) {
		fmt.Println(difference)
	}
	// Output:
	// /action_id is documented as integer, but is string: "act_7f8g9h0i"
	// /status is documented as one of approved, pending_approval, denied, but is "rejected"
	// /decision_ready is missing
}
