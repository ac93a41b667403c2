// Package jsonschema describes Go types in JSON Schema (2020-12): requests and
// answers for the API description, events for their subscribers.
//
// Beside those of package json it reads the tags of package bind (required,
// default, min, max, maxlen, enum) and two of its own:
//
//	doc:"What it is."                        the description
//	jsonschema:"minLength=1 items.maxLength=64" keywords of a request's member whose
//	                                         rules other code enforces
package jsonschema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

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
	OneOf       []*Schema          `json:"oneOf,omitzero"`
}

// OrNull returns a schema that allows null beside what s allows.
func (s *Schema) OrNull() *Schema {
	switch types := s.Type.(type) {
	case string:
		s.Type = []string{types, "null"}
	case []string:
		s.Type = append(types, "null")
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

// apply sets the keywords of a jsonschema tag, each "name=value"; those of a
// list's entries begin with "items.". Alternatives are separated by "|".
func (s *Schema) apply(tag string) error {
	for keyword := range strings.FieldsSeq(tag) {
		name, text, _ := strings.Cut(keyword, "=")
		on := s
		if entry, ok := strings.CutPrefix(name, "items."); ok && s.Items != nil {
			on, name = s.Items, entry
		}
		var value any = text
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			value = n
		} else if name == "enum" || name == "type" && strings.Contains(text, "|") {
			value = strings.Split(text, "|")
		}
		b, err := json.Marshal(map[string]any{name: value})
		if err == nil {
			err = json.Unmarshal(b, on, json.RejectUnknownMembers(true))
		}
		if err != nil {
			return fmt.Errorf("jsonschema tag %q: %w", keyword, err)
		}
	}
	if types, ok := s.Type.([]any); ok { // as package json reads an any
		list := make([]string, len(types))
		for i, t := range types {
			list[i], _ = t.(string)
		}
		s.Type = list
	}
	return nil
}
