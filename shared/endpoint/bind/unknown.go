package bind

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/problem"
	"ascend/shared/jsonschema"
)

// opaque reports whether a type decodes itself, so that its fields are no members.
func opaque(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.UnmarshalerFrom]()) || p.Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		p.Implements(reflect.TypeFor[interface{ UnmarshalText([]byte) error }]())
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
		return listMembers(dec, t, at, found)
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

func listMembers(dec *jsontext.Decoder, t reflect.Type, at string, found *[]problem.Field) bool {
	var members []jsonschema.Member
	if t.Kind() == reflect.Struct {
		members, _ = jsonschema.Members(t) // New had no error of it
	}
	if _, err := dec.ReadToken(); err != nil {
		return false
	}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil || len(*found) == maxFields {
			return false
		}
		member := token.String()
		pointer := at + "/" + escapePointer(Clip(member))
		var elem reflect.Type
		if t.Kind() == reflect.Map {
			elem = t.Elem()
		} else if i := slices.IndexFunc(members, func(m jsonschema.Member) bool { return m.Name == member }); i >= 0 {
			elem = members[i].Field.Type
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
