package main

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// Section 3: what 2.1.0 to 2.4.0 call.
func olderPaths(t *testing.T, p plain) {
	p.active(t, "older-paths")
	older := p.ok(t, "POST", "/api/authorization/agent-action", p.key, mail("older-paths", human))
	for _, c := range []struct{ older, newer string }{
		{"/api/agent-action/" + id(older), "/api/v1/actions/" + id(older)},
		{"/api/agent-action/status/" + id(older), "/api/v1/actions/" + id(older) + "/status"},
	} {
		a, b := p.ok(t, "GET", c.older, p.key, ""), p.ok(t, "GET", c.newer, p.key, "")
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s answers %v, %s answers %v", c.older, a, c.newer, b)
		}
	}
	newer := p.ok(t, "POST", submit, p.key, mail("older-paths", human))
	for name := range newer {
		if reflect.TypeOf(older[name]) != reflect.TypeOf(newer[name]) {
			t.Errorf("%s is %v on the older path and %v on the newer", name, older[name], newer[name])
		}
	}
}

// Section 6.
func freePolling(t *testing.T, p plain) {
	p.active(t, "free-polling")
	p.ok(t, "PUT", "/api/registry/agents/free-polling/rate-limits", p.admin, `{"max_actions_per_day": 2}`)
	action := p.ok(t, "POST", submit, p.key, mail("free-polling", human))
	for range 30 {
		p.ok(t, "GET", "/api/v1/actions/"+id(action)+"/status", p.key, "")
		p.ok(t, "GET", "/api/v1/actions/"+id(action), p.key, "")
	}
	p.has(t, "free-polling", 1)
	if got := p.ok(t, "POST", submit, p.key, mail("free-polling", "")); got["status"] != "approved" {
		t.Errorf("after polling, the second action of two is %v", got)
	}
}

// Section 5.
func refusals(t *testing.T, p plain) {
	p.active(t, "refusals")
	action := p.ok(t, "POST", submit, p.key, mail("refusals", human))
	wrong := headers{"X-API-Key": "owkai_admin_" + strings.Repeat("0", 43)}
	for _, c := range []struct {
		name, method, path string
		h                  headers
		body               string
		status             int
		says               string
	}{
		{"a key approving", "POST", "/api/v1/actions/" + id(action) + "/approve", p.key, "", 403, "API key"},
		{"a key rejecting", "POST", "/api/v1/actions/" + id(action) + "/reject", p.key, `{"reason": "no"}`, 403, "API key"},
		{"a key deleting", "DELETE", "/api/registry/agents/refusals", p.key, "", 403, "API key"},
		{"a key activating", "POST", "/api/registry/agents/refusals/activate", p.key, "", 403, "API key"},
		{"a wrong key submitting", "POST", submit, wrong, mail("refusals", ""), 401, ""},
		{"a wrong key asking", "GET", "/api/v1/actions/" + id(action) + "/status", wrong, "", 401, ""},
		{"nobody submitting", "POST", submit, nil, mail("refusals", ""), 401, ""},
		{"no action type", "POST", submit, p.key, `{"agent_id": "refusals"}`, 422, "action_type"},
		{"an unknown action", "GET", "/api/v1/actions/1/status", p.key, "", 404, ""},
		{"a registration without a name", "POST", "/api/registry/agents", p.key, `{"agent_id": "refusals-2"}`, 400, ""},
		{"a path that is not there yet", "GET", "/api/v1/output-filter/config", p.key, "", 404, ""},
	} {
		status, got := p.send(t, c.method, c.path, c.h, c.body)
		detail, text := got["detail"].(string)
		if status != c.status || !text || detail == "" || !strings.Contains(detail, c.says) {
			t.Errorf("%s: answered %d %v, want %d saying %q", c.name, status, got, c.status, c.says)
		}
	}
	if got := p.ok(t, "GET", "/api/v1/actions/"+id(action), p.key, ""); got["status"] != "pending_approval" {
		t.Errorf("after the refusals the action is %v", got["status"])
	}
}

// Rule 5.
func refusedWith200(t *testing.T, p plain) {
	for agent, call := range map[string]struct{ method, path, body string }{
		"refused-limit":     {"PUT", "/rate-limits", `{"max_actions_per_day": 0}`},
		"refused-stopped":   {"POST", "/suspend?reason=test", ""},
		"refused-draft":     {"POST", "/deactivate", ""},
		"refused-type":      {"PUT", "", `{"allowed_action_types": ["file_read"]}`},
		"refused-resource":  {"PUT", "", `{"blocked_resources": ["newsletter"]}`},
		"refused-resources": {"PUT", "", `{"allowed_resources": ["reports"]}`},
	} {
		p.active(t, agent)
		p.ok(t, call.method, "/api/registry/agents/"+agent+call.path, p.admin, call.body)
		status, got := p.send(t, "POST", submit, p.key, mail(agent, ""))
		if status != http.StatusOK || got["status"] != "denied" || got["denial_reason"] == "" || got["error_code"] == "" {
			t.Errorf("%s: %d %v", agent, status, got)
		}
	}
}

// Section 4.
func connectionTest(t *testing.T, p plain) {
	wrong := headers{"X-API-Key": "owkai_admin_" + strings.Repeat("0", 43)}
	for _, c := range []struct {
		path string
		h    headers
		want int
	}{
		{"/health", nil, 200},
		{"/health", wrong, 200},
		{"/api/deployment-info", nil, 200},
		{"/api/deployment-info", p.key, 200},
		{"/api/deployment-info", wrong, 401},
		{"/api/deployment-info", headers{"Authorization": "Bearer " + wrong["X-API-Key"]}, 401},
	} {
		status, got := p.send(t, "GET", c.path, c.h, "")
		if version, _ := got["version"].(string); status != c.want || status == 200 && version == "" {
			t.Errorf("%s with %v: %d %v", c.path, c.h, status, got)
		}
	}
}

// Section 3.
func pendingDetails(t *testing.T, p plain) {
	p.active(t, "details")
	action := p.ok(t, "POST", submit, p.key, mail("details", human))
	one, new2 := "/api/v1/actions/"+id(action), p.key.with("X-SDK-Version", "2.7.1")
	for _, c := range []struct {
		path string
		h    headers
		want string
	}{
		{one, new2, "pending"},
		{one, p.key, "pending_approval"},
		{one + "/status", new2, "pending_approval"},
		{"/api/agent-action/" + id(action), new2, "pending"},
	} {
		if got := p.ok(t, "GET", c.path, c.h, ""); got["status"] != c.want || got["decision"] != "pending" {
			t.Errorf("GET %s with %v: status %v, decision %v", c.path, c.h["X-SDK-Version"], got["status"], got["decision"])
		}
	}
}

// Section 3.
func listShapes(t *testing.T, p plain) {
	p.active(t, "shapes")
	p.ok(t, "POST", submit, p.key, mail("shapes", human))
	for _, value := range []string{"pending", "pending_approval"} {
		path := "/api/v1/actions?agent_id=shapes&status=" + value
		got := p.ok(t, "GET", path, p.key.with("User-Agent", "AscendSDK-Python/1.0.0"), "")
		if list, _ := got["actions"].([]any); len(list) != 1 || got["total"] != 1.0 || got["has_more"] != false {
			t.Errorf("%s: %v", path, got)
		}
		key := p.client
		key.credential = p.key["X-API-Key"]
		r, err := key.call("GET", path, "", "")
		if err != nil {
			t.Fatal(err)
		}
		list, err := decodeBody[[]object](r)
		if err != nil || len(list) != 1 || list[0]["status"] != "pending_approval" || !strings.Contains(r.header.Get("Vary"), "User-Agent") {
			t.Errorf("%s: %v %v, Vary %q", path, list, err, r.header.Get("Vary"))
		}
	}
}
