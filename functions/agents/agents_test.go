package agents_test

import (
	"strings"
	"testing"
	"time"

	"ascend/functions/optest"
	"ascend/shared/endpoint"
)

const registry = "/api/registry/agents"

// newServer starts a server whose clock stands.
func newServer(t *testing.T) *optest.Server {
	t.Helper()
	s := optest.New(t)
	s.App.Now = func() time.Time { return time.Date(2026, 1, 20, 14, 30, 52, 123456789, time.UTC) }
	return s
}

func TestAnAgentThatIsNotTheCallersIsUnknown(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	mine := s.Target("").With("agent_id", "my-agent")
	for _, r := range s.Routes {
		if !strings.Contains(r.Path, "{agent_id}") || r.Body == endpoint.RequiredBody && r.Example == "" {
			continue // TestEveryExampleSucceeds tells of missing examples
		}
		ask := func(id string) optest.Answer {
			path, query, body := mine.With("agent_id", id).About(r)
			return s.As("other admin", r.Method, optest.Join(path, query), body).Want(404)
		}
		foreign := ask("my-agent")
		for _, id := range []string{"no-agent", "a%23b%23cd", "ab", strings.Repeat("x", 65), "%C3%A4%C3%B6%C3%BC"} {
			unknown := ask(id)
			for _, member := range []string{"/type", "/title", "/status", "/detail", "/error_code", "/errors"} {
				if foreign.At(member) != unknown.At(member) {
					t.Errorf("%s: %s differs for %s: %s and %s", r.ID, member, id, foreign.Body, unknown.Body)
				}
			}
		}
	}
	s.Want(200, "GET", registry+"/my-agent", "").Has(map[string]string{"/agent/status": `"draft"`, "/agent/version": `"1.0.0"`})
}
