package functions

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/endpoint"
)

// schema is a JSON Schema (2020-12), as far as Go types need it. The empty one
// allows anything.
type schema struct {
	Ref         string             `json:"$ref,omitzero"`
	Type        any                `json:"type,omitzero"` // a string, or a list of them
	Format      string             `json:"format,omitzero"`
	Encoding    string             `json:"contentEncoding,omitzero"`
	Description string             `json:"description,omitzero"`
	Enum        []any              `json:"enum,omitzero"`
	Default     any                `json:"default,omitzero"`
	Minimum     *float64           `json:"minimum,omitzero"`
	Maximum     *float64           `json:"maximum,omitzero"`
	MinLength   int                `json:"minLength,omitzero"`
	MaxLength   int                `json:"maxLength,omitzero"`
	MinItems    int                `json:"minItems,omitzero"`
	MaxItems    int                `json:"maxItems,omitzero"`
	Items       *schema            `json:"items,omitzero"`
	Properties  map[string]*schema `json:"properties,omitzero"`
	Required    []string           `json:"required,omitzero"`
	MinMembers  int                `json:"minProperties,omitzero"`
	MaxMembers  int                `json:"maxProperties,omitzero"`
	Additional  any                `json:"additionalProperties,omitzero"` // a *schema, or a bool
	AnyOf       []*schema          `json:"anyOf,omitzero"`
}

// mode is what a schema is for. One Go type has different ones, because
// what a request must hold and what an answer always holds differ.
type mode int

const (
	answered     mode = iota
	taken             // by an operation that ignores unknown members
	takenExactly      // by one that refuses them
)

func (m mode) suffix() string { return [...]string{"", "LenientInput", "Input"}[m] }

// schemas collects the schemas of named struct types.
type schemas struct {
	named map[string]*schema
	names map[typeIn]string
}

type typeIn struct {
	t    reflect.Type
	mode mode
}

func newSchemas() *schemas {
	return &schemas{named: map[string]*schema{}, names: map[typeIn]string{}}
}

// of is the schema of a type: a reference for a named struct.
func (ss *schemas) of(t reflect.Type, m mode) (*schema, error) {
	switch {
	case t.Kind() == reflect.Pointer:
		return ss.of(t.Elem(), m)
	case t == reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}, nil
	case t == reflect.TypeFor[jsontext.Value]():
		return &schema{}, nil
	case optional(t) != nil:
		return ss.of(optional(t), m)
	case t.Kind() == reflect.Interface, implements[json.MarshalerTo](t), implements[json.Marshaler](t):
		return &schema{}, nil
	case implements[encoding.TextMarshaler](t), implements[encoding.TextAppender](t):
		return &schema{Type: "string"}, nil
	}
	switch k := t.Kind(); {
	case k == reflect.String:
		return &schema{Type: "string"}, nil
	case k == reflect.Bool:
		return &schema{Type: "boolean"}, nil
	case k == reflect.Float32 || k == reflect.Float64:
		return &schema{Type: "number"}, nil
	case reflect.Int <= k && k <= reflect.Uint64:
		return &schema{Type: "integer"}, nil
	case k == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return &schema{Type: "string", Encoding: "base64"}, nil
	case k == reflect.Slice || k == reflect.Array:
		items, err := ss.of(t.Elem(), m)
		return &schema{Type: "array", Items: items}, err
	case k == reflect.Map:
		values, err := ss.of(t.Elem(), m)
		return &schema{Type: "object", Additional: values}, err
	case k == reflect.Struct && t.Name() == "":
		s := &schema{}
		return s, ss.fill(s, t, m)
	case k == reflect.Struct:
		return ss.reference(t, m)
	}
	return nil, fmt.Errorf("no JSON is made of a %v", t)
}

// optional is what an optional member of a request holds, where its type tells
// absent from null by a method Value() *T; else nil.
func optional(t reflect.Type) reflect.Type {
	value, ok := t.MethodByName("Value")
	if t.Kind() != reflect.Struct || !ok || value.Type.NumIn() != 1 || value.Type.NumOut() != 1 || value.Type.Out(0).Kind() != reflect.Pointer {
		return nil
	}
	return value.Type.Out(0).Elem()
}

// reference names the schema of a struct type, made once.
func (ss *schemas) reference(t reflect.Type, m mode) (*schema, error) {
	key := typeIn{t, m}
	name, ok := ss.names[key]
	if !ok {
		name = componentName(t) + m.suffix()
		for n := 2; ss.named[name] != nil; n++ { // types within functions share their names
			name = componentName(t) + m.suffix() + strconv.Itoa(n)
		}
		ss.names[key] = name
		s := &schema{}
		ss.named[name] = s
		if err := ss.fill(s, t, m); err != nil {
			return nil, err
		}
	}
	return &schema{Ref: "#/components/schemas/" + name}, nil
}

// fill describes the members of a struct.
func (ss *schemas) fill(s *schema, t reflect.Type, m mode) error {
	members, err := endpoint.Members(t)
	if err != nil {
		return err
	}
	s.Type, s.Properties = "object", map[string]*schema{}
	if m == takenExactly {
		s.Additional = false
	}
	for _, f := range members {
		property, err := ss.field(f.Field, m)
		if err != nil {
			return fmt.Errorf("%v.%s: %w", t, f.Field.Name, err)
		}
		required := f.Field.Tag.Get("required") == "true"
		if m == answered {
			required = !f.Omit
		}
		nullable := m != answered && !required || m == answered && !f.Omit && f.Field.Type.Kind() == reflect.Pointer
		if required {
			s.Required = append(s.Required, f.Name)
		}
		if nullable {
			property = orNull(property)
		}
		s.Properties[f.Name] = property
	}
	return nil
}

// orNull allows null beside what s allows.
func orNull(s *schema) *schema {
	switch {
	case s.Ref != "":
		return &schema{AnyOf: []*schema{{Ref: s.Ref}, {Type: "null"}}, Description: s.Description}
	case s.Type == nil:
		return s
	}
	s.Type = []string{s.Type.(string), "null"}
	if s.Enum != nil {
		s.Enum = append(s.Enum, nil)
	}
	return s
}

// field is the schema of a field with the rules of its tags. Rules bind requests only.
func (ss *schemas) field(f reflect.StructField, m mode) (*schema, error) {
	s, err := ss.of(f.Type, m)
	if err != nil {
		return nil, err
	}
	s.Description = f.Tag.Get("doc")
	if values, ok := f.Tag.Lookup("enum"); ok {
		for value := range strings.SplitSeq(values, ",") {
			s.Enum = append(s.Enum, value)
		}
		// An empty string counts as absent (endpoint.Define).
		if m != answered && f.Tag.Get("required") != "true" && !slices.Contains(s.Enum, any("")) {
			s.Enum = append(s.Enum, "")
		}
	}
	if m == answered {
		return s, nil
	}
	if s.Minimum, err = bound(f.Tag, "min"); err != nil {
		return nil, err
	}
	if s.Maximum, err = bound(f.Tag, "max"); err != nil {
		return nil, err
	}
	s.lengths(f.Tag)
	if text, ok := f.Tag.Lookup("default"); ok {
		s.Default = text
		if s.Type != "string" && s.Type != "array" {
			s.Default = jsontext.Value(text)
		}
	}
	return s, nil
}

// lengths sets the bounds of a string's, list's or map's length. What is
// required is not empty.
func (s *schema) lengths(tag reflect.StructTag) {
	var least, most *int
	switch s.Type {
	case "string":
		least, most = &s.MinLength, &s.MaxLength
	case "array":
		least, most = &s.MinItems, &s.MaxItems
	case "object":
		least, most = &s.MinMembers, &s.MaxMembers
	default:
		return
	}
	if tag.Get("required") == "true" && s.Format == "" {
		*least = 1
	}
	if n, err := strconv.Atoi(tag.Get("minlen")); err == nil {
		*least = n
	}
	*most, _ = strconv.Atoi(tag.Get("maxlen"))
}

// bare is s without its description, which stands on the parameter.
func (s schema) bare() *schema {
	s.Description = ""
	return &s
}

func bound(tag reflect.StructTag, name string) (*float64, error) {
	text, ok := tag.Lookup(name)
	if !ok {
		return nil, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	return &f, err
}

func text(most int) *schema { return &schema{Type: "string", MinLength: 1, MaxLength: most} }

func implements[I any](t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[I]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[I]())
}

// componentName is a type's name with its package's before: action.Summary is ActionSummary.
func componentName(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	path := strings.Split(t.PkgPath(), "/")
	pkg := path[len(path)-1]
	return strings.ToUpper(pkg[:1]) + pkg[1:] + strings.ToUpper(name[:1]) + name[1:]
}
