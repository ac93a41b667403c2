package events

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// schema is a JSON Schema (2020-12), as far as the types of events need it.
// Objects are open: members may be added, and who reads an event ignores those
// that it does not know.
type schema struct {
	Schema      string             `json:"$schema,omitzero"`
	ID          string             `json:"$id,omitzero"`
	Title       string             `json:"title,omitzero"`
	Description string             `json:"description,omitzero"`
	Type        string             `json:"type,omitzero"`
	Format      string             `json:"format,omitzero"`
	Const       string             `json:"const,omitzero"`
	Pattern     string             `json:"pattern,omitzero"`
	Enum        []string           `json:"enum,omitzero"`
	Items       *schema            `json:"items,omitzero"`
	Properties  map[string]*schema `json:"properties,omitzero"`
	Required    []string           `json:"required,omitzero"`
}

// Schema is the JSON Schema of the events of a kind that is sent, made from its
// Go type. The files in folder schemas are written by go generate ./functions.
func (k Kind) Schema() ([]byte, error) {
	s, err := schemaOf(reflect.TypeFor[Event]())
	if err != nil {
		return nil, err
	}
	s.Schema, s.ID = "https://json-schema.org/draft/2020-12/schema", "urn:ascend:event:"+k.Name
	s.Title, s.Description = k.Name, k.When
	p := s.Properties
	p["specversion"].Const, p["source"].Const, p["type"].Const = "1.0", Source, k.Name
	p["datacontenttype"].Const = "application/json"
	p["id"].Pattern = "^evt_[0-9a-f]{32}$"
	p["id"].Description = "The same each time the event is sent: whoever must not act twice keeps it."
	if p["data"], err = schemaOf(reflect.TypeOf(k.Data)); err != nil {
		return nil, fmt.Errorf("describe %s: %w", k.Name, err)
	}
	out, err := json.Marshal(s, json.Deterministic(true), jsontext.WithIndent("  "))
	return append(out, '\n'), err
}

func schemaOf(t reflect.Type) (*schema, error) {
	if t == reflect.TypeFor[time.Time]() {
		return &schema{Type: "string", Format: "date-time"}, nil
	}
	switch t.Kind() {
	case reflect.Interface:
		return &schema{}, nil
	case reflect.String:
		return &schema{Type: "string"}, nil
	case reflect.Bool:
		return &schema{Type: "boolean"}, nil
	case reflect.Int, reflect.Int64:
		return &schema{Type: "integer"}, nil
	case reflect.Float64:
		return &schema{Type: "number"}, nil
	case reflect.Slice:
		items, err := schemaOf(t.Elem())
		return &schema{Type: "array", Items: items}, err
	case reflect.Struct:
		s := &schema{Type: "object", Properties: map[string]*schema{}}
		return s, s.members(t)
	}
	return nil, fmt.Errorf("events hold no %v", t)
}

// members describes the fields of a struct type, those of embedded ones as its own.
func (s *schema) members(t reflect.Type) error {
	for f := range t.Fields() {
		if f.Anonymous {
			if err := s.members(f.Type); err != nil {
				return err
			}
			continue
		}
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || s.Properties[name] != nil {
			return fmt.Errorf("field %s of %v needs a json name of its own", f.Name, t)
		}
		member, err := schemaOf(f.Type)
		if err != nil {
			return fmt.Errorf("%v.%s: %w", t, f.Name, err)
		}
		member.Description = f.Tag.Get("doc")
		if values, ok := f.Tag.Lookup("enum"); ok {
			member.Enum = strings.Split(values, ",")
		}
		s.Properties[name] = member
		if option == "" {
			s.Required = append(s.Required, name)
		}
	}
	return nil
}
