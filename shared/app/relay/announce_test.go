package relay_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"ascend/events"
	"ascend/shared/app/apptest"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/workflow"
)

// TestEveryKindOfEventIsToldAsItsSchemaSays goes through everything that is told,
// and holds each event against the schema that is published for it.
func TestEveryKindOfEventIsToldAsItsSchemaSays(t *testing.T) {
	w := newTown(t)
	w.tellEverything()
	w.settle()
	w.verify()
	schemas := map[string]*jsonschema.Schema{}
	for _, kind := range events.Catalog() {
		if kind.Data != nil {
			schemas[kind.Name] = schemaOf(t, kind.Name)
		}
	}
	told := map[string]bool{}
	for _, e := range w.bridge.Taken() {
		told[*e.DetailType] = true
		detail, err := jsonschema.UnmarshalJSON(strings.NewReader(*e.Detail))
		if err != nil {
			t.Fatal(err)
		}
		schema := schemas[*e.DetailType]
		if schema == nil {
			t.Errorf("%s has no schema", *e.DetailType)
		} else if err := schema.Validate(detail); err != nil {
			t.Errorf("%s\n%v", *e.Detail, err)
		}
		if strings.Contains(*e.Detail, "canary") || strings.Contains(*e.Detail, "hunter2") {
			t.Errorf("an event tells more than it should: %s", *e.Detail)
		}
	}
	for name := range schemas {
		if !told[name] {
			t.Errorf("%s was not told", name)
		}
	}
}

// tellEverything makes at least one change for each kind of event. What must
// not be told has "canary" or "hunter2" in it.
func (w *relayFixture) tellEverything() {
	w.T.Helper()
	ctx := w.T.Context()
	must := func(_ any, err error) {
		w.T.Helper()
		if err != nil {
			w.T.Fatal(err)
		}
	}
	t := w.T.(*testing.T)
	w.Deletions(workflow.Stage{MinApprovers: 1}, workflow.Stage{MinApprovers: 1})
	w.Active("agent-1", `{"display_name": "A", "max_actions_per_minute": 5, "metadata": {"canary": 1}}`)
	must(w.Agents.Update(ctx, w.Command(apptest.Admin), "agent-1", apptest.Settings(t, `{"description": "canary", "webhook_url": "https://canary.example"}`)))
	must(w.Agents.Rollback(ctx, w.Command(apptest.Admin), "agent-1", "1.0.0"))

	safe := apptest.Email("agent-1")
	safe.Parameters = map[string]any{"body": "canary", "api_key": "hunter2"}
	safe.Resource = "https://user:hunter2@example.com/"
	w.Submit(w.Command(apptest.Machine), safe)

	approved, rejected := w.Submit(w.Command(apptest.Machine), apptest.Deletion("agent-1")), w.Submit(w.Command(apptest.Machine), apptest.Deletion("agent-1"))
	must(w.Approvals.Approve(ctx, w.Command(apptest.Approver(1)), approved.ID, "first"))
	must(w.Approvals.Approve(ctx, w.Command(apptest.Approver(2)), approved.ID, "second"))
	must(w.Approvals.Reject(ctx, w.Command(apptest.Approver(1)), rejected.ID, "not now"))
	w.Submit(w.Command(apptest.Machine), apptest.Deletion("agent-1")) // unanswered
	for range 2 {
		w.Advance(2 * time.Hour)
		must(w.Approvals.ExpireDue(ctx))
	}
	must(w.Agents.Suspend(ctx, w.Command(apptest.Admin), "agent-1", "it loops"))
	if act := w.Submit(w.Command(apptest.Machine), safe); act.Status != governance.Denied {
		w.T.Fatalf("a suspended agent's action is %s", act.Status)
	}
	must(w.Agents.Deactivate(ctx, w.Command(apptest.Admin), "agent-1"))
	must(w.Agents.Delete(ctx, w.Command(apptest.Admin), "agent-1"))
}

func schemaOf(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "events", "schemas", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
