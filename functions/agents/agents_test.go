package agents_test

import (
	"fmt"
	"strings"
	"testing"

	"ascend/shared/endpoint"
)

func TestEveryRouteIsDefinedRight(t *testing.T) {
	for _, r := range routes {
		if err := r.Err(); err != nil {
			t.Error(err)
		}
	}
}

// Who may call what, by decisions.md §1: "key" is any key, "jwt" any person.
func TestWhoMayCallWhat(t *testing.T) {
	callers := []string{"", "viewer", "user", "manager", "admin", "key:viewer", "key:user", "key:admin"}
	want := map[string]string{ // one status per caller; 2 is any success
		"agents-register":    "401 403 2 2 2 403 2 2",
		"agents-list":        "401 2 2 2 2 2 2 2",
		"agents-get":         "401 2 2 2 2 2 2 2",
		"agents-update":      "401 403 2 2 2 403 403 403",
		"agents-delete":      "401 403 403 403 2 403 403 403",
		"agents-activate":    "401 403 403 403 2 403 403 403",
		"agents-suspend":     "401 403 403 403 2 403 403 403",
		"agents-deactivate":  "401 403 403 403 2 403 403 403",
		"agents-versions":    "401 2 2 2 2 2 2 2",
		"agents-rollback":    "401 403 403 403 2 403 403 403",
		"agents-rate-limits": "401 403 403 403 2 403 403 403",
		"agents-escalation":  "401 403 403 403 2 403 403 403",
		"agents-usage":       "401 2 2 2 2 2 2 2",
	}
	for _, r := range routes {
		statuses, ok := want[r.ID]
		if !ok {
			t.Fatalf("%s is not in the table", r.ID)
		}
		for i, status := range strings.Fields(statuses) {
			s := newServer(t)
			s.want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
			a := s.send(r.Method, target(r, "my-agent"), body(r), "X-Test-Caller", callers[i])
			if got := fmt.Sprint(a.status); got != status && !(status == "2" && a.status < 300) {
				t.Errorf("%s by %q: %s, want %s: %s", r.ID, callers[i], got, status, a.body)
			}
		}
	}
}

func TestAnAgentThatIsNotTheCallersIsUnknown(t *testing.T) {
	s := newServer(t)
	s.want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	for _, r := range routes {
		if !strings.Contains(r.Path, "{agent_id}") {
			continue
		}
		foreign := s.want(404, r.Method, target(r, "my-agent"), body(r), "X-Test-Caller", "stranger:admin")
		for _, id := range []string{"no-agent", "a%23b%23cd", "ab", strings.Repeat("x", 65), "%C3%A4%C3%B6%C3%BC"} {
			unknown := s.want(404, r.Method, target(r, id), body(r), "X-Test-Caller", "stranger:admin")
			for _, member := range []string{"/type", "/title", "/status", "/detail", "/error_code", "/errors"} {
				if at(foreign.body, member) != at(unknown.body, member) {
					t.Errorf("%s: %s differs for %s: %s and %s", r.ID, member, id, foreign.body, unknown.body)
				}
			}
		}
	}
	s.has(s.want(200, "GET", registry+"/my-agent", ""), map[string]string{"/agent/status": `"draft"`, "/agent/version": `"1.0.0"`})
}

// target is a good request's path and query for an agent.
func target(r endpoint.Route, id string) string {
	path := strings.Replace(r.Path, "{agent_id}", id, 1)
	if r.ID == "agents-rollback" {
		return path + "?target_version=1.0.0"
	}
	return path
}

// body is a good request's body.
func body(r endpoint.Route) string {
	switch r.ID {
	case "agents-register":
		return `{"agent_id": "other-agent", "display_name": "x"}`
	case "agents-update":
		return `{"tags": ["b"]}`
	case "agents-rate-limits":
		return `{"max_actions_per_day": 5}`
	case "agents-escalation":
		return `{"timeout_seconds": 5}`
	}
	return ""
}
