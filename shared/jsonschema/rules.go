package jsonschema

import "slices"

// The methods below state the rules of problem.Fields, each named as its method
// there. Lengths are characters. Patterns read the same in ECMA-262 and in RE2.

// The patterns of texts.
const (
	noControl = `[^\x00-\x1f\x7f-\x9f]`
	// LinePattern is a text without control characters.
	LinePattern = `^` + noControl + `*$`
	filled      = `^` + noControl + `*[^\s\x00-\x1f\x7f-\x9f\xa0]` + noControl + `*$`
	prose       = `^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$`
)

// Require makes members required, and not null.
func (s *Schema) Require(names ...string) {
	for _, name := range names {
		if !slices.Contains(s.Required, name) {
			s.Required = append(s.Required, name)
		}
		s.Properties[name].NotNull()
	}
}

// NotNull takes null from what s allows.
func (s *Schema) NotNull() {
	if types, ok := s.Type.([]string); ok {
		if types = slices.DeleteFunc(types, func(t string) bool { return t == "null" }); len(types) == 1 {
			s.Type = types[0]
		}
		s.Enum = slices.DeleteFunc(s.Enum, func(v any) bool { return v == nil })
	}
}

// Line allows one line of up to most characters that is not blank.
func (s *Schema) Line(most int) { s.MinLength, s.MaxLength, s.Pattern = 1, most, filled }

// Prose allows up to most characters, tabs and line breaks among them.
func (s *Schema) Prose(most int) { s.MaxLength, s.Pattern = most, prose }

// List allows up to most entries, each a Line of each characters.
func (s *Schema) List(most, each int) {
	s.MaxItems = most
	s.Items.Line(each)
}

// Email demands an e-mail address of up to most characters.
func (s *Schema) Email(most int) { s.Format, s.MaxLength = "email", most }

// URL demands an absolute URL of a scheme, which is a regular expression.
func (s *Schema) URL(scheme string, most int) {
	s.Format, s.MaxLength, s.Pattern = "uri", most, `^`+scheme+`://[^/?#@:\s][^/?#@\s]*([/?][^#\s]*)?$`
}

// Between demands low ≤ x ≤ high.
func (s *Schema) Between(low, high float64) { s.Minimum, s.Maximum = &low, &high }

// OneOf demands one of the values.
func OneOf[T ~string](s *Schema, values []T) {
	s.Enum = nil
	for _, v := range values {
		s.Enum = append(s.Enum, string(v))
	}
	if types, ok := s.Type.([]string); ok && slices.Contains(types, "null") {
		s.Enum = append(s.Enum, nil)
	}
}
