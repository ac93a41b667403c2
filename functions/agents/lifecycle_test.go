package agents_test

import (
	"strings"
	"testing"
)

func TestALife(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	const mine = registry + "/my-agent"

	a := s.Want(200, "POST", mine+"/activate", "")
	a.Documents("agents-activate.200")
	a.Has(map[string]string{"/message": `"Agent activated: my-agent"`, "/agent/status": `"active"`, "/agent/approved_by": `"admin@example.com"`})
	s.Want(200, "POST", mine+"/activate", "").Has(map[string]string{"/message": `"Agent already active: my-agent"`, "/agent": a.At("/agent")})

	a = s.Want(200, "POST", mine+"/suspend?reason=Security%20review", "")
	a.Has(map[string]string{
		"/success": "true", "/message": `"Agent suspended: my-agent"`, "/agent/status": `"suspended"`, "/agent/reason": `"Security review"`,
		"/agent/suspended_by": `"admin@example.com"`, "/agent/suspended_at": `"2026-01-20T14:30:52.123Z"`,
	})
	s.Want(200, "POST", mine+"/suspend", `{"reason": "other"}`).Has(map[string]string{
		"/message": `"Agent already suspended: my-agent"`, "/agent": a.At("/agent"),
	})
	s.Want(200, "GET", mine, "").Has(map[string]string{
		"/agent/suspension": `{"kind":"ordinary","reason":"Security review","at":"2026-01-20T14:30:52.123Z","by":"admin@example.com"}`,
	})

	s.Want(200, "POST", mine+"/deactivate", "").Has(map[string]string{"/message": `"Agent deactivated: my-agent"`, "/agent/status": `"draft"`})
	s.Want(200, "POST", mine+"/deactivate", "").Has(map[string]string{"/message": `"Agent already in draft: my-agent"`})

	s.Want(200, "DELETE", mine, "").Has(map[string]string{"/success": "true", "/message": `"Agent deleted: my-agent"`, "/agent_id": `"my-agent"`})
	s.Want(404, "GET", mine, "")
	s.Want(404, "DELETE", mine, "")
	s.Want(404, "POST", mine+"/activate", "")
	s.Want(200, "GET", registry, "").Has(map[string]string{"/pagination/total": "0"})
	s.Want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "y"}`)
}

func TestOneCorrelationIDForAllCommandsSwallowsNone(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	for _, verb := range []string{"activate", "suspend", "activate", "suspend"} {
		s.Want(200, "POST", registry+"/my-agent/"+verb, "", "X-Correlation-ID", "asc_0123456789abcdef")
		want := map[string]string{"activate": `"active"`, "suspend": `"suspended"`}[verb]
		s.Want(200, "GET", registry+"/my-agent", "").Has(map[string]string{"/agent/status": want})
	}
}

func TestReasonsAreBounded(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	const path = registry + "/my-agent/suspend"
	s.Want(400, "POST", path+"?reason="+strings.Repeat("x", 1001), "")
	s.Want(400, "POST", path, `{"reason": "`+strings.Repeat("x", 1001)+`"}`)
	s.Want(400, "POST", path, `{"reason": "a\u0000b"}`)
	s.Want(400, "POST", path+"?reason=a", `{"reason": "b"}`)
	s.Want(400, "POST", path+"?raison=a", "")
	s.Want(400, "POST", path, `{"reasons": "b"}`)
	s.Want(200, "POST", path+"?reason="+strings.Repeat("x", 1000), "")
}
