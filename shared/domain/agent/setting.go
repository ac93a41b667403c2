package agent

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Setting is one optional member of a request that configures an agent: absent
// (the zero value), null, or a value.
type Setting[T any] struct {
	given bool
	value *T
}

// To is a setting with a value.
func To[T any](v T) Setting[T] { return Setting[T]{given: true, value: &v} }

// IsZero reports whether the member is absent.
func (s Setting[T]) IsZero() bool { return !s.given }

// Value is the value, or nil when absent or null.
func (s Setting[T]) Value() *T { return s.value }

// UnmarshalJSONFrom reads null or a value; an absent member is never read.
func (s *Setting[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	s.given, s.value = true, nil
	return json.UnmarshalDecode(d, &s.value)
}

// MarshalJSONTo writes the value, or null.
func (s Setting[T]) MarshalJSONTo(e *jsontext.Encoder) error { return json.MarshalEncode(e, s.value) }

// into carries the setting into a field: absent leaves it, null gives it def.
func (s Setting[T]) into(field *T, def T) {
	switch {
	case s.value != nil:
		*field = *s.value
	case s.given:
		*field = def
	}
}

// intoOptional does the same for a field that may be nil, which is what null makes it.
func (s Setting[T]) intoOptional(field **T) {
	if s.given {
		*field = s.value
	}
}
