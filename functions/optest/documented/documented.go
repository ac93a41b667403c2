// Package documented holds answers against the examples of the documentation,
// which lie in testdata/documented.
package documented

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Override is one member of an example for which the contract departs from the
// documentation, and why. At is a JSON pointer (RFC 6901) to a member that is
// replaced or added.
type Override struct {
	At     jsontext.Pointer `json:"at"`
	Value  jsontext.Value   `json:"value"`
	Reason string           `json:"reason"`
}

// Overrides reads the overrides of each example from overrides.json.
func Overrides(examples fs.FS) (map[string][]Override, error) {
	text, err := fs.ReadFile(examples, "overrides.json")
	if err != nil {
		return nil, fmt.Errorf("read the overrides of the documented examples: %w", err)
	}
	var all map[string][]Override
	if err := json.Unmarshal(text, &all, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("decode the overrides of the documented examples: %w", err)
	}
	return all, nil
}

// Load reads an example by its name without ".json", as the contract has it:
// with its overrides applied. Number literals stay as documented.
func Load(examples fs.FS, name string) ([]byte, error) {
	all, err := Overrides(examples)
	if err != nil {
		return nil, err
	}
	example, err := fs.ReadFile(examples, name+".json")
	if err != nil {
		return nil, fmt.Errorf("read a documented example: %w", err)
	}
	value := jsontext.Value(example)
	for _, o := range all[name] {
		if value, err = set(value, strings.Split(string(o.At), "/")[1:], o.Value); err != nil {
			return nil, fmt.Errorf("override %s of %s: %w", o.At, name, err)
		}
	}
	return value, nil
}

// set replaces or adds the member at path, the unescaped parts of a pointer.
func set(value jsontext.Value, path []string, to jsontext.Value) (jsontext.Value, error) {
	if len(path) == 0 {
		return to, nil
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(value, &members); err != nil {
		return nil, err
	}
	inner, err := set(members[path[0]], path[1:], to)
	if err != nil {
		return nil, err
	}
	members[path[0]] = inner
	return json.Marshal(members, json.Deterministic(true))
}

// Shape compares an answer with a documented example and says in words each
// way in which it falls short; none means that every documented field is there
// with its documented type. Fields beyond the documented are allowed.
//
//   - a documented integer must be integral, any other number may be any number;
//   - a documented null accepts anything, but the field must be there;
//   - each element of an array must be as the first documented element; an empty array is as documented;
//   - a timestamp must be RFC 3339 in UTC with Z;
//   - a value of a documented set (see [sets]) must be of the same set, and a formed one (see [forms]) of the same form.
func Shape(documented, actual []byte) []string {
	return compare("", "", jsontext.Value(documented), jsontext.Value(actual))
}

// compare compares the values at a pointer; name is the member they are the value of.
func compare(at, name string, documented, actual jsontext.Value) []string {
	say := func(format string, args ...any) []string {
		where := at
		if where == "" {
			where = "the answer"
		}
		return []string{where + " " + fmt.Sprintf(format, args...)}
	}
	if !documented.IsValid() {
		return say("is documented as something that is not JSON: %s", brief(documented))
	}
	if !actual.IsValid() {
		return say("is not JSON: %s", brief(actual))
	}
	want, got := kind(documented), kind(actual)
	switch {
	case want == "null":
		return nil
	case want == "number" && got == "integer":
	case want != got:
		return say("is documented as %s, but is %s: %s", want, got, brief(actual))
	}
	switch want {
	case "object":
		return compareObjects(at, documented, actual)
	case "array":
		return compareArrays(at, name, documented, actual)
	case "string":
		if fault := compareText(name, text(documented), text(actual)); fault != "" {
			return say("%s", fault)
		}
	}
	return nil
}

func compareObjects(at string, documented, actual jsontext.Value) (faults []string) {
	var has map[string]jsontext.Value
	if err := json.Unmarshal(actual, &has); err != nil {
		return []string{at + " is not a readable object: " + err.Error()}
	}
	for name, want := range members(documented) {
		got, ok := has[name]
		if !ok {
			faults = append(faults, at+"/"+name+" is missing")
			continue
		}
		faults = append(faults, compare(at+"/"+name, name, want, got)...)
	}
	return faults
}

func compareArrays(at, name string, documented, actual jsontext.Value) (faults []string) {
	var want, got []jsontext.Value
	if err := json.Unmarshal(documented, &want); err != nil || len(want) == 0 {
		return nil
	}
	if err := json.Unmarshal(actual, &got); err != nil {
		return []string{at + " is not a readable array: " + err.Error()}
	}
	for i, element := range got {
		faults = append(faults, compare(at+"/"+strconv.Itoa(i), name, want[0], element)...)
	}
	return faults
}

// kind returns the JSON type of a value, with integers apart from other numbers by
// their literal. A number such as 35.0 is integral, but documented as a float.
func kind(v jsontext.Value) string {
	switch v.Kind() {
	case 'n':
		return "null"
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	}
	if strings.ContainsAny(string(v), ".eE") {
		return "number"
	}
	return "integer"
}

func text(v jsontext.Value) (s string) {
	if err := json.Unmarshal(v, &s); err != nil {
		return string(v)
	}
	return s
}

func brief(v jsontext.Value) string {
	if len(v) > 80 {
		return string(v[:80]) + "…"
	}
	return string(v)
}
