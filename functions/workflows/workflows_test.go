package workflows_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/functions/workflows"
	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/endpoint"
	"ascend/shared/store/embedded"
)

const base = "/api/governance/workflows"

// newServer answers the operations over a store of its own.
func newServer(t *testing.T) http.Handler {
	t.Helper()
	s, err := embedded.Open(filepath.Join(t.TempDir(), "db"), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	a := app.New(s)
	a.Now = func() time.Time { return time.Date(2026, 1, 20, 14, 30, 52, 123456789, time.UTC) }
	h, err := endpoint.New(a, claims{}, slog.New(slog.NewJSONHandler(io.Discard, nil)), workflows.Create(), workflows.List(), workflows.Get())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// claims reads a caller such as "admin" or "key:user" from a header.
type claims struct{}

func (claims) Claim(r *http.Request) (command.Claim, error) {
	caller := r.Header.Get("X-Test-Caller")
	role, machine := strings.CutPrefix(caller, "key:")
	p := tenant.Principal{Org: 4, Kind: tenant.Person, Subject: "sub-" + role, Email: role + "@example.com", Role: tenant.Role(role)}
	if machine {
		p.Kind, p.Subject, p.Email = tenant.Machine, "key:1", ""
	}
	if caller == "" {
		return command.Claim{}, problem.Unauthenticated(problem.CodeMissingAuth, "authentication is required")
	}
	return command.Confirmed(p), nil
}

func send(h http.Handler, caller, method, target, body string) (int, []byte) {
	r := httptest.NewRequest(method, "http://test"+target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Test-Caller", caller)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

func documented(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../testdata/documented/workflows-create.request.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAWorkflowIsShownAsDefinedAndAsItsStages(t *testing.T) {
	h := newServer(t)
	for _, c := range []struct{ name, body, want string }{
		{
			"the documented one", documented(t),
			`{"id":"<id>","name":"Manager Approval","type":"single_approval","approvers":[{"role":"manager"}],"timeout_seconds":3600,"min_approvers":1,` +
				`"stages":[{"name":"approval","approvers":[{"role":"manager"}],"timeout_seconds":3600,"min_approvers":1}],"priority":100,"trigger_conditions":null,` +
				`"created_at":"2026-01-20T14:30:52.123Z","created_by":"admin@example.com"}`,
		},
		{
			"several stages",
			`{"name": "M", "type": "multi_stage", "priority": 5, "trigger_conditions": {"min_risk": 70, "action_types": ["a"]},
			  "stages": [{"name": "one", "approvers": [{"email": "a@x.example"}], "timeout_seconds": 1}, {"name": "two", "approvers": [{"role": "admin"}], "timeout_seconds": 2, "min_approvers": 2}]}`,
			`{"id":"<id>","name":"M","type":"multi_stage",` +
				`"stages":[{"name":"one","approvers":[{"email":"a@x.example"}],"timeout_seconds":1,"min_approvers":1},{"name":"two","approvers":[{"role":"admin"}],"timeout_seconds":2,"min_approvers":2}],` +
				`"priority":5,"trigger_conditions":{"min_risk":70,"action_types":["a"]},"created_at":"2026-01-20T14:30:52.123Z","created_by":"admin@example.com"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := send(h, "admin", "POST", base, c.body)
			var made struct {
				Success  bool
				Workflow jsontext.Value
				Message  string
			}
			var id struct{ ID string }
			if err := json.Unmarshal(answer, &made, json.MatchCaseInsensitiveNames(true)); err != nil || status != 201 || !made.Success {
				t.Fatalf("%d %s, %v", status, answer, err)
			}
			if err := json.Unmarshal(made.Workflow, &id, json.MatchCaseInsensitiveNames(true)); err != nil {
				t.Fatal(err)
			}
			if got := strings.Replace(string(made.Workflow), id.ID, "<id>", 1); got != c.want {
				t.Errorf("created\n%s, want\n%s", got, c.want)
			}
			want := fmt.Sprintf(`{"success":true,"workflow":%s}`, made.Workflow)
			if status, got := send(h, "key:viewer", "GET", base+"/"+id.ID, ""); status != 200 || strings.TrimSpace(string(got)) != want {
				t.Errorf("read %d\n%s, want\n%s", status, got, want)
			}
			if status, got := send(h, "viewer", "GET", base, ""); status != 200 || !strings.Contains(string(got), string(made.Workflow)) {
				t.Errorf("listed %d\n%s, want in it\n%s", status, got, made.Workflow)
			}
		})
	}
}

// Who may call what, by decisions.md §1: "key" is any key, "jwt" any person.
func TestWhoMayCallWhat(t *testing.T) {
	h := newServer(t)
	for caller, want := range map[string][3]int{ // create, list, get
		"": {401, 401, 401}, "viewer": {403, 200, 404}, "user": {403, 200, 404}, "manager": {403, 200, 404}, "admin": {201, 200, 404},
		"key:viewer": {403, 200, 404}, "key:user": {403, 200, 404}, "key:admin": {403, 200, 404},
	} {
		var got [3]int
		got[0], _ = send(h, caller, "POST", base, documented(t))
		got[1], _ = send(h, caller, "GET", base, "")
		got[2], _ = send(h, caller, "GET", base+"/wf_0", "")
		if got != want {
			t.Errorf("%q: %v, want %v", caller, got, want)
		}
	}
}
