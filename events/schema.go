package events

import (
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/jsonschema"
)

// Schema returns the JSON Schema of the events of a kind that is sent, made from
// its Go type. Objects are open: members may be added, and a subscriber ignores
// those that it does not know. The files in folder schemas are written by go generate ./functions.
func (k Kind) Schema() ([]byte, error) {
	s, err := new(jsonschema.Generator).Of(reflect.TypeFor[Event](), jsonschema.Output)
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
	if p["data"], err = new(jsonschema.Generator).Of(reflect.TypeOf(k.Data), jsonschema.Output); err != nil {
		return nil, fmt.Errorf("describe %s: %w", k.Name, err)
	}
	out, err := json.Marshal(s, json.Deterministic(true), jsontext.WithIndent("  "))
	return append(out, '\n'), err
}
