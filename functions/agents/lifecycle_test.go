package agents_test

import (
	"strings"
	"testing"
)

func TestALife(t *testing.T) {
	s := newServer(t)
	s.want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	const mine = registry + "/my-agent"

	a := s.want(200, "POST", mine+"/activate", "")
	s.documents(a, "agents-activate.200")
	s.has(a, map[string]string{"/message": `"Agent activated: my-agent"`, "/agent/status": `"active"`, "/agent/approved_by": `"admin@example.com"`})
	s.has(s.want(200, "POST", mine+"/activate", ""), map[string]string{"/message": `"Agent already active: my-agent"`, "/agent": at(a.body, "/agent")})

	a = s.want(200, "POST", mine+"/suspend?reason=Security%20review", "")
	s.has(a, map[string]string{
		"/success": "true", "/message": `"Agent suspended: my-agent"`, "/agent/status": `"suspended"`, "/agent/reason": `"Security review"`,
		"/agent/suspended_by": `"admin@example.com"`, "/agent/suspended_at": `"2026-01-20T14:30:52.123Z"`,
	})
	s.has(s.want(200, "POST", mine+"/suspend", `{"reason": "other"}`), map[string]string{
		"/message": `"Agent already suspended: my-agent"`, "/agent": at(a.body, "/agent"),
	})
	s.has(s.want(200, "GET", mine, ""), map[string]string{
		"/agent/suspension": `{"kind":"ordinary","reason":"Security review","at":"2026-01-20T14:30:52.123Z","by":"admin@example.com"}`,
	})

	s.has(s.want(200, "POST", mine+"/deactivate", ""), map[string]string{"/message": `"Agent deactivated: my-agent"`, "/agent/status": `"draft"`})
	s.has(s.want(200, "POST", mine+"/deactivate", ""), map[string]string{"/message": `"Agent already in draft: my-agent"`})

	s.has(s.want(200, "DELETE", mine, ""), map[string]string{"/success": "true", "/message": `"Agent deleted: my-agent"`, "/agent_id": `"my-agent"`})
	s.want(404, "GET", mine, "")
	s.want(404, "DELETE", mine, "")
	s.want(404, "POST", mine+"/activate", "")
	s.has(s.want(200, "GET", registry, ""), map[string]string{"/pagination/total": "0"})
	s.want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "y"}`)
}

func TestOneCorrelationIDForAllCommandsSwallowsNone(t *testing.T) {
	s := newServer(t)
	s.want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	for _, verb := range []string{"activate", "suspend", "activate", "suspend"} {
		s.want(200, "POST", registry+"/my-agent/"+verb, "", "X-Correlation-ID", "asc_0123456789abcdef")
		want := map[string]string{"activate": `"active"`, "suspend": `"suspended"`}[verb]
		s.has(s.want(200, "GET", registry+"/my-agent", ""), map[string]string{"/agent/status": want})
	}
}

func TestReasonsAreBounded(t *testing.T) {
	s := newServer(t)
	s.want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	const path = registry + "/my-agent/suspend"
	s.want(400, "POST", path+"?reason="+strings.Repeat("x", 1001), "")
	s.want(400, "POST", path, `{"reason": "`+strings.Repeat("x", 1001)+`"}`)
	s.want(400, "POST", path, `{"reason": "a\u0000b"}`)
	s.want(400, "POST", path+"?reason=a", `{"reason": "b"}`)
	s.want(400, "POST", path+"?raison=a", "")
	s.want(400, "POST", path, `{"reasons": "b"}`)
	s.want(200, "POST", path+"?reason="+strings.Repeat("x", 1000), "")
}
