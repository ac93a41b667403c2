package agents_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"ascend/functions/optest"
)

func TestRegisterAnswersAsDocumented(t *testing.T) {
	s := newServer(t)
	body := optest.Documented(t, "agents-register.request")
	first := s.Want(201, "POST", registry, body)
	first.Documents("agents-register.201")
	first.Has(map[string]string{
		"/created": "true", "/agent/status": `"draft"`, "/agent/version": `"1.0.0"`, "/agent/organization_id": "4",
		"/agent/created_at": `"2026-01-20T14:30:52.123Z"`, "/message": `"Agent registered: my-production-agent"`,
	})
	again := s.Want(200, "POST", registry, body)
	again.Documents("agents-register.200")
	again.Has(map[string]string{
		"/created": "false", "/next_steps": "absent", "/message": `"Agent already exists: my-production-agent"`,
		"/agent": first.At("/agent"),
	})
	s.Want(201, "POST", registry, optest.Documented(t, "agents-register.s0.request")).Documents("agents-register.s0.201")
	short := s.Want(400, "POST", registry, `{"agent_id": "ab", "display_name": "x"}`)
	short.Documents("agents-register.400")
	short.Has(map[string]string{"/detail": `"agent_id must be 3-64 characters"`, "/error_code": `"VALIDATION_ERROR"`, "/status": "400"})
}

func TestRegisterTakesTheAliases(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, optest.Documented(t, "agents-register.s3.request"))
	s.Want(200, "GET", registry+"/my-agent", "").Has(map[string]string{
		"/agent/display_name": `"My AI Agent"`, "/agent/capabilities/allowed_action_types": `["data_access","query"]`,
	})
	s.Want(201, "POST", registry, `{"agent_id": "both", "name": "N", "display_name": "D", "capabilities": ["c"], "allowed_action_types": []}`)
	s.Want(200, "GET", registry+"/both", "").Has(map[string]string{
		"/agent/display_name": `"D"`, "/agent/capabilities/allowed_action_types": `[]`,
	})
}

func TestRegisterTakesWhatThePublishedClientsSend(t *testing.T) {
	s := newServer(t)
	s.As("key user", "POST", registry, `{"agent_id": "sdk-agent", "display_name": "SDK", "agent_type": "custom", "environment": "production",
		"capabilities": [], "allowed_resources": [], "sdk_version": "2.7.1", "metadata": {"n": 9007199254740993, "x": null}}`).Want(201)
	s.Want(200, "GET", registry+"/sdk-agent", "").Has(map[string]string{
		"/agent/metadata/n": "9007199254740993", "/agent/metadata/x": "null", "/agent/audit/created_by": `"key:402"`,
		"/agent/capabilities/allowed_resources": "[]",
	})
}

func TestRegisterIgnoresWhatTheServerOwns(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x", "id": 7, "organization_id": 9, "status": "active", "version": "9.9.9",
		"version_number": 9, "created_at": "2000-01-01T00:00:00Z", "created_by": "eve", "updated_by": "eve", "approved_by": "eve", "approved_at": "2000-01-01T00:00:00Z",
		"revision": 9, "suspension": {"kind": "ordinary"}, "rate_limits": {"max_actions_per_day": 1}, "autonomous_max_risk_threshold": 100,
		"config": {"max_risk_threshold": 100}}`)
	got := s.Want(200, "GET", registry+"/my-agent", "")
	got.Has(map[string]string{
		"/agent/status": `"draft"`, "/agent/version": `"1.0.0"`, "/agent/audit/created_by": `"admin@example.com"`, "/agent/audit/approved_by": "null",
		"/agent/rate_limits/max_actions_per_day": "null", "/agent/risk_config/autonomous_max_risk_threshold": "60", "/agent/risk_config/max_risk_threshold": "80",
	})
	if id := got.At("/agent/id"); id == "7" || strings.Contains(string(got.Body), "eve") {
		t.Errorf("the body set %s", got.Body)
	}
}

func TestRegisterRefusesBadBodiesFieldByField(t *testing.T) {
	s := newServer(t)
	for _, c := range []struct{ name, body, pointer, code string }{
		{"no body", ``, "", "VALIDATION_ERROR"},
		{"no JSON", `{`, "", "INVALID_JSON"},
		{"no object", `[]`, "", "VALIDATION_ERROR"},
		{"nothing in it", `{}`, "/agent_id", "VALIDATION_ERROR"},
		{"a name twice", `{"agent_id": "a", "agent_id": "b"}`, "/agent_id", "INVALID_JSON"},
		{"an id that is no text", `{"agent_id": 5, "display_name": "x"}`, "/agent_id", "VALIDATION_ERROR"},
		{"an id of other characters", `{"agent_id": "a/b/c", "display_name": "x"}`, "/agent_id", "VALIDATION_ERROR"},
		{"no name", `{"agent_id": "my-agent"}`, "/display_name", "VALIDATION_ERROR"},
		{"a list that is none", `{"agent_id": "my-agent", "display_name": "x", "tags": "a"}`, "/tags", "VALIDATION_ERROR"},
		{"a score that is text", `{"agent_id": "my-agent", "display_name": "x", "max_risk_threshold": "80"}`, "/max_risk_threshold", "VALIDATION_ERROR"},
		{"a score of 101", `{"agent_id": "my-agent", "display_name": "x", "max_risk_threshold": 101}`, "/max_risk_threshold", "VALIDATION_ERROR"},
		{"a type of another case", `{"agent_id": "my-agent", "display_name": "x", "agent_type": "SUPERVISED"}`, "/agent_type", "VALIDATION_ERROR"},
		{"metadata that is a list", `{"agent_id": "my-agent", "display_name": "x", "metadata": [1]}`, "/metadata", "VALIDATION_ERROR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.Want(400, "POST", registry, c.body)
			a.Has(map[string]string{"/error_code": `"` + c.code + `"`})
			if got := a.At("/errors/0/pointer"); c.pointer != "" && got != `"`+c.pointer+`"` {
				t.Errorf("points at %s, want %s: %s", got, c.pointer, a.Body)
			}
		})
	}
	all := s.Want(400, "POST", registry, `{"agent_id": "x", "default_risk_score": -1, "alert_recipients": ["no"], "webhook_url": "http://localhost/"}`)
	if n := strings.Count(string(all.Body), `"pointer"`); n != 5 {
		t.Errorf("%d faults named: %s", n, all.Body)
	}
}

func TestRegisterReplaysUnderAnIdempotencyKey(t *testing.T) {
	s := newServer(t)
	body := `{"agent_id": "my-agent", "display_name": "x"}`
	first := s.Want(201, "POST", registry, body, "Idempotency-Key", "k1")
	again := s.Want(201, "POST", registry, body, "Idempotency-Key", "k1")
	if string(first.Body) != string(again.Body) || again.Header.Get("Idempotency-Replayed") != "true" || first.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("%s\nwas replayed as\n%s\n%v", first.Body, again.Body, again.Header)
	}
	s.Want(422, "POST", registry, `{"agent_id": "my-agent", "display_name": "y"}`, "Idempotency-Key", "k1")
}

func TestOfRacingRegistrationsOneIsAnswered201(t *testing.T) {
	s := newServer(t)
	counts := map[int]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			a := s.As("admin", "POST", registry, fmt.Sprintf(`{"agent_id": "my-agent", "display_name": "%d"}`, i))
			mu.Lock()
			defer mu.Unlock()
			counts[a.Status]++
		})
	}
	wg.Wait()
	if counts[201] != 1 || counts[200] != 23 {
		t.Errorf("answered %v", counts)
	}
}
