// Package bind makes a Go value of a request: it reads the path's and the
// query's parameters and the JSON body into the fields of a struct, strictly,
// and applies the rules of their tags. Failures are problems that name each
// offending field.
//
// Fields are bound by their tags:
//
//	path:"action_id"           the path's parameter of that name
//	query:"status_filter,type" a query parameter and its aliases
//	json:"agent_id"            a member of the body, which is then a JSON object
//
// Fields of the first two carry json:"-" beside. They are strings, integers,
// times, or pointers to these, which stay nil when the parameter is absent.
// Times are in RFC 3339, or YYYY-MM-DD for midnight UTC; with until:"true" a
// date means the last nanosecond of its day. Rules hold for all fields, also
// deep inside the body, and package jsonschema documents them:
//
//	required:"true"  default:"100"  min:"1"  max:"1000"  maxlen:"64"  enum:"a,b"
//
// Lengths are characters of a string or elements of a list. A default is for
// query fields only. Strings in path and query are at most 256 characters unless
// maxlen says otherwise. The tags on an embedded struct are added to those of
// its first field. A body's numbers in fields of type any arrive as
// jsontext.Value, exactly as sent.
package bind

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/exact"
	"ascend/shared/domain/problem"
	"ascend/shared/jsonschema"
)

// MaxText bounds strings in path and query, in characters, where no maxlen does.
const MaxText = 256

// Options says what a request looks like beside its fields.
type Options struct {
	Path          []string // names of the path's parameters, in order
	BodyRequired  bool
	RefuseMembers bool // refuse members of the body that no field takes
	RefuseQuery   bool // refuse query parameters that no field takes
}

// Request is what a request gives to bind.
type Request struct {
	Path  []string // values of the path's parameters, decoded, in order
	Query url.Values
	Body  []byte
}

// Binder binds requests to one struct type. It is safe for concurrent use.
type Binder struct {
	Options
	params  []param
	known   map[string]bool // names of query parameters, with aliases
	in      reflect.Type
	hasBody bool
	json    json.Options
	rules   *rules
}

// New returns the binder of a struct type, or a mistake in its tags.
func New(in reflect.Type, o Options) (*Binder, error) {
	if in.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the request type %v is not a struct", in)
	}
	b := &Binder{Options: o, in: in, known: map[string]bool{}}
	if err := b.collect(in, nil, ""); err != nil {
		return nil, err
	}
	for place, name := range o.Path {
		if !slices.ContainsFunc(b.params, func(x param) bool { return x.In == "path" && x.place == place }) {
			return nil, fmt.Errorf("no field takes the path's {%s}", name)
		}
	}
	members, err := jsonschema.Members(in)
	if err != nil {
		return nil, err
	}
	b.hasBody = len(members) > 0
	if b.rules, err = newRules(in, map[reflect.Type]*rules{}); err != nil {
		return nil, err
	}
	b.json = json.RejectUnknownMembers(o.RefuseMembers)
	if reachesAny(in, map[reflect.Type]bool{}) {
		b.json = json.JoinOptions(b.json, exact.Numbers())
	}
	return b, nil
}

// HasBody reports whether fields are bound to members of a JSON body.
func (b *Binder) HasBody() bool { return b.hasBody }

// Params returns the parameters in path and query.
func (b *Binder) Params() []Param {
	list := make([]Param, len(b.params))
	for i, p := range b.params {
		list[i] = p.Param
	}
	return list
}

// Bind sets the fields of in, a struct of the binder's type, from a request:
// parameters first, then the body.
func (b *Binder) Bind(in reflect.Value, r Request) error {
	var bad []problem.Field
	for i := range b.params {
		p := &b.params[i]
		if detail := p.bind(in.FieldByIndex(p.index), r); detail != "" {
			bad = append(bad, problem.Field{
				Pointer: "/" + p.In + "/" + escapePointer(p.Name),
				Detail:  p.Name + " " + detail,
			})
		}
	}
	if b.RefuseQuery {
		var unknown []string
		for name := range r.Query {
			if !b.known[name] {
				unknown = append(unknown, Clip(name))
			}
		}
		slices.Sort(unknown)
		for _, name := range unknown[:min(len(unknown), maxFields-min(len(bad), maxFields))] {
			bad = append(bad, problem.Field{Pointer: "/query/" + escapePointer(name), Detail: name + " is not a known query parameter"})
		}
	}
	if len(bad) > 0 {
		return problem.InvalidFields(bad...)
	}
	return b.decode(in, r.Body)
}

// collect adds the parameters of t; first is added to the tag of its first field.
func (b *Binder) collect(t reflect.Type, at []int, first reflect.StructTag) error {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(slices.Clone(at), i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct && f.Tag.Get("json") != "-" {
			if err := b.collect(f.Type, index, f.Tag); err != nil {
				return err
			}
			continue
		}
		if i == 0 && first != "" {
			f.Tag = f.Tag + " " + first
		}
		p, ok, err := newParam(f, index, b.Path)
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		if !ok {
			continue
		}
		if p.In == "query" {
			for _, name := range append([]string{p.Name}, p.Aliases...) {
				if b.known[name] {
					return fmt.Errorf("field %s: the query parameter %s is taken twice", f.Name, name)
				}
				b.known[name] = true
			}
		}
		b.params = append(b.params, p)
	}
	return nil
}

// reachesAny reports whether a value of t can hold an interface.
func reachesAny(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return reachesAny(t.Elem(), seen)
	case reflect.Struct:
		for f := range t.Fields() {
			if f.Tag.Get("json") != "-" && reachesAny(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// escapePointer returns a token of a JSON pointer (RFC 6901 §3).
func escapePointer(token string) string { return pointerEscapes.Replace(token) }
