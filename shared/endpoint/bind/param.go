package bind

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Param is a parameter in path or query, for the API description.
type Param struct {
	In      string // "path" or "query"
	Name    string
	Aliases []string // further names of a query parameter
	Field   reflect.StructField
}

// param is a Param with how its field is set.
type param struct {
	Param
	place int // in the path
	index []int
	rule  rule
	def   string
	set   setter
}

// newParam returns the parameter of a field; ok is false where it has none.
func newParam(f reflect.StructField, index []int, path []string) (p param, ok bool, err error) {
	inPath, isPath := f.Tag.Lookup("path")
	inQuery, isQuery := f.Tag.Lookup("query")
	switch {
	case !isPath && !isQuery:
		return param{}, false, nil
	case isPath && isQuery:
		return param{}, false, errors.New("bound to both path and query")
	case !f.IsExported() || f.Tag.Get("json") != "-":
		return param{}, false, errors.New(`a parameter's field is exported and tagged json:"-", so that no body can set it`)
	}
	p = param{index: index, def: f.Tag.Get("default")}
	p.Param = Param{In: "path", Name: inPath, Field: f}
	if isQuery {
		names := strings.Split(inQuery, ",")
		p.Param = Param{In: "query", Name: names[0], Aliases: names[1:], Field: f}
	} else if p.place = slices.Index(path, inPath); p.place < 0 {
		return param{}, false, fmt.Errorf("the path has no {%s}", inPath)
	}
	if p.set, err = newSetter(f.Type, f.Tag.Get("until") == "true"); err != nil {
		return param{}, false, err
	}
	if p.rule, err = newRule(f.Type, f.Tag); err != nil {
		return param{}, false, err
	}
	if p.def != "" {
		probe := reflect.New(f.Type).Elem()
		if detail := p.set(probe, p.def); detail != "" {
			return param{}, false, fmt.Errorf("default %q %s", p.def, detail)
		}
		if detail := p.rule.check(probe); detail != "" {
			return param{}, false, fmt.Errorf("default %q %s", p.def, detail)
		}
	}
	return p, true, nil
}

// bind sets the field and returns what is wrong with its parameter, or "".
func (p *param) bind(v reflect.Value, r Request) string {
	text, given, detail := p.text(r)
	switch {
	case detail != "":
		return detail
	case !given && p.rule.required:
		return "is required"
	case !given && p.def == "":
		return ""
	case !given:
		text = p.def
	}
	if len(text) > utf8.UTFMax*max(MaxText, p.rule.maxLen) || p.rule.maxLen == 0 && utf8.RuneCountInString(text) > MaxText {
		return "is too long"
	}
	if !Clean(text) {
		return "must be printable UTF-8 text"
	}
	if detail := p.set(v, text); detail != "" {
		return detail
	}
	return p.rule.check(v)
}

// text returns what a request gives for the parameter, under whichever name.
func (p *param) text(r Request) (text string, given bool, detail string) {
	if p.In == "path" {
		return r.Path[p.place], true, ""
	}
	for i := range 1 + len(p.Aliases) {
		name := p.Name
		if i > 0 {
			name = p.Aliases[i-1]
		}
		switch values := r.Query[name]; {
		case len(values) > 1:
			return "", false, "is given more than once"
		case len(values) == 1 && given && values[0] != text:
			return "", false, "contradicts its alias " + name
		case len(values) == 1:
			text, given = values[0], true
		}
	}
	return text, given, ""
}

// setter sets a field from text and returns what is wrong, or "".
type setter func(v reflect.Value, text string) string

func newSetter(t reflect.Type, until bool) (setter, error) {
	switch {
	case t.Kind() == reflect.Pointer:
		set, err := newSetter(t.Elem(), until)
		return func(v reflect.Value, text string) string {
			v.Set(reflect.New(t.Elem()))
			return set(v.Elem(), text)
		}, err
	case t == reflect.TypeFor[time.Time]():
		return func(v reflect.Value, text string) string { return setTime(v, text, until) }, nil
	case t.Kind() == reflect.String:
		return func(v reflect.Value, text string) string { v.SetString(text); return "" }, nil
	case reflect.Int <= t.Kind() && t.Kind() <= reflect.Int64:
		return setInt, nil
	}
	return nil, fmt.Errorf("a parameter cannot be of type %v", t)
}

func setInt(v reflect.Value, text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) || err == nil && v.OverflowInt(n) {
		return "is out of range"
	}
	if err != nil || strconv.FormatInt(n, 10) != text { // no +5, no 007
		return "must be an integer"
	}
	v.SetInt(n)
	return ""
}

func setTime(v reflect.Value, text string, until bool) string {
	t, date, err := parseTime(text)
	if err != nil {
		return "must be a time such as 2026-01-02T15:04:05Z or a date such as 2026-01-02"
	}
	if date && until {
		t = t.AddDate(0, 0, 1).Add(-1)
	}
	v.Set(reflect.ValueOf(t))
	return ""
}
