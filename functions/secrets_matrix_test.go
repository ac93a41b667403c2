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
	"ascend/functions/optest"
	"ascend/shared/domain/problem"
	"ascend/shared/jsonschema"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// Every test of this package looks for its callers' credentials, and for the
// password in its submissions, in logs, answers and the store's files (server).
// The tests here put them where they do not belong.

func TestSecretsInASubmissionAreKeptNowhere(t *testing.T) {
	long(t)
	s := newServer(t)
	x := s.Target("")
	key, token := s.Callers["key admin"].Headers[1], strings.TrimPrefix(s.Callers["admin"].Headers[1], "Bearer ")
	sent := 0
	submit := func(what, body string) {
		t.Helper()
		sent++
		a := s.As("key user", "POST", "/api/v1/actions/submit", x.In(body))
		if a.Status != 200 {
			t.Errorf("%s: %d %s", what, a.Status, a.Body)
			return
		}
		for _, path := range []string{"/api/v1/actions/" + a.At("/id"), "/api/v1/actions/" + a.At("/id") + "/status", "/api/v1/actions?limit=1"} {
			s.As("admin", "GET", path, "").Want(200) // whose answers are looked into
		}
	}
	for _, name := range []string{
		"password", "db_password", "DB-PASSWORD", "passwd", "pwd", "secret", "client.secret", "apiKey", "API_KEY", "access_key", "private_key",
		"token", "refreshToken", "Authorization", "cookie", "credentials", "passphrase", "connection_string",
	} {
		for _, in := range []string{"parameters", "action_details", "context", "metadata", "risk_indicators"} {
			for _, shape := range []string{`{%q: %q}`, `{"a": {"b": [{%q: %q}]}}`, `{%q: {"value": [%q]}}`} {
				submit(in+" "+name, member(t, `{"agent_id": "{agent_id}", "action_type": "data_read"}`, in, fmt.Sprintf(shape, name, optest.Password)))
			}
		}
	}
	for _, secret := range []string{key, token} {
		for _, text := range []string{"%s", "use %s please", "key=%s&x=1", `{"a":"%s"}`, "Bearer %s"} {
			for _, in := range []string{"parameters", "action_details", "context", "metadata", "risk_indicators"} {
				value, err := json.Marshal(map[string]any{"note": []string{fmt.Sprintf(text, secret)}})
				s.OK(err)
				submit(in, member(t, `{"agent_id": "{agent_id}", "action_type": "data_read"}`, in, string(value)))
			}
		}
	}
	submit("a URL", `{"agent_id": "{agent_id}", "action_type": "data_read", "resource": "postgres://admin:`+optest.Password+`@db.example/x", "parameters": {"url": "https://u:`+optest.Password+`@example.com"}}`)
	t.Logf("%d submissions", sent)
}

// TestACredentialInAnyMemberIsKeptNowhere puts a key and a token into every
// text of a submission, one at a time. agent_id and action_type are the
// caller's own names, and stay as they are.
func TestACredentialInAnyMemberIsKeptNowhere(t *testing.T) {
	long(t)
	members, err := jsonschema.Members(reflect.TypeFor[actions.SubmitIn]())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		kind := jsonKind(m.Field.Type)
		if m.Name == "agent_id" || m.Name == "action_type" || kind != "string" && kind != "any" {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			s := newServer(t)
			x := s.Target("")
			for _, secret := range []string{s.Callers["key admin"].Headers[1], strings.TrimPrefix(s.Callers["admin"].Headers[1], "Bearer ")} {
				a := s.As("key user", "POST", "/api/v1/actions/submit", member(t, x.In(`{"agent_id": "{agent_id}", "action_type": "data_read"}`), m.Name, fmt.Sprintf("%q", secret)))
				if a.Status == 200 {
					s.As("admin", "GET", "/api/v1/actions/"+a.At("/id"), "").Want(200)
				}
			}
		})
	}
}

// TestWrongRequestsAreNotRepeatedToTheSender: a problem says what is wrong,
// and not with which value.
func TestWrongRequestsAreNotRepeatedToTheSender(t *testing.T) {
	long(t)
	const canary = "canary-of-a-wrong-request"
	s := newServer(t)
	refused := 0
	for _, r := range s.Routes {
		if !r.HasBody() {
			continue
		}
		x := s.Target("")
		members, err := jsonschema.Members(r.In())
		s.OK(err)
		for _, m := range members {
			for _, value := range []string{`{"password": "%s"}`, `["%s"]`, `"%s"`, `{"x": {"y": "%s"}} x`, `"%s", "` + m.Name + `": "%[1]s"`, `"%s`} {
				path, query, body := x.About(r)
				a := s.As("admin", r.Method, optest.Join(path, query), member(t, body, m.Name, fmt.Sprintf(value, canary)))
				if a.Status < 400 {
					continue
				}
				refused++
				if strings.Contains(string(a.Body), canary) {
					t.Errorf("%s: %s refused with its value: %s", r.ID, m.Name, a.Body)
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
	s := newServer(t)
	s.Target("")
	claim, err := s.Ring.Claim(s.Callers["key admin"].Headers[1])
	s.OK(err)
	record, _ := claim.Record()
	hash := strings.TrimPrefix(record.SK, "key#")
	files, err := filepath.Glob(filepath.Join(s.Dir, "*"))
	s.OK(err)
	found := map[string]bool{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		s.OK(err)
		for _, text := range []string{hash, "agent-1", "[REDACTED]", optest.Password, s.Callers["key admin"].Headers[1]} {
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
	long(t)
	s := newServer(t)
	for _, r := range s.Routes {
		for _, who := range []string{"admin", "key admin", "viewer", "key user"} {
			c := s.Callers[who]
			if due(t, r, c) != 0 {
				continue
			}
			for n := range 6 {
				s.Faults = nil
				x := s.Target("")
				path, query, body := x.About(r)
				q, err := optest.Request(r.Method, optest.Join(path, query), body, c.Headers...)
				s.OK(err)
				s.Faults = func(call faulty.Call) faulty.Fault {
					if n == 0 || call.N == n {
						return faulty.RequestLost
					}
					return faulty.None
				}
				a := s.Do(q)
				failed := slices.ContainsFunc(a.Calls, func(call faulty.Call) bool { return call.Fault != faulty.None })
				if a.Status == 503 {
					if a.Text("/error_code") != problem.CodeUnavailable || a.Header.Get("Retry-After") == "" || insides.Match(a.Body) || strings.Contains(string(a.Body), "inject") {
						t.Errorf("%s by %s: %s", r.ID, who, a.Body)
					}
				} else {
					s.examine(a, r.ID)
				}
				if n == 0 && failed && a.Status != 503 {
					t.Errorf("%s by %s without a store: %d %s", r.ID, who, a.Status, a.Body)
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
	s := newServer(t)
	x := s.Target("")
	const limit = 3
	s.As("admin", "PUT", "/api/registry/agents/"+x.ID("agent_id")+"/rate-limits", fmt.Sprintf(`{"max_actions_per_day": %d}`, limit)).Want(200)
	admitted := 1 // the target's own
	for i := range 6 {
		submit := func() optest.Answer {
			q, err := optest.Request("POST", "/api/v1/actions/submit", x.In(`{"agent_id": "{agent_id}", "action_type": "data_read"}`),
				append([]string{"Idempotency-Key", fmt.Sprint("key-", i)}, s.Callers["key user"].Headers...)...)
			s.OK(err)
			return s.Do(q)
		}
		s.Faults = func(c faulty.Call) faulty.Fault {
			if c.Method == "Get" && slices.ContainsFunc(c.Keys, func(k store.Key) bool { return k.Table == store.Agents }) { //nolint:usestdlibvars // the store's Get, not HTTP's
				return faulty.RequestLost
			}
			return faulty.None
		}
		submit().Want(503)
		s.Faults = nil
		if a := submit().Want(200); a.Text("/error_code") != "RATE_LIMIT_EXCEEDED" {
			admitted++
		}
	}
	if admitted != limit {
		t.Errorf("%d actions were admitted under a limit of %d", admitted, limit)
	}
}
