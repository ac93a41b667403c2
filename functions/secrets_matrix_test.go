package functions_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/functions/actions"
	"ascend/shared/domain/problem"
	"ascend/shared/jsonschema"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// Every test of this package looks for its callers' credentials, and for the
// password in its submissions, in logs, answers and the store's files (house).
// The tests here put them where they do not belong.

func TestSecretsInASubmissionAreKeptNowhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	x := h.target("")
	key, token := h.callers["key admin"].headers[1], strings.TrimPrefix(h.callers["admin"].headers[1], "Bearer ")
	sent := 0
	submit := func(what, body string) {
		t.Helper()
		sent++
		a := h.as("key user", "POST", "/api/v1/actions/submit", x.in(body))
		if a.status != 200 {
			t.Errorf("%s: %d %s", what, a.status, a.body)
			return
		}
		for _, path := range []string{"/api/v1/actions/" + a.at("/id"), "/api/v1/actions/" + a.at("/id") + "/status", "/api/v1/actions?limit=1"} {
			h.want(200, h.as("admin", "GET", path, "")) // whose answers are looked into
		}
	}
	for _, name := range []string{
		"password", "db_password", "DB-PASSWORD", "passwd", "pwd", "secret", "client.secret", "apiKey", "API_KEY", "access_key", "private_key",
		"token", "refreshToken", "Authorization", "cookie", "credentials", "passphrase", "connection_string",
	} {
		for _, in := range []string{"parameters", "action_details", "context", "metadata", "risk_indicators"} {
			for _, shape := range []string{`{%q: %q}`, `{"a": {"b": [{%q: %q}]}}`, `{%q: {"value": [%q]}}`} {
				submit(in+" "+name, member(t, `{"agent_id": "{agent_id}", "action_type": "data_read"}`, in, fmt.Sprintf(shape, name, password)))
			}
		}
	}
	for _, secret := range []string{key, token} {
		for _, text := range []string{"%s", "use %s please", "key=%s&x=1", `{"a":"%s"}`, "Bearer %s"} {
			for _, in := range []string{"parameters", "action_details", "context", "metadata", "risk_indicators"} {
				value, err := json.Marshal(map[string]any{"note": []string{fmt.Sprintf(text, secret)}})
				h.no(err)
				submit(in, member(t, `{"agent_id": "{agent_id}", "action_type": "data_read"}`, in, string(value)))
			}
		}
	}
	submit("a URL", `{"agent_id": "{agent_id}", "action_type": "data_read", "resource": "postgres://admin:`+password+`@db.example/x", "parameters": {"url": "https://u:`+password+`@example.com"}}`)
	t.Logf("%d submissions", sent)
}

// TestACredentialInAnyMemberIsKeptNowhere puts a key and a token into every
// text of a submission, one at a time. agent_id and action_type are the
// caller's own names, and stay as they are.
func TestACredentialInAnyMemberIsKeptNowhere(t *testing.T) {
	t.Parallel()
	members, err := jsonschema.Members(reflect.TypeFor[actions.Submission]())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		kind := jsonKind(m.Field.Type)
		if m.Name == "agent_id" || m.Name == "action_type" || kind != "string" && kind != "any" {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			h := newHouse(t)
			x := h.target("")
			for _, secret := range []string{h.callers["key admin"].headers[1], strings.TrimPrefix(h.callers["admin"].headers[1], "Bearer ")} {
				a := h.as("key user", "POST", "/api/v1/actions/submit", member(t, x.in(`{"agent_id": "{agent_id}", "action_type": "data_read"}`), m.Name, fmt.Sprintf("%q", secret)))
				if a.status == 200 {
					h.want(200, h.as("admin", "GET", "/api/v1/actions/"+a.at("/id"), ""))
				}
			}
		})
	}
}

// TestWrongRequestsAreNotRepeatedToTheSender: a problem says what is wrong,
// and not with which value.
func TestWrongRequestsAreNotRepeatedToTheSender(t *testing.T) {
	t.Parallel()
	const canary = "canary-of-a-wrong-request"
	h := newHouse(t)
	refused := 0
	for _, r := range h.routes {
		if !r.HasBody() {
			continue
		}
		x := h.target("")
		members, err := jsonschema.Members(r.In())
		h.no(err)
		for _, m := range members {
			for _, value := range []string{`{"password": "%s"}`, `["%s"]`, `"%s"`, `{"x": {"y": "%s"}} x`, `"%s", "` + m.Name + `": "%[1]s"`, `"%s`} {
				path, query, body := x.about(t, r)
				a := h.as("admin", r.Method, join(path, query), member(t, body, m.Name, fmt.Sprintf(value, canary)))
				if a.status < 400 {
					continue
				}
				refused++
				if strings.Contains(string(a.body), canary) {
					t.Errorf("%s: %s refused with its value: %s", r.ID, m.Name, a.body)
				}
			}
		}
	}
	if refused < 100 {
		t.Errorf("only %d requests were refused", refused)
	}
}

// TestTheKeysHashIsAllThatIsStored also shows that looking into the files finds
// what is there.
func TestTheKeysHashIsAllThatIsStored(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.target("")
	claim, err := h.ring.Claim(h.callers["key admin"].headers[1])
	h.no(err)
	record, _ := claim.Record()
	hash := strings.TrimPrefix(record.SK, "key#")
	files, err := filepath.Glob(filepath.Join(h.folder, "*"))
	h.no(err)
	found := map[string]bool{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		h.no(err)
		for _, text := range []string{hash, "agent-1", "[REDACTED]", password, h.callers["key admin"].headers[1]} {
			found[text] = found[text] || bytes.Contains(content, []byte(text))
		}
	}
	if !found[hash] || !found["agent-1"] || !found["[REDACTED]"] || len(hash) != 64 {
		t.Errorf("what is stored is not found: %v", found)
	}
}

// TestWhenTheStoreFailsNobodyGetsInAndNobodyIsToldWhy fails each call of each
// operation, and all of them.
func TestWhenTheStoreFailsNobodyGetsInAndNobodyIsToldWhy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.down = true
	for _, r := range h.routes {
		for _, who := range []string{"admin", "key admin", "viewer", "key user"} {
			c := h.callers[who]
			if due(t, r, c) != 0 {
				continue
			}
			for n := range 6 {
				h.plan = nil
				x := h.target("")
				path, query, body := x.about(t, r)
				q, err := request(r.Method, join(path, query), body, c.headers...)
				h.no(err)
				h.plan = func(call faulty.Call) faulty.Fault {
					if n == 0 || call.N == n {
						return faulty.RequestLost
					}
					return faulty.None
				}
				a := h.serve(q)
				failed := slices.ContainsFunc(a.calls, func(call faulty.Call) bool { return call.Fault != faulty.None })
				if a.status == 503 {
					if a.text("/error_code") != problem.CodeUnavailable || a.header.Get("Retry-After") == "" || insides.Match(a.body) || strings.Contains(string(a.body), "inject") {
						t.Errorf("%s by %s: %s", r.ID, who, a.body)
					}
				} else {
					h.examine(a, r.ID)
				}
				if n == 0 && failed && a.status != 503 {
					t.Errorf("%s by %s without a store: %d %s", r.ID, who, a.status, a.body)
				}
				if !failed {
					break // it makes fewer calls
				}
			}
		}
	}
}

// TestALostReadLeavesNoFreePass: a submission whose reads fail is answered 503
// and taken back; its repeat under the same key is counted like any other.
func TestALostReadLeavesNoFreePass(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	x := h.target("")
	const limit = 3
	h.want(200, h.as("admin", "PUT", "/api/registry/agents/"+x.agent+"/rate-limits", fmt.Sprintf(`{"max_actions_per_day": %d}`, limit)))
	h.down = true
	admitted := 1 // the target's own
	for i := range 6 {
		submit := func() answer {
			q, err := request("POST", "/api/v1/actions/submit", x.in(`{"agent_id": "{agent_id}", "action_type": "data_read"}`),
				append([]string{"Idempotency-Key", fmt.Sprint("key-", i)}, h.callers["key user"].headers...)...)
			h.no(err)
			return h.serve(q)
		}
		h.plan = func(c faulty.Call) faulty.Fault {
			if c.Method == "Get" && slices.ContainsFunc(c.Keys, func(k store.Key) bool { return k.Table == store.Agents }) {
				return faulty.RequestLost
			}
			return faulty.None
		}
		h.want(503, submit())
		h.plan = nil
		if a := h.want(200, submit()); a.text("/error_code") != "RATE_LIMIT_EXCEEDED" {
			admitted++
		}
	}
	if admitted != limit {
		t.Errorf("%d actions were admitted under a limit of %d", admitted, limit)
	}
}
