package agents_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/functions/agents"
	"ascend/functions/documented"
	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/endpoint"
	"ascend/shared/store/embedded"
)

var routes = []endpoint.Route{
	agents.Register(), agents.List(), agents.Get(), agents.Update(), agents.Delete(), agents.Activate(), agents.Suspend(),
	agents.Deactivate(), agents.Versions(), agents.RollBack(), agents.RateLimits(), agents.Escalation(), agents.Usage(),
}

// server answers the registry's operations over a store of its own.
type server struct {
	http.Handler
	t   *testing.T
	app *app.App
}

func newServer(t *testing.T) *server {
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
	h, err := endpoint.New(a, claims{}, slog.New(slog.NewJSONHandler(io.Discard, nil)), routes...)
	if err != nil {
		t.Fatal(err)
	}
	return &server{h, t, a}
}

// claims reads a caller such as "admin", "key:user" or "stranger:admin", of
// another organisation, from a header.
type claims struct{}

func (claims) Claim(r *http.Request) (command.Claim, error) {
	kind, role, special := strings.Cut(r.Header.Get("X-Test-Caller"), ":")
	if !special {
		kind, role = "", kind
	}
	p := tenant.Principal{Org: 4, Kind: tenant.Person, Subject: "sub-" + role, Email: role + "@example.com", Role: tenant.Role(role)}
	switch {
	case role == "":
		return command.Claim{}, problem.Unauthenticated(problem.CodeMissingAuth, "authentication is required")
	case kind == "key":
		p.Kind, p.Subject, p.Email = tenant.Machine, "key:1", ""
	case kind == "stranger":
		p.Org = 5
	}
	return command.Confirmed(p), nil
}

// answer is a status with its body.
type answer struct {
	status int
	header http.Header
	body   jsontext.Value
}

// send makes a request as an admin; headers come in pairs.
func (s *server) send(method, target, body string, headers ...string) answer {
	s.t.Helper()
	r := httptest.NewRequest(method, "http://test"+target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Test-Caller", "admin")
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), jsontext.Value(w.Body.Bytes())}
}

// want sends a request that must be answered with a status.
func (s *server) want(status int, method, target, body string, headers ...string) answer {
	s.t.Helper()
	a := s.send(method, target, body, headers...)
	if a.status != status {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, target, a.status, status, a.body)
	}
	return a
}

// has holds members of the answer, by JSON pointer, against JSON values.
func (s *server) has(a answer, members map[string]string) {
	s.t.Helper()
	for pointer, want := range members {
		if got := at(a.body, pointer); got != want {
			s.t.Errorf("%s is %s, want %s, in %s", pointer, got, want, a.body)
		}
	}
}

// documents holds an answer against its documented example.
func (s *server) documents(a answer, example string) {
	s.t.Helper()
	want, err := documented.Load(os.DirFS("../../testdata/documented"), example)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, difference := range documented.Shape(want, a.body) {
		s.t.Errorf("%s: %s", example, difference)
	}
}

// at is the JSON at a pointer, or "absent".
func at(body jsontext.Value, pointer string) string {
	for token := range jsontext.Pointer(pointer).Tokens() {
		switch body.Kind() {
		case '{':
			var m map[string]jsontext.Value
			if json.Unmarshal(body, &m) != nil || m[token] == nil {
				return "absent"
			}
			body = m[token]
		case '[':
			var l []jsontext.Value
			i := int(token[0] - '0')
			if json.Unmarshal(body, &l) != nil || len(token) != 1 || i >= len(l) {
				return "absent"
			}
			body = l[i]
		default:
			return "absent"
		}
	}
	return string(body)
}

// example is a documented request.
func example(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile("../../testdata/documented/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
