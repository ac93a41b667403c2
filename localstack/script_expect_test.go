package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/functions/optest/documented"
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   any // the decoded body, nil unless it is JSON
	url    *url.URL
}

// check holds an answer to what every answer of the service must be.
func (p *player) check(a *answer) error {
	media, expected := a.header.Get("Content-Type"), "application/json"
	if a.status >= 400 {
		expected = "application/problem+json"
	}
	switch {
	case a.json == nil:
		return errors.New("the answer is not JSON")
	case !strings.HasPrefix(media, expected):
		return fmt.Errorf("the answer's Content-Type is %q, not %s", media, expected)
	case a.status < 400:
		return nil
	case bytes.Contains(a.body, []byte("goroutine ")) || bytes.Contains(a.body, []byte(".go:")):
		return errors.New("the problem shows the service's inside")
	}
	for _, text := range []string{
		".type is string", ".title is string", ".status == " + strconv.Itoa(a.status), ".detail is string", ".instance is string",
		".error_code is string", ".correlation_id is string", ".timestamp is time",
	} {
		e := expectation{text: text}
		if err := errors.Join(e.parse(), p.hold(a, &e)); err != nil {
			return fmt.Errorf("of every problem, %s: %w", text, err)
		}
	}
	for _, field := range lookUp(a.json, ".errors[*]") {
		if len(lookUp(field, ".pointer"))+len(lookUp(field, ".detail")) != 2 {
			return fmt.Errorf("each of the problem's .errors must have pointer and detail: %s", show(field))
		}
	}
	return nil
}

var nextLink = regexp.MustCompile(`<([^>]*)>[^,]*;\s*rel="?next"?`)

// find returns what a part of the answer holds.
func (a *answer) find(part string) (found []any, err error) {
	if name, ok := strings.CutPrefix(part, "header "); ok {
		if values := a.header.Values(name); len(values) > 0 {
			found = []any{strings.Join(values, ", ")}
		}
		return found, nil
	}
	switch part {
	case "body":
		return []any{string(a.body)}, nil
	case "link next":
		m := nextLink.FindStringSubmatch(strings.Join(a.header.Values("Link"), ", "))
		if m == nil {
			return nil, fmt.Errorf("no next link in %q", a.header.Values("Link"))
		}
		next, err := a.url.Parse(m[1])
		if err != nil {
			return nil, err
		}
		return []any{next.String()}, nil
	}
	return lookUp(a.json, part), nil
}

// one returns the only value of a part.
func (a *answer) one(part string) (any, error) {
	found, err := a.find(part)
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%s finds %d values, not one", part, len(found))
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// hold holds an answer to one expectation; nil when it is met.
func (p *player) hold(a *answer, e *expectation) error {
	part, err := p.expand(e.part)
	if err != nil {
		return err
	}
	value, err := p.expand(e.value)
	if err != nil {
		return err
	}
	switch e.op {
	case "capture":
		v, err := a.one(part)
		if err != nil {
			return err
		}
		if text, ok := v.(string); ok {
			p.vars[value] = text
			return nil
		}
		text, err := json.Marshal(v, json.Deterministic(true))
		p.vars[value] = string(text)
		return err
	case "shape":
		return p.holdShape(a, value, part)
	}
	found, err := a.find(part)
	switch {
	case err != nil:
		return err
	case e.op == "absent" && len(found) > 0:
		return fmt.Errorf("it is there: %s", show(found[0]))
	case e.op != "absent" && len(found) == 0:
		return errors.New("it is absent")
	}
	for _, got := range found {
		met, err := test(got, e.op, value, a)
		if err != nil {
			return err
		}
		if !met {
			return fmt.Errorf("it is %s", show(got))
		}
	}
	return nil
}

// holdShape holds an answer, or the part of it at a path, to a documented example.
func (p *player) holdShape(a *answer, name, path string) error {
	example, err := documented.Load(p.env.Examples, name)
	if err != nil {
		return err
	}
	actual := a.body
	if path != "" {
		v, err := a.one(path)
		if err != nil {
			return err
		}
		if actual, err = json.Marshal(v); err != nil {
			return err
		}
	}
	if faults := documented.Shape(example, actual); len(faults) > 0 {
		return fmt.Errorf("%s", strings.Join(faults, "; "))
	}
	return nil
}

// test applies an operator to a value.
func test(got any, op, value string, a *answer) (bool, error) {
	switch op {
	case "exists":
		return true, nil
	case "is":
		return slices.ContainsFunc(strings.Split(value, "|"), func(kind string) bool { return isKind(got, kind) }), nil
	case "~", "!~":
		text, isText := got.(string)
		met, err := regexp.MatchString(value, text)
		return isText && met == (op == "~"), err
	}
	value, except, _ := strings.Cut(value, " except ")
	var want any
	if strings.HasPrefix(value, ".") {
		v, err := a.one(value)
		if err != nil {
			return false, err
		}
		want = v
	} else if err := json.Unmarshal([]byte(value), &want); err != nil {
		return false, fmt.Errorf("%s is neither JSON nor a path", value)
	}
	if except != "" {
		got, want = omitting(got, strings.Fields(except)), omitting(want, strings.Fields(except))
	}
	list, isList := got.([]any)
	switch x, y := number(got), number(want); op {
	case "==":
		return reflect.DeepEqual(got, want), nil
	case "!=":
		return !reflect.DeepEqual(got, want), nil
	case "has":
		return slices.ContainsFunc(list, func(v any) bool { return reflect.DeepEqual(v, want) }), nil
	case "length":
		return isList && float64(len(list)) == y, nil
	default: // comparisons of what is no number fail
		return op[0] == '<' && x < y || op[0] == '>' && x > y || len(op) == 2 && x == y, nil
	}
}

// omitting returns an object without some members; anything else as it is.
func omitting(v any, names []string) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	object = maps.Clone(object)
	maps.DeleteFunc(object, func(name string, _ any) bool { return slices.Contains(names, name) })
	return object
}

func number(v any) float64 {
	if f, ok := v.(float64); ok {
		return f
	}
	return math.NaN()
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

var pathPart = regexp.MustCompile(`\.([^.\[\]]+)|\["([^"]*)"\]|\[(-?\d+)\]|\[(\*)\]|\[([^=\]]+)=([^\]]*)\]`)

// lookUp returns everything that a path finds in a decoded JSON value.
func lookUp(v any, path string) []any {
	found := []any{v}
	for _, part := range pathPart.FindAllStringSubmatch(path, -1) {
		var next []any
		for _, at := range found {
			next = append(next, follow(at, part)...)
		}
		found = next
	}
	return found
}

func follow(at any, part []string) []any {
	object, _ := at.(map[string]any)
	list, _ := at.([]any)
	name, index, each, key, want := part[1]+part[2], part[3], part[4], part[5], part[6]
	i := -1
	switch {
	case name != "":
		if v, ok := object[name]; ok {
			return []any{v}
		}
	case each != "":
		return list
	case index != "":
		if i, _ = strconv.Atoi(index); i < 0 {
			i += len(list)
		}
	case key != "":
		i = slices.IndexFunc(list, func(element any) bool {
			member, _ := element.(map[string]any)
			got, ok := member[key]
			return ok && (got == want || show(got) == want)
		})
	}
	if i < 0 || i >= len(list) {
		return nil
	}
	return list[i : i+1]
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
