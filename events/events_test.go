package events_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"ascend/events"
	"ascend/shared/domain/audit"
)

// sent are the kinds of events that have a Go type.
func sent() []events.Kind {
	return slices.DeleteFunc(events.Catalog(), func(k events.Kind) bool { return k.Data == nil })
}

// names is decision 33, word for word.
const names = `action.submitted, action.approved, action.denied, action.blocked, action.pending, action.escalated, action.timeout,
	action.completed, action.failed, workflow.started, workflow.completed, workflow.escalated, agent.registered, agent.updated, agent.activated,
	agent.suspended, agent.deleted, policy.created|updated|deleted|violated, alert.triggered, budget.threshold, security.high_risk,
	security.anomaly, webhook.disabled`

func TestTheCatalogIsTheContractsList(t *testing.T) {
	var want []string
	for entry := range strings.SplitSeq(names, ",") {
		family, members, _ := strings.Cut(strings.TrimSpace(entry), ".")
		for member := range strings.SplitSeq(members, "|") {
			want = append(want, family+"."+member)
		}
	}
	var got []string
	for _, k := range events.Catalog() {
		got = append(got, k.Name)
		switch {
		case (k.Data == nil) == (k.Later == ""):
			t.Errorf("%s: either its Go type or what it waits for", k.Name)
		case k.Data != nil && events.New(audit.Entry{}, k.Data).Type != k.Name: // two kinds share it
			t.Errorf("%s has a Go type that is sent as %s", k.Name, events.New(audit.Entry{}, k.Data).Type)
		case k.Data != nil && k.When == "":
			t.Errorf("%s does not say when it is sent", k.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the catalog is\n%v, want\n%v", got, want)
	}
}

func TestFilesBelongToEventsThatAreSent(t *testing.T) {
	var want []string
	for _, k := range sent() {
		want = append(want, k.Name+".json")
	}
	slices.Sort(want)
	for _, folder := range []string{"schemas", "samples"} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s holds %v, want %v", folder, got, want)
		}
	}
}

func TestSchemasAreWhatTheGoTypesSay(t *testing.T) {
	for _, k := range sent() {
		want, err := k.Schema()
		if err != nil {
			t.Fatal(err)
		}
		if got := file(t, "schemas", k); !bytes.Equal(got, want) {
			t.Errorf("the schema of %s is not what its Go type says: run go generate ./functions", k.Name)
		}
	}
}

func TestTheGoTypeReadsAndWritesItsSampleExactly(t *testing.T) {
	for _, k := range sent() {
		sample := file(t, "samples", k)
		typed := reflect.New(reflect.TypeOf(k.Data))
		e := struct {
			events.Event
			Data any `json:"data"`
		}{Data: typed.Interface()}
		if err := jsonv2.Unmarshal(sample, &e, jsonv2.RejectUnknownMembers(true)); err != nil {
			t.Errorf("%s: %v", k.Name, err)
			continue
		}
		e.Event.Data = typed.Elem().Interface()
		got, err := e.Event.Encode()
		if err != nil {
			t.Fatal(err)
		}
		indented := jsontext.Value(got)
		if err := indented.Indent(jsontext.WithIndent("  ")); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(append(indented, '\n'), sample) {
			t.Errorf("%s is written as\n%s\nits sample is\n%s", k.Name, indented, sample)
		}
		if id := events.New(audit.Entry{ID: "aud_0190f3a1b2c37d4e8f90a1b2c3d4e5f6"}, k.Data).ID; id != e.ID {
			t.Errorf("%s: the sample's id is %s, that of its audit entry %s", k.Name, e.ID, id)
		}
	}
}

// TestSchemasTakeTheSampleAndNothingLess takes each member out of a sample, and
// gives it another type: the schema must mind, unless the member is optional.
func TestSchemasTakeTheSampleAndNothingLess(t *testing.T) {
	for _, k := range sent() {
		schema := compile(t, k)
		var sample map[string]any
		if err := json.Unmarshal(file(t, "samples", k), &sample); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(sample); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
		data := sample["data"].(map[string]any)
		for _, object := range []map[string]any{sample, data, actor(data)} {
			for name, value := range object {
				object[name] = []any{map[string]any{}}
				if schema.Validate(sample) == nil {
					t.Errorf("%s: the schema takes a list of objects as %s", k.Name, name)
				}
				object[name] = value
			}
		}
		for _, name := range []string{"specversion", "id", "source", "type", "subject", "time", "organizationid", "data"} {
			value := sample[name]
			delete(sample, name)
			if schema.Validate(sample) == nil {
				t.Errorf("%s: the schema takes an event without %s", k.Name, name)
			}
			sample[name] = value
		}
		for name := range data {
			if slices.Contains([]string{"audit_id", "agent_id", "status"}, name) {
				value := data[name]
				delete(data, name)
				if schema.Validate(sample) == nil {
					t.Errorf("%s: the schema takes data without %s", k.Name, name)
				}
				data[name] = value
			}
		}
	}
}

func actor(data map[string]any) map[string]any {
	a, _ := data["actor"].(map[string]any)
	return a
}

// A sample without a member would leave that member unchecked and unshown.
func TestSamplesShowEveryMember(t *testing.T) {
	for _, k := range sent() {
		var schema, sample struct {
			Properties map[string]struct{ Properties map[string]any }
			Data       map[string]any
		}
		read(t, file(t, "schemas", k), &schema)
		read(t, file(t, "samples", k), &sample)
		for name := range schema.Properties["data"].Properties {
			if _, ok := sample.Data[name]; !ok {
				t.Errorf("the sample of %s lacks %s", k.Name, name)
			}
		}
	}
}

func TestOneEntryToldTwiceIsOneEventOfEachName(t *testing.T) {
	entry := audit.Entry{ID: "aud_1", Org: 7, At: time.Date(2026, 1, 20, 14, 30, 20, 0, time.UTC), ResourceType: "agent_action", ResourceID: "42"}
	first, second := events.New(entry, events.ActionTimeout{}), events.New(entry, events.ActionTimeout{})
	if first != second || first.Subject != "actions/42" || first.Organization != 7 || !first.Time.Equal(entry.At) {
		t.Errorf("%+v and %+v", first, second)
	}
	other := entry
	other.ID = "aud_2"
	ids := []string{first.ID, events.New(entry, events.ActionDenied{}).ID, events.New(other, events.ActionTimeout{}).ID}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 3 {
		t.Errorf("ids are not distinct: %v", ids)
	}
}

// The longest texts that a submission may have (functions/actions) are of
// characters that JSON must escape.
func TestTheLargestEventStaysBelowItsBound(t *testing.T) {
	long := func(n int) string { return strings.Repeat("\u0001", n) }
	e, err := events.New(audit.Entry{CorrelationID: long(128), ResourceID: long(128), Actor: long(256), ActorName: long(256)}, events.ActionPending{
		Action: events.Action{
			AgentID: long(128), ActionType: long(128), Description: long(4096), ToolName: long(256), TargetSystem: long(1024),
			Resource: long(1024), Environment: long(64), Actor: events.Actor{ID: long(256), Name: long(256)},
		},
		Decided: events.Decided{Reason: long(4096)},
	}).Encode()
	if err != nil || len(e) > events.MaxSize {
		t.Errorf("an event of %d bytes, %v", len(e), err)
	}
}

func compile(t *testing.T, k events.Kind) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(file(t, "schemas", k)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(k.Name, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(k.Name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func file(t *testing.T, folder string, k events.Kind) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, k.Name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t *testing.T, b []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}
