package endpoint

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ascend/shared/domain/problem"
)

// maxText bounds strings in path, query and header, in bytes, where no maxlen does.
const maxText = 256

// bind fills in from a request: parameters first, then the body.
func (p *plan) bind(in reflect.Value, req *input) error {
	var bad []problem.Field
	for i := range p.params {
		x := &p.params[i]
		if detail := x.bind(in.FieldByIndex(x.index), req); detail != "" {
			bad = append(bad, problem.Field{
				Pointer: "/" + x.in + "/" + escapePointer(x.names[0]),
				Detail:  x.names[0] + " " + detail,
			})
		}
	}
	if p.strict {
		for _, name := range slices.Sorted(unknownNames(req.query, p.known)) {
			if len(bad) == maxFields {
				break
			}
			name = clip(name)
			bad = append(bad, problem.Field{Pointer: "/query/" + escapePointer(name), Detail: name + " is not a known query parameter"})
		}
	}
	if len(bad) > 0 {
		return problem.InvalidFields(bad...)
	}
	if p.raw != nil {
		in.FieldByIndex(p.raw).SetBytes(req.body)
	}
	if p.page != nil {
		in.FieldByIndex(p.page).Addr().Interface().(*Page).target = req.url
	}
	return p.decode(in, req.body)
}

func unknownNames(query map[string][]string, known map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range query {
			if !known[name] && !yield(name) {
				return
			}
		}
	}
}

// bind sets one field and returns what is wrong with it, or "".
func (x *param) bind(v reflect.Value, req *input) string {
	values, detail := x.values(req)
	if detail != "" {
		return detail
	}
	if len(values) == 0 {
		if x.rule.required {
			return "is required"
		}
		if x.def == "" {
			return ""
		}
		values = []string{x.def}
	}
	limit := maxText
	if x.rule.maxLen > 0 {
		limit = 4 * x.rule.maxLen
	}
	for _, value := range values {
		if len(value) > limit {
			return "is too long"
		}
		if !clean(value) {
			return "must be printable UTF-8 text"
		}
	}
	if detail := x.set(v, values); detail != "" {
		return detail
	}
	return x.rule.check(v)
}

// values finds the texts that a request gives for a parameter.
func (x *param) values(req *input) ([]string, string) {
	switch x.in {
	case "path":
		return req.path[x.place : x.place+1], ""
	case "header":
		return req.header.Values(x.names[0]), ""
	}
	var found []string
	for _, name := range x.names {
		values := req.query[name]
		if x.field.Type.Kind() != reflect.Slice {
			if len(values) > 1 {
				return nil, "is given more than once"
			}
			if len(found) > 0 && len(values) > 0 && found[0] != values[0] {
				return nil, "contradicts its alias " + name
			}
		}
		if len(found) == 0 {
			found = values
		}
	}
	return found, ""
}

// clean reports whether s is UTF-8 without control characters.
func clean(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// setter sets a field from text and returns what is wrong, or "". There is at
// least one text, and more than one only for a slice.
type setter func(v reflect.Value, texts []string) string

func newSetter(t reflect.Type, until bool) (setter, error) {
	if t.Kind() == reflect.Pointer {
		set, err := newSetter(t.Elem(), until)
		return func(v reflect.Value, texts []string) string {
			v.Set(reflect.New(t.Elem()))
			return set(v.Elem(), texts)
		}, err
	}
	if t == reflect.TypeFor[time.Time]() {
		return func(v reflect.Value, texts []string) string { return setTime(v, texts[0], until) }, nil
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return setText, nil
	}
	switch t.Kind() {
	case reflect.String:
		return func(v reflect.Value, texts []string) string { v.SetString(texts[0]); return "" }, nil
	case reflect.Bool:
		return setBool, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return setInt, nil
	case reflect.Float32, reflect.Float64:
		return setFloat, nil
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return func(v reflect.Value, texts []string) string {
				v.Set(reflect.MakeSlice(t, len(texts), len(texts)))
				for i, text := range texts {
					v.Index(i).SetString(text)
				}
				return ""
			}, nil
		}
	}
	return nil, fmt.Errorf("a parameter cannot be of type %v", t)
}

func setInt(v reflect.Value, texts []string) string {
	n, err := strconv.ParseInt(texts[0], 10, 64)
	if errors.Is(err, strconv.ErrRange) || err == nil && v.OverflowInt(n) {
		return "is out of range"
	}
	if err != nil || strconv.FormatInt(n, 10) != texts[0] { // no +5, no 007
		return "must be an integer"
	}
	v.SetInt(n)
	return ""
}

func setFloat(v reflect.Value, texts []string) string {
	f, err := strconv.ParseFloat(texts[0], 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(texts[0], "xXpP_") {
		return "must be a number"
	}
	v.SetFloat(f)
	return ""
}

func setBool(v reflect.Value, texts []string) string {
	switch texts[0] {
	case "true", "True":
		v.SetBool(true)
	case "false", "False":
		v.SetBool(false)
	default:
		return "must be true or false"
	}
	return ""
}

func setTime(v reflect.Value, text string, until bool) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		if t, err = time.Parse(time.DateOnly, text); err != nil {
			return "must be a time such as 2026-01-02T15:04:05Z or a date such as 2026-01-02"
		}
		if until {
			t = t.Add(24*time.Hour - 1)
		}
	}
	v.Set(reflect.ValueOf(t.UTC()))
	return ""
}

func setText(v reflect.Value, texts []string) string {
	if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(texts[0])); err != nil {
		return "is not valid"
	}
	return ""
}
