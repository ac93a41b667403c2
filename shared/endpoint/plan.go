package endpoint

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/exact"
)

// plan is how a request becomes an In: worked out once in Define.
type plan struct {
	params []param
	known  map[string]bool // names of query parameters, with aliases
	strict bool            // unknown query parameters are refused

	body    Body
	unknown Unknown
	members bool // In has members of a body
	in      reflect.Type
	options json.Options
	rules   *rules

	raw  []int // a field for the raw body; nil for none
	page []int // the embedded Page; nil for none
}

// Param is a parameter outside the body, for the API description.
type Param struct {
	In      string // "path", "query" or "header"
	Name    string
	Aliases []string // further names of a query parameter
	Field   reflect.StructField
}

// Params lists the route's parameters outside the body.
func (r Route) Params() []Param {
	if r.plan == nil {
		return nil
	}
	list := make([]Param, len(r.plan.params))
	for i, p := range r.plan.params {
		list[i] = Param{In: p.in, Name: p.names[0], Aliases: p.names[1:], Field: p.field}
	}
	return list
}

// HasBody reports whether the operation reads members of a JSON body.
func (r Route) HasBody() bool { return r.plan != nil && r.plan.members }

// HasPages reports whether the operation is a list with pagination.
func (r Route) HasPages() bool { return r.plan != nil && r.plan.page != nil }

// param is one field bound from outside the body.
type param struct {
	in    string
	names []string
	place int // in the path
	index []int
	field reflect.StructField
	rule  rule
	def   string
	set   setter
}

func newPlan(s *Spec, in reflect.Type) (*plan, error) {
	if in.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the request type %v is not a struct", in)
	}
	p := &plan{in: in, body: s.Body, unknown: s.Unknown, known: map[string]bool{}}
	p.strict = s.Unknown == Refuse && s.Method != http.MethodGet
	path := pathNames(s.Path)
	if err := p.collect(in, nil, path, reflect.StructTag("")); err != nil {
		return nil, err
	}
	for place, name := range path {
		if !slices.ContainsFunc(p.params, func(x param) bool { return x.in == "path" && x.place == place }) {
			return nil, fmt.Errorf("no field takes the path's {%s}", name)
		}
	}
	fields, err := jsonFields(in)
	if err != nil {
		return nil, err
	}
	p.members = len(fields) > 0
	if p.members && s.Body == NoBody || !p.members && s.Body != NoBody {
		return nil, fmt.Errorf("Spec.Body and the json fields of %v disagree", in)
	}
	if p.rules, err = newRules(in, map[reflect.Type]*rules{}); err != nil {
		return nil, err
	}
	options := []json.Options{json.RejectUnknownMembers(s.Unknown == Refuse)}
	if reachesAny(in, map[reflect.Type]bool{}) {
		options = append(options, exact.Numbers())
	}
	p.options = json.JoinOptions(options...)
	return p, nil
}

// collect adds the bound fields of t; outer is the tag of an embedded Page.
func (p *plan) collect(t reflect.Type, at []int, path []string, outer reflect.StructTag) error {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(slices.Clone(at), i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct && f.Tag.Get("json") != "-" {
			tag := reflect.StructTag("")
			if f.Type == reflect.TypeFor[Page]() {
				p.page, tag = index, f.Tag
			}
			if err := p.collect(f.Type, index, path, tag); err != nil {
				return err
			}
			continue
		}
		if err := p.add(f, index, path, outer); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return nil
}

// add plans one field, if it is bound from outside the body.
func (p *plan) add(f reflect.StructField, index []int, path []string, outer reflect.StructTag) error {
	var bound []string
	for _, in := range []string{"path", "query", "header", "body"} {
		if _, ok := f.Tag.Lookup(in); ok {
			bound = append(bound, in)
		}
	}
	if len(bound) == 0 {
		return nil
	}
	if len(bound) > 1 {
		return fmt.Errorf("bound twice, from %s", strings.Join(bound, " and "))
	}
	if !f.IsExported() || f.Tag.Get("json") != "-" {
		return fmt.Errorf(`a %s field is exported and tagged json:"-", so that no body can set it`, bound[0])
	}
	if bound[0] == "body" {
		if f.Type != reflect.TypeFor[[]byte]() || f.Tag.Get("body") != "raw" {
			return fmt.Errorf(`body:"raw" is for a []byte`)
		}
		p.raw = index
		return nil
	}
	if f.Name == "Limit" && outer != "" { // the tags on an embedded Page are those of its limit
		f.Tag = f.Tag + " " + outer
	}
	x := param{in: bound[0], names: strings.Split(f.Tag.Get(bound[0]), ","), index: index, field: f, def: f.Tag.Get("default")}
	if x.in == "path" {
		x.place = slices.Index(path, x.names[0])
		if x.place < 0 || len(x.names) > 1 {
			return fmt.Errorf("the path has no {%s}", f.Tag.Get("path"))
		}
	}
	var err error
	if x.set, err = newSetter(f.Type, f.Tag.Get("until") == "true"); err != nil {
		return err
	}
	if x.rule, err = newRule(f.Type, f.Tag); err != nil {
		return err
	}
	if x.def != "" {
		probe := reflect.New(f.Type).Elem()
		if detail := x.set(probe, []string{x.def}); detail != "" {
			return fmt.Errorf("default %q %s", x.def, detail)
		}
		if detail := x.rule.check(probe); detail != "" {
			return fmt.Errorf("default %q %s", x.def, detail)
		}
	}
	if x.in == "query" {
		for _, name := range x.names {
			if p.known[name] {
				return fmt.Errorf("the query parameter %s is taken twice", name)
			}
			p.known[name] = true
		}
	}
	p.params = append(p.params, x)
	return nil
}
