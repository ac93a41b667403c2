package bind

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ascend/shared/domain/problem"
	"ascend/shared/jsonschema"
)

// maxFields bounds how many offending fields a problem names.
const maxFields = 20

// rule is what the tags of one field demand of its value.
type rule struct {
	required bool
	min, max *float64
	maxLen   int // 0: none
	enum     []string
}

func newRule(t reflect.Type, tag reflect.StructTag) (rule, error) {
	r := rule{required: tag.Get("required") == "true"}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for name, bound := range map[string]**float64{"min": &r.min, "max": &r.max} {
		text, ok := tag.Lookup(name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || !isNumber(t) {
			return r, fmt.Errorf("%s:%q is not a bound of a %v", name, text, t)
		}
		*bound = &f
	}
	if text, ok := tag.Lookup("maxlen"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || t.Kind() != reflect.String && t.Kind() != reflect.Slice {
			return r, fmt.Errorf("maxlen:%q is not a length of a %v", text, t)
		}
		r.maxLen = n
	}
	if text, ok := tag.Lookup("enum"); ok {
		if t.Kind() != reflect.String {
			return r, fmt.Errorf("enum is for strings, not for %v", t)
		}
		r.enum = strings.Split(text, ",")
	}
	return r, nil
}

func isNumber(t reflect.Type) bool { return t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64 }

func (r *rule) empty() bool {
	return !r.required && r.min == nil && r.max == nil && r.maxLen == 0 && r.enum == nil
}

// check returns what is wrong with a present value, or "". An absent optional
// value, which is a zero string, list or pointer, breaks no rule.
func (r *rule) check(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return r.absent()
		}
		v = v.Elem()
	} else if v.IsZero() && !isNumber(v.Type()) {
		return r.absent()
	}
	switch {
	case v.CanInt():
		return r.checkNumber(float64(v.Int()))
	case v.CanUint():
		return r.checkNumber(float64(v.Uint()))
	case v.CanFloat():
		return r.checkNumber(v.Float())
	case v.Kind() == reflect.String:
		if r.enum != nil && !slices.Contains(r.enum, v.String()) {
			return "must be one of " + strings.Join(r.enum, ", ")
		}
		return r.checkLen(utf8.RuneCountInString(v.String()), "characters")
	case v.Kind() == reflect.Slice:
		if r.required && v.Len() == 0 {
			return "is required"
		}
		return r.checkLen(v.Len(), "entries")
	}
	return ""
}

func (r *rule) absent() string {
	if r.required {
		return "is required"
	}
	return ""
}

func (r *rule) checkNumber(f float64) string {
	switch low, high := r.min != nil && f < *r.min, r.max != nil && f > *r.max; {
	case !low && !high:
		return ""
	case r.min != nil && r.max != nil:
		return fmt.Sprintf("must be between %s and %s", number(*r.min), number(*r.max))
	case low:
		return "must be at least " + number(*r.min)
	default:
		return "must be at most " + number(*r.max)
	}
}

func (r *rule) checkLen(n int, unit string) string {
	if r.maxLen > 0 && n > r.maxLen {
		return fmt.Sprintf("must be at most %d %s", r.maxLen, unit)
	}
	return ""
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// rules are the rules of a body's struct, and of the structs within it.
type rules struct {
	fields []fieldRule
	busy   bool // being made, so that a recursive type ends
}

type fieldRule struct {
	name  string
	index []int
	rule  rule
	inner *rules // of the struct, or of a list's structs; nil: none
}

func (rs *rules) empty() bool { return rs == nil || len(rs.fields) == 0 && !rs.busy }

func newRules(t reflect.Type, seen map[reflect.Type]*rules) (*rules, error) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return nil, nil
	}
	if rs, ok := seen[t]; ok {
		return rs, nil
	}
	rs := &rules{busy: true}
	seen[t] = rs
	members, err := jsonschema.Members(t)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		f, fr := m.Field, fieldRule{name: m.Name, index: m.Index}
		if fr.rule, err = newRule(f.Type, f.Tag); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		if f.Tag.Get("default") != "" {
			return nil, fmt.Errorf("field %s: a default is for parameters, not for a body", f.Name)
		}
		if err := readable(f.Type, fr.rule); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		if fr.inner, err = newRules(f.Type, seen); err != nil {
			return nil, err
		}
		if !fr.rule.empty() || !fr.inner.empty() {
			rs.fields = append(rs.fields, fr)
		}
	}
	rs.busy = false
	return rs, nil
}

// readable refuses rules that cannot tell an absent member of a body from zero.
func readable(t reflect.Type, r rule) error {
	if !isNumber(t) && t.Kind() != reflect.Bool {
		return nil
	}
	if r.required || r.min != nil && *r.min > 0 || r.max != nil && *r.max < 0 {
		return fmt.Errorf("the rules need a *%v, because an absent member reads as zero", t)
	}
	return nil
}

// check appends what is wrong in the struct v at a pointer.
func (rs *rules) check(v reflect.Value, at string, bad []problem.Field) []problem.Field {
	for i := range rs.fields {
		f := &rs.fields[i]
		fv := v.FieldByIndex(f.index)
		if detail := f.rule.check(fv); detail != "" && len(bad) < maxFields {
			pointer := at + "/" + escapePointer(f.name)
			bad = append(bad, problem.Field{Pointer: pointer, Detail: pointer[1:] + " " + detail})
		}
		if !f.inner.empty() {
			bad = f.inner.within(fv, at, f.name, bad)
		}
	}
	return bad
}

// within applies the rules to the structs that a field's value holds.
func (rs *rules) within(v reflect.Value, at, name string, bad []problem.Field) []problem.Field {
	if len(bad) >= maxFields {
		return bad
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return rs.within(v.Elem(), at, name, bad)
		}
	case reflect.Struct:
		return rs.check(v, at+"/"+escapePointer(name), bad)
	case reflect.Slice:
		for i := range v.Len() {
			bad = rs.within(v.Index(i), at+"/"+escapePointer(name), strconv.Itoa(i), bad)
		}
	}
	return bad
}
