package endpoint

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/problem"
)

// jsonField is a member that a struct is read from or written to.
type jsonField struct {
	reflect.StructField
	name  string
	index []int // through embedded structs
	omit  bool  // left out when zero or empty
}

// Member is a member of a JSON object, for the API description.
type Member struct {
	Name  string
	Field reflect.StructField
	Omit  bool // an answer may leave it out
}

// Members lists the JSON members of a struct type in order.
func Members(t reflect.Type) ([]Member, error) {
	fields, err := jsonFields(t)
	members := make([]Member, len(fields))
	for i, f := range fields {
		members[i] = Member{Name: f.name, Field: f.StructField, Omit: f.omit}
	}
	return members, err
}

// jsonFields lists the members of a struct as package json sees them.
func jsonFields(t reflect.Type) ([]jsonField, error) {
	var fields []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if tag == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		if f.Anonymous && name == "" {
			if f.Type.Kind() != reflect.Struct {
				return nil, fmt.Errorf("%v embeds %v, which is not a struct", t, f.Type)
			}
			inner, err := jsonFields(f.Type)
			if err != nil {
				return nil, err
			}
			for _, in := range inner {
				in.index = append([]int{i}, in.index...)
				fields = append(fields, in)
			}
			continue
		}
		if name == "" || strings.ContainsAny(name, `'"\`) || strings.Contains(options, "embed") || strings.Contains(options, "inline") {
			return nil, fmt.Errorf("field %s of %v needs a plain json name", f.Name, t)
		}
		fields = append(fields, jsonField{StructField: f, name: name, index: []int{i}, omit: strings.Contains(options, "omit")})
	}
	return shallowest(fields), nil
}

// shallowest leaves out members that one of the same name nearer to the outer
// struct hides.
func shallowest(fields []jsonField) []jsonField {
	depth := map[string]int{}
	for _, f := range fields {
		if d, ok := depth[f.name]; !ok || len(f.index) < d {
			depth[f.name] = len(f.index)
		}
	}
	return slices.DeleteFunc(fields, func(f jsonField) bool { return len(f.index) > depth[f.name] })
}

// opaque reports whether a type decodes itself, so that its fields are no members.
func opaque(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.UnmarshalerFrom]()) || p.Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		p.Implements(reflect.TypeFor[interface{ UnmarshalText([]byte) error }]())
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
		for i := range t.NumField() {
			if f := t.Field(i); f.Tag.Get("json") != "-" && reachesAny(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// unknownMembers lists the members of body that t does not know, with their
// pointers. It is for bodies that were already refused for having some.
func unknownMembers(t reflect.Type, body []byte) []problem.Field {
	dec := jsontext.NewDecoder(bytes.NewReader(body))
	var found []problem.Field
	listUnknown(dec, t, "", &found)
	return found
}

// listUnknown reads one value of t; it reports false when there is no point in going on.
func listUnknown(dec *jsontext.Decoder, t reflect.Type, at string, found *[]problem.Field) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	kind := dec.PeekKind()
	plain := !opaque(t)
	switch {
	case kind == '{' && plain && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map):
		fields, _ := structFields(t)
		return listMembers(dec, t, fields, at, found)
	case kind == '[' && plain && t.Kind() == reflect.Slice:
		if _, err := dec.ReadToken(); err != nil {
			return false
		}
		for i := 0; dec.PeekKind() != ']'; i++ {
			if !listUnknown(dec, t.Elem(), at+"/"+strconv.Itoa(i), found) {
				return false
			}
		}
		_, err := dec.ReadToken()
		return err == nil
	}
	return dec.SkipValue() == nil
}

func listMembers(dec *jsontext.Decoder, t reflect.Type, fields []jsonField, at string, found *[]problem.Field) bool {
	if _, err := dec.ReadToken(); err != nil {
		return false
	}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil || len(*found) == maxFields {
			return false
		}
		member := token.String()
		pointer := at + "/" + escapePointer(clip(member))
		elem := t
		if t.Kind() == reflect.Map {
			elem = t.Elem()
		} else if i := slices.IndexFunc(fields, func(f jsonField) bool { return f.name == member }); i >= 0 {
			elem = fields[i].Type
		} else {
			*found = append(*found, problem.Field{Pointer: pointer, Detail: name(pointer) + " is not a known field"})
			if dec.SkipValue() != nil {
				return false
			}
			continue
		}
		if !listUnknown(dec, elem, pointer, found) {
			return false
		}
	}
	_, err := dec.ReadToken()
	return err == nil
}

func structFields(t reflect.Type) ([]jsonField, error) {
	if t.Kind() != reflect.Struct {
		return nil, nil
	}
	return jsonFields(t)
}
