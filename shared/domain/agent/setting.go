package agent

import (
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Setting is one optional member of a request that configures an agent: absent
// (the zero value), null, or a value.
type Setting[T any] struct {
	given bool
	value *T
}

// IsZero reports whether the member is absent.
func (s Setting[T]) IsZero() bool { return !s.given }

// Value returns the value, or nil when absent or null.
func (s Setting[T]) Value() *T { return s.value }

// UnmarshalJSONFrom reads null or a value; an absent member is never read.
func (s *Setting[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	s.given, s.value = true, nil
	return json.UnmarshalDecode(d, &s.value)
}

// MarshalJSONTo writes the value, or null.
func (s Setting[T]) MarshalJSONTo(e *jsontext.Encoder) error { return json.MarshalEncode(e, s.value) }

// assign sets a field of type T or *T: absent leaves it, null sets def.
func (s Setting[T]) assign(field, def reflect.Value) {
	switch {
	case !s.given:
	case s.value == nil:
		field.Set(def)
	case field.Type() == reflect.TypeFor[*T]():
		field.Set(reflect.ValueOf(s.value))
	default:
		field.Set(reflect.ValueOf(*s.value))
	}
}

// assign sets the fields of to that the members of settings, a struct of
// Settings, share their Go names with. A null sets the field of def.
func assign[S, C any](settings S, to *C, def C) {
	from, onto, defaults := reflect.ValueOf(settings), reflect.ValueOf(to).Elem(), reflect.ValueOf(def)
	for i := range from.NumField() {
		name := from.Type().Field(i).Name
		from.Field(i).Interface().(interface {
			assign(field, def reflect.Value)
		}).assign(onto.FieldByName(name), defaults.FieldByName(name))
	}
}
