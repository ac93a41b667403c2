package workers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"ascend/functions/workers"
	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/bus/bustest"
	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/tenant"
	"ascend/shared/executions/executionstest"
	"ascend/shared/store"
	"ascend/shared/store/dynamo"
	"ascend/shared/store/dynamo/dynamolocal"
)

// TestTheRelayReadsRealStreams has the streams of DynamoDB Local call the relay,
// with a poisoned record in their midst.
func TestTheRelayReadsRealStreams(t *testing.T) {
	const prefix = "relay-"
	client := dynamolocal.Client(t)
	if err := dynamo.CreateTables(t.Context(), client, prefix, store.Tables()); err != nil {
		t.Fatal(err)
	}
	tables, err := dynamo.New(client, prefix, store.Tables())
	if err != nil {
		t.Fatal(err)
	}
	fake, clocks := &bustest.EventBridge{T: t}, new(executionstest.Machine)
	a := app.New(tables, app.Options{Bus: fake.Publisher(), Executions: clocks})
	pending := live(t, a)

	w := workers.StreamRelay()
	w.TablePrefix = prefix
	for _, table := range w.Streams {
		payload := dynamolocal.Event(t, client, prefix+string(table))
		if got := run(t, a, w.Run, payload); len(got) > 0 {
			t.Errorf("of %s failed %v", table, got)
		}
	}
	told := map[string]int{}
	for _, e := range fake.Taken() {
		told[*e.DetailType]++
	}
	for name, n := range map[string]int{
		"agent.registered": 1, "agent.activated": 1, "action.submitted": 2, "action.pending": 1, "action.approved": 1, "workflow.started": 1,
		"agent.suspended": 1, "action.denied": 1, "workflow.completed": 1,
	} {
		if told[name] != n {
			t.Errorf("%s was told %d times, want %d", name, told[name], n)
		}
	}
	if got, want := clocks.Calls(), []string{fmt.Sprintf("Start %d 1", pending)}; !slices.Equal(got, want) {
		t.Errorf("the clock was asked %v, want %v", got, want)
	}

	// The same records with one among them whose body is spoiled.
	var event struct{ Records []map[string]any }
	if err := json.Unmarshal(dynamolocal.Event(t, client, prefix+"actions"), &event); err != nil {
		t.Fatal(err)
	}
	spoiled := event.Records[1]["dynamodb"].(map[string]any)
	spoiled["NewImage"].(map[string]any)["body"] = map[string]any{"B": "AXs="}
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	before := len(fake.Taken())
	if got, want := run(t, a, w.Run, payload), []string{spoiled["SequenceNumber"].(string)}; !slices.Equal(got, want) {
		t.Errorf("failed %v, want %v", got, want)
	}
	if len(fake.Taken()) == before {
		t.Error("the poisoned record kept the others back")
	}
}

// live registers an agent, lets it ask twice, and suspends it; it returns the
// action that waited.
func live(t *testing.T, a *app.App) action.ID {
	t.Helper()
	ctx := t.Context()
	n := 0
	command := func() *command.Command {
		n++
		p := tenant.Principal{Org: 1, Kind: tenant.Person, Subject: "sub-1", Email: "a@example.com", Role: tenant.Admin}
		return &command.Command{Claim: command.Confirmed(p), Principal: p, At: time.Now().UTC(), ID: fmt.Sprintf("%032d", n), CorrelationID: "action_20260120_143020_0000000a"}
	}
	const id = agent.ID("agent-1")
	var settings agent.Settings
	if err := jsonv2.Unmarshal([]byte(`{"display_name": "A"}`), &settings); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Agents.Register(ctx, command(), id, settings); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Agents.Activate(ctx, command(), id, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Actions.Submit(ctx, command(), governance.Proposal{AgentID: id, ActionType: "email_send"}); err != nil {
		t.Fatal(err)
	}
	waits, err := a.Actions.Submit(ctx, command(), governance.Proposal{AgentID: id, ActionType: "database_delete", Environment: "production", ContainsPII: true})
	if err != nil || !waits.Pending() {
		t.Fatal(waits, err)
	}
	if _, err := a.Agents.Suspend(ctx, command(), id, "it loops"); err != nil {
		t.Fatal(err)
	}
	return waits.ID
}

// run makes one call and returns the sequence numbers that it reports as failed.
func run(t *testing.T, a *app.App, do func(context.Context, *app.App, []byte) ([]byte, error), payload []byte) []string {
	t.Helper()
	out, err := do(t.Context(), a, payload)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, f := range answer.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

// TestFiltersLetThroughWhatTheRelayActsOn holds the filters, which Lambda
// applies, against the key shapes of the store.
func TestFiltersLetThroughWhatTheRelayActsOn(t *testing.T) {
	w := workers.StreamRelay()
	for _, row := range []struct {
		event string
		key   store.Key
		want  bool
	}{
		{"INSERT", store.ActionKey(1, 42), true},
		{"MODIFY", store.ActionKey(1, 42), true},
		{"REMOVE", store.ActionKey(1, 42), false},
		{"INSERT", store.ClockKey(1, 42), false},
		{"REMOVE", store.ClockKey(1, 42), false}, // it expired
		{"MODIFY", store.AgentKey(1, "agent-1"), true},
		{"INSERT", store.ChangeKey(1, "agent-1", "aud_1"), true},
		{"INSERT", store.VersionKey(1, "agent-1", 7, 1), false},
	} {
		if got := passes(t, w.Filters[row.key.Table], row.event, row.key.SK); got != row.want {
			t.Errorf("%s of %v calls the relay: %t", row.event, row.key, got)
		}
	}
	for _, table := range w.Streams {
		if len(w.Filters[table]) == 0 {
			t.Errorf("everything of %s calls the relay", table)
		}
	}
}

// passes applies filter patterns as Lambda does, as far as they are used here.
func passes(t *testing.T, patterns []string, event, sort string) bool {
	t.Helper()
	for _, text := range patterns {
		var p struct {
			EventName []string
			DynamoDB  struct{ Keys map[string]struct{ S []any } }
		}
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(p.EventName, event) && slices.ContainsFunc(p.DynamoDB.Keys[dynamo.SortKey].S, func(rule any) bool {
			if prefix, ok := rule.(map[string]any); ok {
				return strings.HasPrefix(sort, prefix["prefix"].(string))
			}
			return rule == sort
		}) {
			return true
		}
	}
	return false
}
