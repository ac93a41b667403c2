package functions_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ascend/shared/endpoint"
	"ascend/shared/jsonschema"
)

// owned are members that only the service sets, with what an attacker would
// like them to be.
var owned = map[string]string{
	"id": `1`, "action_id": `1`, "serial": `1`, "organization_id": `42`, "org": `42`, "org_id": `42`, "tenant_id": `42`,
	"status": `"approved"`, "version": `"9.9.9"`, "number": `9`, "revision": `99`, "created": `false`, "success": `false`,
	"created_at": `"2001-01-01T00:00:00Z"`, "created_by": `"evil"`, "updated_at": `"2001-01-01T00:00:00Z"`, "updated_by": `"evil"`,
	"approved_by": `1`, "approved_at": `"2001-01-01T00:00:00Z"`, "rejected_by": `1`, "approver": `"evil"`, "approver_email": `"evil@example.com"`,
	"reviewer": `"evil"`, "decided_by": `"evil"`, "decision": `"allowed"`, "decision_detail": `{"outcome": "approved"}`, "decision_ready": `true`,
	"execution_allowed": `true`, "requires_approval": `false`, "approval": `null`, "approval_request_id": `"apr_1"`, "expires_at": `"2999-01-01T00:00:00Z"`,
	"risk_score": `0`, "risk_level": `"low"`, "risk": `{"score": 0}`, "factors": `{}`, "cvss_score": `0`, "cvss_vector": `""`,
	"thresholds": `{"auto_approve_below": 100, "max_risk_threshold": 100}`, "verdict": `{"outcome": "approved"}`, "checks": `[]`,
	"policy_decision": `"allow"`, "policies_evaluated": `[]`, "enforcement_decision": `"auto_approved"`, "alert_triggered": `false`,
	"user_id": `1`, "user": `"evil"`, "owner": `"evil"`, "submitter": `{"subject": "evil", "role": "admin"}`, "principal": `{"role": "admin"}`,
	"role": `"admin"`, "kind": `"user"`, "mfa": `true`, "amr": `["mfa"]`, "audit": `[]`, "audit_id": `"aud_1"`, "audit_trail": `[]`,
	"digest": `"0"`, "correlation_id": `"evil"`, "timestamp": `"2001-01-01T00:00:00Z"`, "suspension": `null`, "kill_switch": `null`,
	"rate_limits": `{"max_actions_per_minute": null}`, "risk_config": `{"auto_approve_below": 100}`, "input": `{}`, "command": `"evil"`, "outcome": `{}`,
}

var ignored = regexp.MustCompile(`"ignored_fields":\[[^\]]*\]`)

// counted is what usage says of a window, which may end between two looks.
var counted = regexp.MustCompile(`"current":\d+,"remaining":(\d+|null)`)

func TestNoBodySetsWhatTheServiceOwns(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, r := range h.routes {
		if r.Method == "GET" {
			continue
		}
		if r.Unknown == endpoint.Refuse {
			refusesOwned(t, h, r)
			continue
		}
		// The same request for two targets, once with everything an attacker
		// would like: nothing of it may be seen anywhere.
		plain, laden := h.target(""), h.target("")
		all := func(x target, body string) string {
			for _, name := range slices.Sorted(maps.Keys(owned)) {
				body = member(t, body, name, owned[name])
			}
			return x.in(body)
		}
		path, query, body := plain.about(t, r)
		want := h.as("manager", r.Method, join(path, query), body)
		path, query, body = laden.about(t, r)
		got := h.as("manager", r.Method, join(path, query+"organization_id=42&user_id=1&role=admin&status=approved&approved_by=1"), all(laden, body),
			"X-Organization-ID", "42", "X-User-ID", "1", "X-Role", "admin")
		if !success(r, want.status) || r.HasBody() && len(body) == 0 {
			t.Errorf("%s has no sample that succeeds: %d %s", r.ID, want.status, want.body)
		}
		same(t, r.ID+" answers", got.masked(echoes(laden)...), want.masked(echoes(plain)...))
		same(t, r.ID+" leaves", h.state(got, laden), h.state(want, plain))
	}
}

// same compares but for the note that fields were ignored.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	got, want = ignored.ReplaceAllString(got, ""), ignored.ReplaceAllString(want, "")
	if got != want {
		t.Errorf("%s otherwise for members that only the service sets:\n%.2000s\n%.2000s", what, got, want)
	}
}

// state is what can be read of a target, and of what an answer made.
func (h *house) state(a answer, x target) string {
	h.Helper()
	var b strings.Builder
	paths := []string{
		"/api/registry/agents/{agent_id}", "/api/registry/agents/{agent_id}/versions", "/api/registry/agents/{agent_id}/usage",
		"/api/v1/actions/{action_id}", "/api/v1/actions?agent_id={agent_id}", "/api/registry/agents/{fresh}", "/api/registry/agents/{fresh}/versions",
	}
	if id := a.at("/action_id"); id != "" {
		paths = append(paths, "/api/v1/actions/"+id)
	}
	for _, path := range paths {
		text := h.as("admin", "GET", x.in(path), "").masked(append(echoes(x), x.in("agent_id={agent_id}"), "")...)
		b.WriteString(counted.ReplaceAllString(text, ""))
	}
	return b.String()
}

// refusesOwned sends each member alone to an operation that refuses what it
// does not know, and wants it named.
func refusesOwned(t *testing.T, h *house, r endpoint.Route) {
	t.Helper()
	members, err := jsonschema.Members(r.In())
	h.no(err)
	x := h.target("")
	before := h.state(answer{}, x)
	for _, name := range slices.Sorted(maps.Keys(owned)) {
		if slices.ContainsFunc(members, func(m jsonschema.Member) bool { return m.Name == name }) {
			t.Errorf("%s takes %s, which only the service sets", r.ID, name)
		}
		path, query, body := x.about(t, r)
		a := h.as("admin", r.Method, join(path, query), member(t, body, name, owned[name]))
		if a.status != r.InvalidStatus || a.text("/errors/0/pointer") != "/"+name {
			t.Errorf("%s with %s: %d, want it refused by name: %s", r.ID, name, a.status, a.body)
		}
		if query != "" {
			query += "&"
		}
		a = h.as("admin", r.Method, join(path, query+name+"=1"), body)
		if a.status != r.InvalidStatus || a.text("/errors/0/pointer") != "/query/"+name {
			t.Errorf("%s with the query parameter %s: %d, want it refused by name: %s", r.ID, name, a.status, a.body)
		}
	}
	if after := h.state(answer{}, x); after != before {
		t.Errorf("%s changed by refused requests:\n%s\n%s", r.ID, before, after)
	}
}

// TestTheApproverIsTheCredentialsSubject: nothing else says who decided.
func TestTheApproverIsTheCredentialsSubject(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for verb, member := range map[string]string{"approve": "approved_by", "reject": "rejected_by"} {
		for who, id := range map[string]int{"admin": 400, "manager": 401} {
			x := h.target("")
			body := `{"approved_by": 77, "rejected_by": 77, "user_id": 77, "approver": "evil", "approver_email": "evil@example.com", "by": {"subject": "evil"}, "email": "evil@example.com"}`
			a := h.want(200, h.as(who, "POST", "/api/v1/actions/"+x.action+"/"+verb+"?approved_by=77&approver=evil", body, "X-User-Id", "77"))
			if got := a.at("/" + member); got != fmt.Sprint(id) {
				t.Errorf("%s by %s: %s is %s, want %d", verb, who, member, got, id)
			}
			detail := h.want(200, h.as(who, "GET", "/api/v1/actions/"+x.action, ""))
			if got := detail.at("/" + member); got != fmt.Sprint(id) || strings.Contains(string(detail.body), "evil") {
				t.Errorf("%s by %s is recorded as %s: %s", verb, who, got, detail.body)
			}
			if again := h.as("admin", "POST", "/api/v1/actions/"+x.action+"/"+verb, ""); again.status != 400 || again.text("/error_code") != "INVALID_STATE" {
				t.Errorf("%s again: %d %s", verb, again.status, again.body)
			}
		}
	}
}

// TestAGetNeverDecides: no link in a mail approves anything.
func TestAGetNeverDecides(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	x := h.target("")
	for _, r := range h.routes {
		if r.Method == "GET" {
			if writes(r) {
				t.Errorf("%s writes", r.ID)
			}
			path, query, _ := x.about(t, r)
			for _, method := range []string{"GET", "HEAD"} {
				a := h.as("admin", method, join(path, query), "", "X-HTTP-Method-Override", "DELETE", "X-HTTP-Method", "POST", "X-Method-Override", "PUT")
				for _, call := range a.calls {
					if call.IsWrite() {
						t.Errorf("%s %s writes", method, r.ID)
					}
				}
			}
			continue
		}
		path, query, _ := x.about(t, r)
		a := h.as("admin", "GET", join(path, query)+"&_method="+r.Method, "", "X-HTTP-Method-Override", r.Method)
		for _, call := range a.calls {
			if call.IsWrite() {
				t.Errorf("GET %s writes", path)
			}
		}
	}
	if a := h.as("admin", "GET", "/api/v1/actions/"+x.action+"/status", ""); a.text("/status") != "pending_approval" {
		t.Errorf("the action is %s", a.text("/status"))
	}
}

// TestNothingACallerSaysLoosensADecision (decision 20).
func TestNothingACallerSaysLoosensADecision(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	x := h.target("")
	risky := x.in(`{"agent_id": "{agent_id}", "action_type": "database_delete", "resource": "production customer database with PII", "environment": "production"}`)
	want := h.want(200, h.as("key user", "POST", "/api/v1/actions/submit", risky))
	if want.text("/status") == "approved" {
		t.Fatalf("the action is harmless: %s", want.body)
	}
	score := number(t, want.at("/risk_score"))
	for name, value := range map[string]string{
		"risk_score": `0`, "risk_level": `"low"`, "require_approval": `false`, "contains_pii": `false`,
		"risk_indicators": `{"risk_level": "low", "risk_score": 0, "auto_approve": true, "approved": true}`,
		"context":         `{"require_human_approval": false, "auto_approve": true, "approved": true, "approved_by": "admin", "risk_score": 0, "role": "admin", "is_admin": true, "agent_type": "advisory"}`,
		"metadata":        `{"auto_approve": true, "risk_score": 0, "status": "approved"}`,
		"parameters":      `{"auto_approve": true, "risk_score": 0, "status": "approved"}`,
	} {
		a := h.want(200, h.as("key user", "POST", "/api/v1/actions/submit", member(t, risky, name, value)))
		if a.text("/status") != want.text("/status") || number(t, a.at("/risk_score")) < score {
			t.Errorf("%s: %s makes it %s at %s, without it is %s at %v", name, value, a.text("/status"), a.at("/risk_score"), want.text("/status"), score)
		}
	}
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
