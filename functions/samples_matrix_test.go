package functions_test

import (
	"fmt"
	"strings"
	"testing"

	"ascend/shared/endpoint"
)

// sample is a request that a permitted caller gets a success for, beside what
// the path says. An operation that takes a body, needs a query or has a
// parameter in its path that target does not know needs one here; without, its
// tests fail.
type sample struct{ query, body string }

var submission = sample{body: `{"agent_id": "{agent_id}", "action_type": "database_delete", "resource": "production customer database",
	"require_approval": true, "context": {"environment": "production"}, "parameters": {"password": "` + password + `", "rows": 3}}`}

var samples = map[string]sample{
	"actions-submit":             submission,
	"sdk-agent-action":           submission,
	"authorization-agent-action": submission,
	"risk-evaluate":              submission,
	"actions-approve":            {body: `{"reason": "seen"}`},
	"actions-reject":             {body: `{"reason": "seen"}`},
	"agents-register":            {body: `{"agent_id": "{fresh}", "display_name": "An agent", "tags": ["a"]}`},
	"agents-update":              {body: `{"display_name": "Another name"}`},
	"agents-activate":            {body: `{"reason": "ready"}`},
	"agents-suspend":             {body: `{"reason": "odd"}`},
	"agents-rollback":            {query: "target_version=1.0.0"},
	"agents-list":                {query: "limit=3"},
	"agents-versions":            {query: "limit=3"},
	"actions-list":               {query: "limit=3"},
	"agents-rate-limits":         {body: `{"max_actions_per_minute": 1000}`},
	"agents-escalation":          {body: `{"escalation_email": "someone@example.com", "workflow_id": "{workflow_id}", "timeout_seconds": 60}`},
	"workflows-list":             {query: "limit=3"},
	"workflows-create": {body: `{"name": "A workflow", "type": "single_approval", "approvers": [{"role": "manager"}], "timeout_seconds": 3600,
		"trigger_conditions": {"agent_ids": ["nobody"]}}`},
}

// target is what a request may be about: an active agent and an action of it
// that awaits approval, submitted by the organisation's admin key, and a
// workflow, which the targets of an organisation share.
type target struct{ agent, action, fresh, workflow string }

// target makes one of an organisation, "" for ours or "other ".
func (h *house) target(org string) target {
	h.Helper()
	h.made++
	x := target{agent: fmt.Sprintf("agent-%d", h.made), fresh: fmt.Sprintf("fresh-%d", h.made), workflow: h.workflow(org)}
	h.want(201, h.as(org+"key admin", "POST", "/api/registry/agents", `{"agent_id": "`+x.agent+`", "display_name": "An agent"}`))
	h.want(200, h.as(org+"admin", "POST", "/api/registry/agents/"+x.agent+"/activate", ""))
	a := h.as(org+"key admin", "POST", "/api/v1/actions/submit", x.in(submission.body))
	if a.text("/status") != "pending_approval" {
		h.Fatalf("the target does not wait: %d %s", a.status, a.body)
	}
	x.action = a.at("/id")
	return x
}

// workflow is one of an organisation's, of which it has two.
func (h *house) workflow(org string) string {
	h.Helper()
	if h.workflows[org] == "" {
		for range 2 {
			a := h.want(201, h.as(org+"admin", "POST", "/api/governance/workflows", samples["workflows-create"].body))
			h.workflows[org] = a.text("/workflow/id")
		}
	}
	return h.workflows[org]
}

func (h *house) want(status int, a answer) answer {
	h.Helper()
	if a.status != status {
		h.Fatalf("answered %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// in fills a text in with the target's names.
func (x target) in(text string) string {
	return strings.NewReplacer("{agent_id}", x.agent, "{action_id}", x.action, "{approval_request_id}", "apr_"+x.action, "{workflow_id}", x.workflow, "{fresh}", x.fresh).Replace(text)
}

// about is a request of an operation about the target.
func (x target) about(t testing.TB, r endpoint.Route) (path, query, body string) {
	t.Helper()
	s, ok := samples[r.ID]
	if !ok && r.Body == endpoint.RequiredBody {
		t.Fatalf("operation %s takes a body: give it a sample", r.ID)
	}
	path = x.in(r.Path)
	if strings.Contains(path, "{") {
		t.Fatalf("operation %s: no target knows what %s means", r.ID, path)
	}
	return path, x.in(s.query), x.in(s.body)
}

// join makes a target of a path and a query.
func join(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

// writes reports whether the operation may change something.
func writes(r endpoint.Route) bool { return len(r.Writes) > 0 }
