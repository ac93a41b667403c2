package main

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// The rules of clients.md that a well-behaved client cannot show, with plain HTTP.

// headers are a request's headers by name.
type headers map[string]string

// plain is a server seen by a program that sends exactly the given headers.
type plain struct {
	client
	key, admin, approver headers
}

func plainly(s *server) plain {
	bearer := func(name string) headers { return headers{"Authorization": "Bearer " + s.env[name]} }
	return plain{s.as(""), headers{"X-API-Key": s.env["ASCEND_API_KEY"]}, bearer("ASCEND_ADMIN_TOKEN"), bearer("ASCEND_APPROVER_TOKEN")}
}

// send makes a request as clients do: with a JSON content type on every method.
func (p plain) send(t *testing.T, method, path string, h headers, body string) (int, object) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range h {
		req.Header.Set(name, value)
	}
	res, err := p.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeBody[object](reply{res.StatusCode, res.Header, text})
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, got
}

// ok is send that must be answered 200 or 201.
func (p plain) ok(t *testing.T, method, path string, h headers, body string) object {
	t.Helper()
	status, got := p.send(t, method, path, h, body)
	if status != http.StatusOK && status != http.StatusCreated {
		t.Fatalf("%s %s: answered %d %v", method, path, status, got)
	}
	return got
}

// active registers and activates an agent; the activation has no body.
func (p plain) active(t *testing.T, agent string) {
	t.Helper()
	p.ok(t, "POST", "/api/registry/agents", p.key, `{"agent_id": "`+agent+`", "display_name": "Test agent"}`)
	p.ok(t, "POST", "/api/registry/agents/"+agent+"/activate", p.admin, "")
}

// with is h and another header.
func (h headers) with(name, value string) headers {
	all := headers{name: value}
	for n, v := range h {
		if n != name {
			all[n] = v
		}
	}
	return all
}

func mail(agent, more string) string {
	return `{"agent_id": "` + agent + `", "action_type": "email_send", "resource": "newsletter"` + more + `}`
}

// id is an action's id as text: 2^53 fits a float64.
func id(action object) string { return fmt.Sprintf("%.0f", action["id"]) }

const (
	human  = `, "context": {"require_human_approval": true}`
	submit = "/api/v1/actions/submit"
)

func TestClientRules(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for repeats in flight: 9 s")
	}
	p := plainly(launch(t, t.TempDir()))
	for name, rule := range map[string]func(*testing.T, plain){
		"a key decides beside a bearer that is no token":            keyBesideBearer,
		"an empty body is no error":                                 emptyBodies,
		"a client may tighten and never loosen":                     tightenOnly,
		"submit, status and get say the same":                       sameAnswers,
		"a repeat in flight waits, and there is one action":         repeatsInFlight,
		"the older paths of submit are one operation to repeats":    repeatsElsewhere,
		"only an answer of success is remembered":                   repeatsAfterFailure,
		"the older paths answer as the newer":                       olderPaths,
		"polling counts against no limit":                           freePolling,
		"a missing right is 403 with a text, a wrong key is 401":    refusals,
		"a refusal of governance is 200":                            refusedWith200,
		"the connection test takes no key and refuses a wrong one":  connectionTest,
		"details while pending depend on the version that asks":     pendingDetails,
		"a list is an object for line 1.x and an array for others":  listShapes,
		"a registration that is repeated finds itself created once": registeredTwice,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rule(t, p)
		})
	}
}

// Rule 1.
func keyBesideBearer(t *testing.T, p plain) {
	key, wrong := p.key["X-API-Key"], "owkai_admin_"+strings.Repeat("0", 43)
	token, masked := p.approver["Authorization"], "Bearer owkai_"+strings.Repeat("*", 40)
	p.active(t, "beside-bearer")
	for _, c := range []struct {
		name string
		h    headers
		want int
	}{
		{"the key twice", p.key.with("Authorization", "Bearer "+key), 200},
		{"a masked bearer beside the key", p.key.with("Authorization", masked), 200},
		{"the key as bearer", headers{"Authorization": "Bearer " + key}, 200},
		{"a masked bearer alone", headers{"Authorization": masked}, 401},
		{"a masked bearer beside a wrong key", headers{"X-API-Key": wrong, "Authorization": masked}, 401},
		{"a wrong key beside the key as bearer", headers{"X-API-Key": wrong, "Authorization": "Bearer " + key}, 401},
		{"a token beside the key", p.key.with("Authorization", token), 200},
		{"a broken token beside the key", p.key.with("Authorization", token+"A"), 401},
	} {
		if status, got := p.send(t, "POST", submit, c.h, mail("beside-bearer", "")); status != c.want {
			t.Errorf("%s: answered %d %v, want %d", c.name, status, got, c.want)
		}
	}
	// The token wins: it may approve, where the key beside it may not.
	pending := p.ok(t, "POST", submit, p.key, mail("beside-bearer", human))
	p.ok(t, "POST", "/api/v1/actions/"+id(pending)+"/approve", p.key.with("Authorization", token), "")
}

// Rule 3. No operation that is there yet has a boolean in its query.
func emptyBodies(t *testing.T, p plain) {
	p.active(t, "empty-bodies")
	action := p.ok(t, "POST", submit, p.key, mail("empty-bodies", human))
	p.ok(t, "GET", "/api/v1/actions/"+id(action), p.key, "")
	p.ok(t, "POST", "/api/v1/actions/"+id(action)+"/reject", p.approver, "")
	for _, verb := range []string{"suspend?reason=test", "activate", "deactivate"} {
		p.ok(t, "POST", "/api/registry/agents/empty-bodies/"+verb, p.admin, "")
	}
	p.ok(t, "DELETE", "/api/registry/agents/empty-bodies", p.admin, "")
}

// Rule 7.
func tightenOnly(t *testing.T, p plain) {
	p.active(t, "tightens")
	for more, want := range map[string]string{
		``:    "approved",
		human: "pending_approval",
		`, "context": {"require_human_approval": false}`:                                             "approved",
		`, "context": {"require_human_approval": null}`:                                              "approved",
		`, "context": {"require_human_approval": true}, "risk_indicators": {"auto_approve": true}`:   "pending_approval",
		`, "context": {"require_human_approval": true, "auto_approve": true}, "status": "approved"`:  "pending_approval",
		`, "context": {"environment": "production"}, "risk_score": 0, "decision": "allowed", "x": 1`: "approved",
	} {
		if got := p.ok(t, "POST", submit, p.key, mail("tightens", more)); got["status"] != want {
			t.Errorf("%s: %v, want %s", more, got["status"], want)
		}
	}
	risky := `{"agent_id": "tightens", "action_type": "privilege_escalation", "resource": "production customer database", "risk_score": 1, "risk_level": "low",
		"context": {"environment": "production", "contains_pii": true, "require_human_approval": false}, "risk_indicators": {"risk_level": "low", "auto_approve": true}}`
	if got := p.ok(t, "POST", submit, p.key, risky); got["status"] != "pending_approval" {
		t.Errorf("a risky action that asks for no approval is %v", got["status"])
	}
}

// Rule 8.
func sameAnswers(t *testing.T, p plain) {
	p.active(t, "same-answers")
	p.active(t, "same-stopped")
	p.ok(t, "POST", "/api/registry/agents/same-stopped/suspend?reason=test", p.admin, "")
	for _, c := range []struct{ name, agent, more, verb, status, decision string }{
		{"approved", "same-answers", "", "", "approved", "allowed"},
		{"denied", "same-stopped", "", "", "denied", "denied"},
		{"pending", "same-answers", human, "", "pending_approval", "pending"},
		{"approved by a person", "same-answers", human, "approve", "approved", "allowed"},
		{"rejected by a person", "same-answers", human, "reject", "denied", "denied"},
	} {
		submitted := p.ok(t, "POST", submit, p.key, mail(c.agent, c.more))
		one := "/api/v1/actions/" + id(submitted)
		if c.verb != "" {
			p.ok(t, "POST", one+"/"+c.verb, p.approver, `{"reason": "Said by a person"}`)
		}
		status, whole := p.ok(t, "GET", one+"/status", p.key, ""), p.ok(t, "GET", one, p.key, "")
		answers := []object{status, whole}
		if c.verb == "" {
			answers = append(answers, submitted)
		}
		for _, got := range answers {
			if got["status"] != c.status || got["decision"] != c.decision || got["id"] != got["action_id"] ||
				got["execution_allowed"] != (c.status == "approved") || got["requires_approval"] != (c.status == "pending_approval") {
				t.Errorf("%s: %v", c.name, got)
			}
			for name, want := range status {
				if !reflect.DeepEqual(got[name], want) {
					t.Errorf("%s: %s is %v in the status and %v elsewhere", c.name, name, want, got[name])
				}
			}
			for _, name := range []string{"policy_violations", "conditions", "required_approvers"} {
				if _, list := got[name].([]any); !list {
					t.Errorf("%s: %s is %v", c.name, name, got[name])
				}
			}
			if _, is := got["metadata"].(object); !is {
				t.Errorf("%s: metadata is %v", c.name, got["metadata"])
			}
			denial := got["denial_reason"]
			if c.status == "denied" && (denial != got["reason"] || denial != got["summary"] || denial == "") || c.status != "denied" && denial != nil {
				t.Errorf("%s: denial_reason %v, reason %v, summary %v", c.name, denial, got["reason"], got["summary"])
			}
			if c.verb == "reject" && denial != "Said by a person" {
				t.Errorf("the reviewer's words became %q", denial)
			}
			if byPerson := c.verb == "approve"; (got["approved_by"] != nil) != byPerson || (got["approved_at"] != nil) != byPerson {
				t.Errorf("%s: approved by %v at %v", c.name, got["approved_by"], got["approved_at"])
			}
			if pending := c.status == "pending_approval"; (got["approval_request_id"] != nil) != pending || (got["expires_at"] != nil) != pending {
				t.Errorf("%s: approval request %v until %v", c.name, got["approval_request_id"], got["expires_at"])
			}
		}
	}
}

// Rule 10: 2.x sends one submission up to four times under one correlation id.
func repeatsInFlight(t *testing.T, p plain) {
	p.active(t, "in-flight")
	// Without a limit the counts are for show, and the first repeats of a process may count twice.
	p.ok(t, "PUT", "/api/registry/agents/in-flight/rate-limits", p.admin, `{"max_actions_per_day": 1000}`)
	for round := range 20 {
		h := p.key.with("X-Correlation-ID", fmt.Sprintf("asc_%016x", round))
		var posts sync.WaitGroup
		ids := make([]string, 8)
		for i := range ids {
			posts.Go(func() {
				if status, got := p.send(t, "POST", submit, h, mail("in-flight", "")); status == 200 {
					ids[i] = id(got)
				}
			})
		}
		posts.Wait()
		for _, got := range ids {
			if got == "" || got != ids[0] {
				t.Fatalf("round %d: one submission became %v", round, ids)
			}
		}
	}
	p.has(t, "in-flight", 20)
}

// has holds that an agent has n actions, and that they were counted once each.
func (p plain) has(t *testing.T, agent string, n float64) {
	t.Helper()
	list := p.ok(t, "GET", "/api/v1/actions?agent_id="+agent, p.key.with("User-Agent", "AscendSDK-Python/1.0.0"), "")
	if list["total"] != n {
		t.Errorf("%s has %v actions, want %v", agent, list["total"], n)
	}
	usage := p.ok(t, "GET", "/api/registry/agents/"+agent+"/usage", p.key, "")
	day := usage["rate_limits"].(object)["per_day"].(object)
	if day["current"] != n {
		t.Errorf("%s used %v actions of its day, want %v", agent, day["current"], n)
	}
}

// Decision 7, as amended: alias paths are one operation.
func repeatsElsewhere(t *testing.T, p plain) {
	p.active(t, "elsewhere")
	h := p.key.with("X-Correlation-ID", "asc_00000000000elsew")
	first := p.ok(t, "POST", submit, h, mail("elsewhere", ""))
	for _, path := range []string{submit, "/api/authorization/agent-action", "/api/sdk/agent-action"} {
		if again := p.ok(t, "POST", path, h, mail("elsewhere", "")); id(first) != id(again) {
			t.Errorf("%s: %s, first %s", path, id(again), id(first))
		}
	}
	if other := p.ok(t, "POST", submit, h, mail("elsewhere", `, "resource_id": "2"`)); id(other) == id(first) {
		t.Error("another body is the same command")
	}
	p.has(t, "elsewhere", 2)
}

func repeatsAfterFailure(t *testing.T, p plain) {
	h := p.admin.with("X-Correlation-ID", "asc_0000000000failed")
	const path = "/api/registry/agents/after-failure/suspend?reason=test"
	if status, got := p.send(t, "POST", path, h, ""); status != 404 {
		t.Fatalf("suspending an unknown agent: %d %v", status, got)
	}
	p.active(t, "after-failure")
	p.ok(t, "POST", path, h, "")
}

func registeredTwice(t *testing.T, p plain) {
	h, body := p.key.with("X-Correlation-ID", "asc_000000registered"), `{"agent_id": "register-twice", "display_name": "Twice", "capabilities": []}`
	for range 2 {
		if status, got := p.send(t, "POST", "/api/registry/agents", h, body); status != 201 || got["created"] != true {
			t.Errorf("the repeated registration: %d %v", status, got)
		}
	}
	status, got := p.send(t, "POST", "/api/registry/agents", p.key.with("X-Correlation-ID", "asc_00000000000again"), body)
	if status != 200 || got["created"] != false {
		t.Errorf("another registration of the agent: %d %v", status, got)
	}
}
