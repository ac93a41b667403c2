// Package jsonschema describes Go types in JSON Schema (2020-12): requests and
// answers for the API description, events for their subscribers.
//
// Beside those of package json it reads the tags of package bind (required,
// default, min, max, maxlen, enum) and doc, the description. A struct whose
// rules are code states them in a method JSONSchema(*Schema), which amends the
// schema of a request.
package jsonschema

import "slices"

// Schema is a JSON Schema, as far as Go types need it. The zero Schema allows
// anything.
type Schema struct {
	Schema      string             `json:"$schema,omitzero"`
	ID          string             `json:"$id,omitzero"`
	Ref         string             `json:"$ref,omitzero"`
	Title       string             `json:"title,omitzero"`
	Type        any                `json:"type,omitzero"` // a string, or a list of them
	Format      string             `json:"format,omitzero"`
	Encoding    string             `json:"contentEncoding,omitzero"`
	Description string             `json:"description,omitzero"`
	Const       string             `json:"const,omitzero"`
	Pattern     string             `json:"pattern,omitzero"`
	Enum        []any              `json:"enum,omitzero"`
	Default     any                `json:"default,omitzero"`
	Minimum     *float64           `json:"minimum,omitzero"`
	Maximum     *float64           `json:"maximum,omitzero"`
	MinLength   int                `json:"minLength,omitzero"`
	MaxLength   int                `json:"maxLength,omitzero"`
	MinItems    int                `json:"minItems,omitzero"`
	MaxItems    int                `json:"maxItems,omitzero"`
	Items       *Schema            `json:"items,omitzero"`
	Properties  map[string]*Schema `json:"properties,omitzero"`
	Required    []string           `json:"required,omitzero"`
	Additional  any                `json:"additionalProperties,omitzero"` // a *Schema, or a bool
	AnyOf       []*Schema          `json:"anyOf,omitzero"`
	MultipleOf  float64            `json:"multipleOf,omitzero"`
	Unique      bool               `json:"uniqueItems,omitzero"`
}

// OrNull returns a schema that allows null beside what s allows.
func (s *Schema) OrNull() *Schema {
	switch types := s.Type.(type) {
	case string:
		s.Type = []string{types, "null"}
	case []string:
		s.Type = append(slices.Clone(types), "null")
	default:
		if s.Ref != "" {
			return &Schema{AnyOf: []*Schema{{Ref: s.Ref}, {Type: "null"}}, Description: s.Description}
		}
		return s
	}
	if s.Enum != nil {
		s.Enum = append(s.Enum, nil)
	}
	return s
}

// Bare returns s without its description.
func (s Schema) Bare() *Schema {
	s.Description = ""
	return &s
}
