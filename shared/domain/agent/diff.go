package agent

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// FieldChange is one field of a configuration that differs between two of its versions.
type FieldChange struct {
	Field string         `json:"field"`
	From  jsontext.Value `json:"from"`
	To    jsontext.Value `json:"to"`
}

// class is which part of a semantic version a change of a field raises (decision 11).
type class int

const (
	patch class = iota // what describes the agent
	minor              // what controls it
	major              // what it is
)

// field is one field of Config.
type field struct {
	name  string // in JSON
	class class  // by its tag "version"; minor without one
}

// fields returns those of Config, in its order.
var fields = sync.OnceValue(func() []field {
	var all []field
	for f := range reflect.TypeFor[Config]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		raises := minor
		switch f.Tag.Get("version") {
		case "patch":
			raises = patch
		case "major":
			raises = major
		}
		all = append(all, field{name: name, class: raises})
	}
	return all
})

// Diff returns the fields in which two configurations differ, in the order of
// Config. A nil list or object equals an empty one.
func Diff(before, after Config) []FieldChange {
	from, to := reflect.ValueOf(before), reflect.ValueOf(after)
	var changes []FieldChange
	for i, f := range fields() {
		old, now := encode(from.Field(i)), encode(to.Field(i))
		if !bytes.Equal(old, now) {
			changes = append(changes, FieldChange{Field: f.name, From: old, To: now})
		}
	}
	return changes
}

func encode(v reflect.Value) jsontext.Value {
	text, err := json.Marshal(v.Interface(), json.Deterministic(true))
	if err != nil { // Apply lets no such configuration through
		panic(fmt.Sprintf("agent: a configuration that is not JSON: %v", err))
	}
	return text
}
