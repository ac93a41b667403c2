package httpscript

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/functions/optest/documented"
)

var (
	captureLine = regexp.MustCompile(`^capture ([a-z][a-z0-9-]*) = (\..*|header \S+|link next)$`)
	wordLine    = regexp.MustCompile(`^(?:problem (\S+)|shape (\S+?)(?: of (\..*))?)$`)
	testLine    = regexp.MustCompile(`^(header \S+|body|\.(?:\["[^"]*"\]|\[[^]]*\]|[^\s\[])*) (==|!=|<|<=|>|>=|~|!~|has|length|is|exists|absent)(?: (.*))?$`)
)

func checkSyntax(text string) error {
	if captureLine.MatchString(text) || wordLine.MatchString(text) {
		return nil
	}
	m := testLine.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("not an expectation: %s", text)
	}
	if alone := m[2] == "exists" || m[2] == "absent"; alone != (m[3] == "") {
		return fmt.Errorf("%s takes %s: %s", m[2], map[bool]string{true: "no value", false: "a value"}[alone], text)
	}
	if m[2] == "~" || m[2] == "!~" {
		_, err := regexp.Compile(placeholder.ReplaceAllString(m[3], "x"))
		return err
	}
	return nil
}

// hold holds an answer to one expectation; nil when it is met.
func (p *player) hold(a *answer, text string) error {
	if m := captureLine.FindStringSubmatch(text); m != nil {
		return p.capture(a, m[1], m[2])
	}
	text, err := p.expand(text)
	if err != nil {
		return err
	}
	if m := wordLine.FindStringSubmatch(text); m != nil {
		if m[1] != "" {
			return test(lookUp(a.json, ".error_code"), "==", `"`+m[1]+`"`, a)
		}
		return p.holdShape(a, m[2], m[3])
	}
	m := testLine.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("not an expectation once its variables are filled in")
	}
	if name, ok := strings.CutPrefix(m[1], "header "); ok {
		var found []any
		if values := a.header.Values(name); len(values) > 0 {
			found = []any{strings.Join(values, ", ")}
		}
		return test(found, m[2], m[3], a)
	}
	if m[1] == "body" {
		return test([]any{string(a.body)}, m[2], m[3], a)
	}
	return test(lookUp(a.json, m[1]), m[2], m[3], a)
}

// holdShape holds an answer, or the part of it at a path, to a documented example.
func (p *player) holdShape(a *answer, name, path string) error {
	example, err := documented.Load(p.env.Examples, name)
	if err != nil {
		return err
	}
	part := a.body
	if path != "" {
		found := lookUp(a.json, path)
		if len(found) != 1 {
			return fmt.Errorf("%s finds %d values, not one", path, len(found))
		}
		if part, err = json.Marshal(found[0]); err != nil {
			return err
		}
	}
	if faults := documented.Shape(example, part); len(faults) > 0 {
		return fmt.Errorf("%s", strings.Join(faults, "; "))
	}
	return nil
}

// test applies an operator to what was found: each of it must pass.
func test(found []any, op, value string, a *answer) error {
	switch {
	case op == "absent" && len(found) > 0:
		return fmt.Errorf("it is there: %s", show(found[0]))
	case op == "absent":
		return nil
	case len(found) == 0:
		return fmt.Errorf("it is absent")
	}
	for _, got := range found {
		if err := testOne(got, op, value, a); err != nil {
			return err
		}
	}
	return nil
}

func testOne(got any, op, value string, a *answer) error {
	switch op {
	case "exists":
		return nil
	case "is":
		for _, kind := range strings.Split(value, "|") {
			if isKind(got, kind) {
				return nil
			}
		}
		return fmt.Errorf("it is %s", show(got))
	case "~", "!~":
		s, isText := got.(string)
		pattern, err := regexp.Compile(value)
		if err != nil {
			return err
		}
		if !isText || pattern.MatchString(s) != (op == "~") {
			return fmt.Errorf("it is %s", show(got))
		}
		return nil
	}
	value, except, _ := strings.Cut(value, " except ")
	want, err := operand(value, a)
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(except) {
		got, want = without(got, name), without(want, name)
	}
	if !compare(got, op, want) {
		return fmt.Errorf("it is %s", show(got))
	}
	return nil
}

func compare(got any, op string, want any) bool {
	x, xOK := got.(float64)
	y, yOK := want.(float64)
	switch op {
	case "==":
		return reflect.DeepEqual(got, want)
	case "!=":
		return !reflect.DeepEqual(got, want)
	case "has":
		list, _ := got.([]any)
		for _, element := range list {
			if reflect.DeepEqual(element, want) {
				return true
			}
		}
		return false
	case "length":
		list, isList := got.([]any)
		return isList && yOK && float64(len(list)) == y
	case "<":
		return xOK && yOK && x < y
	case "<=":
		return xOK && yOK && x <= y
	case ">":
		return xOK && yOK && x > y
	case ">=":
		return xOK && yOK && x >= y
	}
	return false
}

// operand is a JSON value, or what a path finds in the same answer.
func operand(text string, a *answer) (any, error) {
	if strings.HasPrefix(text, ".") {
		found := lookUp(a.json, text)
		if len(found) != 1 {
			return nil, fmt.Errorf("%s finds %d values, not one", text, len(found))
		}
		return found[0], nil
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, fmt.Errorf("%s is neither JSON nor a path", text)
	}
	return v, nil
}

func isKind(v any, kind string) bool {
	switch v := v.(type) {
	case nil:
		return kind == "null"
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "number" || kind == "integer" && v == math.Trunc(v)
	case string:
		_, err := time.Parse(time.RFC3339, v)
		return kind == "string" || kind == "time" && err == nil && strings.HasSuffix(v, "Z")
	case []any:
		return kind == "array"
	}
	return kind == "object"
}

// without is an object without one member; anything else is left as it is.
func without(v any, name string) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	rest := make(map[string]any, len(object))
	for k, inner := range object {
		if k != name {
			rest[k] = inner
		}
	}
	return rest
}

func show(v any) string {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return err.Error()
	}
	return brief(string(text), 300)
}

func brief(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
