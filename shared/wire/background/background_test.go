package background

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"ascend/shared/app"
	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
	"ascend/shared/wire/internal/cloud"
	"ascend/shared/worker"
)

// variables is an environment.
func variables(pairs ...string) cloud.Env {
	return func(name string) string {
		for _, pair := range pairs {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

var full = []string{
	"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "ASCEND_ENVIRONMENT=dev", "ASCEND_TABLE_PREFIX=x-",
	"ASCEND_STATE_MACHINE_ARN=arn:aws:states:us-east-1:000000000000:stateMachine:approval", "ASCEND_BUS_NAME=ascend",
	"ASCEND_DEAD_LETTER_BUCKET=letters",
}

func TestAWorkerGetsWhatItsSpecAsksFor(t *testing.T) {
	for _, row := range []struct {
		name                      string
		spec                      worker.Spec
		without                   string
		executions, bus, complete bool
	}{
		{"a relay", worker.Spec{StartsExecutions: true, PublishesEvents: true}, "", true, true, true},
		{"a relay without state machine", worker.Spec{StartsExecutions: true}, "ASCEND_STATE_MACHINE_ARN", false, false, false},
		{"a relay without bus", worker.Spec{PublishesEvents: true}, "ASCEND_BUS_NAME", false, false, false},
		{"a relay without a place for dead letters", worker.Spec{Streams: []store.Table{store.Actions}}, "ASCEND_DEAD_LETTER_BUCKET", false, false, false},
		{"one that only sends tokens back", worker.Spec{SendsTaskResults: true}, "ASCEND_STATE_MACHINE_ARN", true, false, true},
		{"one that needs neither", worker.Spec{}, "ASCEND_BUS_NAME", false, false, true},
	} {
		env := slices.DeleteFunc(slices.Clone(full), func(pair string) bool { return row.without != "" && strings.HasPrefix(pair, row.without) })
		w := worker.Define(row.spec, func(context.Context, *app.App, struct{}) (struct{}, error) { return struct{}{}, nil })
		h, err := newHandler(variables(env...), slog.New(slog.DiscardHandler), w)
		if !row.complete {
			if err == nil || !strings.Contains(err.Error(), row.without) {
				t.Errorf("%s: %v", row.name, err)
			}
			continue
		}
		if err != nil || (h.app.Approvals.Executions != nil) != row.executions || (h.app.Relay.Bus != nil) != row.bus || h.app.Environment != "dev" {
			t.Errorf("%s: %+v, %v", row.name, h.app, err)
		}
	}
}

// TestClientsSpeakToTheEndpoint has a worker read an item, start an execution and
// end a wait at an emulator's address.
func TestClientsSpeakToTheEndpoint(t *testing.T) {
	var mu sync.Mutex
	var targets []string
	emulator := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		targets = append(targets, r.Header.Get("X-Amz-Target"))
		if !strings.Contains(r.Header.Get("Authorization"), "Credential=test/") {
			t.Errorf("signed by %q", r.Header.Get("Authorization"))
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"Responses":{},"executionArn":"arn","startDate":1}`)
	}))
	defer emulator.Close()
	w := worker.Define(worker.Spec{StartsExecutions: true}, func(ctx context.Context, a *app.App, in struct{ Org int64 }) (bool, error) {
		items, err := a.Store.Get(ctx, store.ActionKey(tenant.ID(in.Org), 1))
		if err != nil {
			return false, err
		}
		return items[0] == nil, a.Approvals.Executions.Start(ctx, approvals.Wait{Org: tenant.ID(in.Org), Action: action.ID(1), Stage: 1, WaitSeconds: 1})
	})
	h, err := newHandler(variables(append(full, "AWS_ENDPOINT_URL="+emulator.URL)...), slog.New(slog.DiscardHandler), w)
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.Invoke(t.Context(), []byte(`{"Org":1}`))
	want := []string{"DynamoDB_20120810.BatchGetItem", "AWSStepFunctions.StartExecution"}
	if err != nil || string(got) != "true" || !slices.Equal(targets, want) {
		t.Errorf("%s, %v; calls %v", got, err, targets)
	}
	if got, err := h.Invoke(t.Context(), []byte(`{`)); err == nil || got != nil {
		t.Errorf("a call that is no JSON was answered %s", got)
	}
}
