package functions_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ascend/functions/optest"
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
	long(t)
	s := newServer(t)
	for _, r := range s.Routes {
		if r.Method == http.MethodGet {
			continue
		}
		if r.Unknown == endpoint.Refuse {
			refusesOwned(t, s, r)
			continue
		}
		// The same request for two targets, once with everything an attacker
		// would like: nothing of it may be seen anywhere.
		plain, laden := s.Target(""), s.Target("")
		all := func(x optest.Target, body string) string {
			for _, name := range slices.Sorted(maps.Keys(owned)) {
				body = member(t, body, name, owned[name])
			}
			return x.In(body)
		}
		path, query, body := plain.About(r)
		want := s.As("manager", r.Method, optest.Join(path, query), body)
		path, query, body = laden.About(r)
		got := s.As("manager", r.Method, optest.Join(path, query+"organization_id=42&user_id=1&role=admin&status=approved&approved_by=1"), all(laden, body),
			"X-Organization-ID", "42", "X-User-ID", "1", "X-Role", "admin")
		if !success(r, want.Status) || r.HasBody() && len(body) == 0 {
			t.Errorf("%s has no sample that succeeds: %d %s", r.ID, want.Status, want.Body)
		}
		same(t, r.ID+" answers", masked(got, laden.Masks()...), masked(want, plain.Masks()...))
		same(t, r.ID+" leaves", s.state(got, laden), s.state(want, plain))
	}
}

// same compares but for the note that fields were ignored.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	got, want = ignored.ReplaceAllString(got, ""), ignored.ReplaceAllString(want, "")
	if got != want {
		t.Errorf("%s otherwise for members that only the service sets; the operation must not read them:%s", what, difference(got, want))
	}
}

// state returns what can be read of a target, and of what an answer made.
func (s *server) state(a optest.Answer, x optest.Target) string {
	s.Helper()
	var b strings.Builder
	fresh := x
	for _, param := range optest.Params() {
		fresh = fresh.With(param, x.Fresh) // what the caller of an operation may name
	}
	for _, about := range []optest.Target{x, x.After(a), fresh} {
		for _, r := range s.Routes {
			if r.Method != http.MethodGet {
				continue
			}
			var paths []string
			if strings.Contains(r.Path, "{") {
				paths = append(paths, about.In(r.Path))
			}
			for _, p := range r.Params() {
				if r.HasPages() && p.In == "query" && slices.Contains(optest.Params(), p.Name) {
					paths = append(paths, about.In(r.Path)+"?"+p.Name+"="+about.ID(p.Name))
				}
			}
			for _, path := range paths {
				masks := append(x.Masks(), about.Masks()...)
				b.WriteString(counted.ReplaceAllString(masked(s.As("admin", r.Method, path, ""), masks...), ""))
			}
		}
	}
	return b.String()
}

// refusesOwned sends each member alone to an operation that refuses what it
// does not know, and wants it named.
func refusesOwned(t *testing.T, s *server, r endpoint.Route) {
	t.Helper()
	members, err := jsonschema.Members(r.In())
	s.OK(err)
	x := s.Target("")
	before := s.state(optest.Answer{}, x)
	for _, name := range slices.Sorted(maps.Keys(owned)) {
		if slices.ContainsFunc(members, func(m jsonschema.Member) bool { return m.Name == name }) {
			t.Errorf("%s takes %s, which only the service sets", r.ID, name)
		}
		path, query, body := x.About(r)
		a := s.As("admin", r.Method, optest.Join(path, query), member(t, body, name, owned[name]))
		if a.Status != r.InvalidStatus || a.Text("/errors/0/pointer") != "/"+name {
			t.Errorf("%s with %s: %d, want it refused by name: %s", r.ID, name, a.Status, a.Body)
		}
		if query != "" {
			query += "&"
		}
		a = s.As("admin", r.Method, optest.Join(path, query+name+"=1"), body)
		if a.Status != r.InvalidStatus || a.Text("/errors/0/pointer") != "/query/"+name {
			t.Errorf("%s with the query parameter %s: %d, want it refused by name: %s", r.ID, name, a.Status, a.Body)
		}
	}
	if after := s.state(optest.Answer{}, x); after != before {
		t.Errorf("%s changed something though it refused the request; refuse before writing:%s", r.ID, difference(after, before))
	}
}

// TestTheApproverIsTheCredentialsSubject: nothing else says who decided.
func TestTheApproverIsTheCredentialsSubject(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for verb, member := range map[string]string{"approve": "approved_by", "reject": "rejected_by"} {
		for who, id := range map[string]int{"admin": 400, "manager": 401} {
			x := s.Target("")
			body := `{"approved_by": 77, "rejected_by": 77, "user_id": 77, "approver": "evil", "approver_email": "evil@example.com", "by": {"subject": "evil"}, "email": "evil@example.com"}`
			a := s.As(who, "POST", "/api/v1/actions/"+x.ID("action_id")+"/"+verb+"?approved_by=77&approver=evil", body, "X-User-Id", "77").Want(200)
			if got := a.At("/" + member); got != fmt.Sprint(id) {
				t.Errorf("%s by %s: %s is %s, want %d", verb, who, member, got, id)
			}
			detail := s.As(who, "GET", "/api/v1/actions/"+x.ID("action_id"), "").Want(200)
			if got := detail.At("/" + member); got != fmt.Sprint(id) || strings.Contains(string(detail.Body), "evil") {
				t.Errorf("%s by %s is recorded as %s: %s", verb, who, got, detail.Body)
			}
			if again := s.As("admin", "POST", "/api/v1/actions/"+x.ID("action_id")+"/"+verb, ""); again.Status != 400 || again.Text("/error_code") != "INVALID_STATE" {
				t.Errorf("%s again: %d %s", verb, again.Status, again.Body)
			}
		}
	}
}

// TestAGetNeverDecides: no link in a mail approves anything.
func TestAGetNeverDecides(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	x := s.Target("")
	for _, r := range s.Routes {
		if r.Method == http.MethodGet {
			if writes(r) {
				t.Errorf("%s writes", r.ID)
			}
			path, query, _ := x.About(r)
			for _, method := range []string{"GET", "HEAD"} {
				a := s.As("admin", method, optest.Join(path, query), "", "X-HTTP-Method-Override", "DELETE", "X-HTTP-Method", "POST", "X-Method-Override", "PUT")
				for _, call := range a.Calls {
					if call.IsWrite() {
						t.Errorf("%s %s writes", method, r.ID)
					}
				}
			}
			continue
		}
		path, query, _ := x.About(r)
		a := s.As("admin", "GET", optest.Join(path, query)+"&_method="+r.Method, "", "X-HTTP-Method-Override", r.Method)
		for _, call := range a.Calls {
			if call.IsWrite() {
				t.Errorf("GET %s writes", path)
			}
		}
	}
	if a := s.As("admin", "GET", "/api/v1/actions/"+x.ID("action_id")+"/status", ""); a.Text("/status") != "pending_approval" {
		t.Errorf("the action is %s", a.Text("/status"))
	}
}

// TestNothingACallerSaysLoosensADecision (decision 20).
func TestNothingACallerSaysLoosensADecision(t *testing.T) {
	long(t)
	s := newServer(t)
	x := s.Target("")
	risky := x.In(`{"agent_id": "{agent_id}", "action_type": "database_delete", "resource": "production customer database with PII", "environment": "production"}`)
	want := s.As("key user", "POST", "/api/v1/actions/submit", risky).Want(200)
	if want.Text("/status") == "approved" {
		t.Fatalf("the action is harmless: %s", want.Body)
	}
	score := number(t, want.At("/risk_score"))
	for name, value := range map[string]string{
		"risk_score": `0`, "risk_level": `"low"`, "require_approval": `false`, "contains_pii": `false`,
		"risk_indicators": `{"risk_level": "low", "risk_score": 0, "auto_approve": true, "approved": true}`,
		"context":         `{"require_human_approval": false, "auto_approve": true, "approved": true, "approved_by": "admin", "risk_score": 0, "role": "admin", "is_admin": true, "agent_type": "advisory"}`,
		"metadata":        `{"auto_approve": true, "risk_score": 0, "status": "approved"}`,
		"parameters":      `{"auto_approve": true, "risk_score": 0, "status": "approved"}`,
	} {
		a := s.As("key user", "POST", "/api/v1/actions/submit", member(t, risky, name, value)).Want(200)
		if a.Text("/status") != want.Text("/status") || number(t, a.At("/risk_score")) < score {
			t.Errorf("%s: %s makes it %s at %s, without it is %s at %v", name, value, a.Text("/status"), a.At("/risk_score"), want.Text("/status"), score)
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
