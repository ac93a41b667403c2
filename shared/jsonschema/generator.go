package jsonschema

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
)

// Mode is what a schema is for. One Go type has different ones, because what a
// request must hold and what an answer always holds differ.
type Mode int

// The modes.
const (
	Output      Mode = iota
	Input            // of a reader that ignores unknown members
	StrictInput      // of one that refuses them
)

func (m Mode) suffix() string { return [...]string{"", "LenientInput", "Input"}[m] }

// Generator makes schemas of types. The zero Generator describes structs in place.
type Generator struct {
	// Components collects the schemas of named structs, which others then refer
	// to; nil describes them in place.
	Components map[string]*Schema
	// Names are the components of types that are not named for their package.
	Names map[reflect.Type]string

	made map[typeIn]string
}

type typeIn struct {
	t    reflect.Type
	mode Mode
}

// Of returns the schema of a type.
func (g *Generator) Of(t reflect.Type, m Mode) (*Schema, error) {
	switch {
	case t.Kind() == reflect.Pointer:
		return g.Of(t.Elem(), m)
	case t == reflect.TypeFor[time.Time]():
		return &Schema{Type: "string", Format: "date-time"}, nil
	case t == reflect.TypeFor[jsontext.Value]():
		return &Schema{}, nil
	case optional(t) != nil:
		return g.Of(optional(t), m)
	case t.Kind() == reflect.Interface, implements[json.MarshalerTo](t), implements[json.Marshaler](t):
		return &Schema{}, nil
	case implements[encoding.TextMarshaler](t), implements[encoding.TextAppender](t):
		return &Schema{Type: "string"}, nil
	}
	switch k := t.Kind(); {
	case k == reflect.String:
		return &Schema{Type: "string"}, nil
	case k == reflect.Bool:
		return &Schema{Type: "boolean"}, nil
	case k == reflect.Float32 || k == reflect.Float64:
		return &Schema{Type: "number"}, nil
	case reflect.Int <= k && k <= reflect.Uint64:
		return &Schema{Type: "integer"}, nil
	case k == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return &Schema{Type: "string", Encoding: "base64"}, nil
	case k == reflect.Slice || k == reflect.Array:
		items, err := g.Of(t.Elem(), m)
		return &Schema{Type: "array", Items: items}, err
	case k == reflect.Map:
		values, err := g.Of(t.Elem(), m)
		return &Schema{Type: "object", Additional: values}, err
	case k == reflect.Struct && (t.Name() == "" || g.Components == nil):
		s := &Schema{}
		return s, g.fill(s, t, m)
	case k == reflect.Struct:
		return g.component(t, m)
	}
	return nil, fmt.Errorf("no JSON is made of a %v", t)
}

// optional returns what an optional member of a request holds, where its type
// tells absent from null by a method Value() *T; else nil.
func optional(t reflect.Type) reflect.Type {
	value, ok := t.MethodByName("Value")
	if t.Kind() != reflect.Struct || !ok || value.Type.NumIn() != 1 || value.Type.NumOut() != 1 || value.Type.Out(0).Kind() != reflect.Pointer {
		return nil
	}
	return value.Type.Out(0).Elem()
}

// component returns a reference to the schema of a named struct, made once.
func (g *Generator) component(t reflect.Type, m Mode) (*Schema, error) {
	key := typeIn{t, m}
	name, ok := g.made[key]
	if !ok {
		own := g.name(t) + m.suffix()
		name = own
		for n := 2; g.Components[name] != nil; n++ { // types within functions share their names
			name = own + strconv.Itoa(n)
		}
		if g.made == nil {
			g.made = map[typeIn]string{}
		}
		g.made[key] = name
		s := &Schema{}
		g.Components[name] = s
		if err := g.fill(s, t, m); err != nil {
			return nil, err
		}
	}
	return &Schema{Ref: "#/components/schemas/" + name}, nil
}

// name returns a type's name led by its package's: action.Summary is ActionSummary.
func (g *Generator) name(t reflect.Type) string {
	if name, ok := g.Names[t]; ok {
		return name
	}
	name, _, _ := strings.Cut(t.Name(), "[")
	pkg := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
	return strings.ToUpper(pkg[:1]) + pkg[1:] + strings.ToUpper(name[:1]) + name[1:]
}

// fill describes the members of a struct.
func (g *Generator) fill(s *Schema, t reflect.Type, m Mode) error {
	members, err := Members(t)
	if err != nil {
		return err
	}
	s.Type, s.Properties = "object", map[string]*Schema{}
	if m == StrictInput {
		s.Additional = false
	}
	for _, f := range members {
		property, err := g.Field(f.Field, m)
		if err != nil {
			return fmt.Errorf("%v.%s: %w", t, f.Field.Name, err)
		}
		required := f.Field.Tag.Get("required") == "true"
		if m == Output {
			required = !f.Omit
		}
		if required {
			s.Required = append(s.Required, f.Name)
		}
		if m != Output && !required || m == Output && !f.Omit && f.Field.Type.Kind() == reflect.Pointer {
			property = property.OrNull()
		}
		s.Properties[f.Name] = property
	}
	if ruled, ok := reflect.TypeAssert[interface{ JSONSchema(*Schema) }](reflect.Zero(t)); ok && m != Output {
		ruled.JSONSchema(s)
	}
	return nil
}

// Field returns the schema of a field with the rules of its tags. All but enum
// and doc bind requests only.
func (g *Generator) Field(f reflect.StructField, m Mode) (*Schema, error) {
	s, err := g.Of(f.Type, m)
	if err != nil {
		return nil, err
	}
	s.Description = f.Tag.Get("doc")
	if values, ok := f.Tag.Lookup("enum"); ok {
		for value := range strings.SplitSeq(values, ",") {
			s.Enum = append(s.Enum, value)
		}
		// An empty string counts as absent (package bind).
		if m != Output && f.Tag.Get("required") != "true" && !slices.Contains(s.Enum, any("")) {
			s.Enum = append(s.Enum, "")
		}
	}
	if m == Output {
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
		if s.Type != "string" {
			s.Default = jsontext.Value(text)
		}
	}
	return s, nil
}

// lengths sets the bounds of a string's or list's length. What is required is
// not empty.
func (s *Schema) lengths(tag reflect.StructTag) {
	var least, most *int
	switch s.Type {
	case "string":
		least, most = &s.MinLength, &s.MaxLength
	case "array":
		least, most = &s.MinItems, &s.MaxItems
	default:
		return
	}
	if tag.Get("required") == "true" && s.Format == "" {
		*least = 1
	}
	*most, _ = strconv.Atoi(tag.Get("maxlen"))
}

func bound(tag reflect.StructTag, name string) (*float64, error) {
	text, ok := tag.Lookup(name)
	if !ok {
		return nil, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	return &f, err
}

func implements[I any](t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[I]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[I]())
}
