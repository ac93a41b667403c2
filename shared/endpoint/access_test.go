package endpoint

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

func TestEveryAuthClassAnswersEveryCaller(t *testing.T) {
	callers := []string{"", "bad", "viewer", "user", "manager", "admin", "root", "key:viewer", "key:user", "key:admin", "key:revoked"}
	rows := []struct {
		auth   Auth
		method string
		want   string // one status per caller
	}{
		{Public, "POST", "200 200 200 200 200 200 200 200 200 200 200"},
		{Optional, "POST", "200 401 200 200 200 200 200 200 200 200 401"},
		{KeyOrToken, "POST", "401 401 200 200 200 200 403 200 200 200 401"},
		{KeyOrTokenWrite, "POST", "401 401 403 200 200 200 403 403 200 200 401"},
		{KeyOrTokenAdmin, "POST", "401 401 403 403 403 200 403 403 403 200 401"},
		{KeyAdminOrToken, "POST", "401 401 403 200 200 200 403 403 403 200 401"},
		{KeyAdminOrToken, "GET", "401 401 200 200 200 200 403 403 403 200 401"},
		{Token, "POST", "401 401 403 200 200 200 403 403 403 403 401"},
		{Token, "GET", "401 401 200 200 200 200 403 403 403 403 401"},
		{TokenAdmin, "POST", "401 401 403 403 403 200 403 403 403 403 401"},
		{TokenApprover, "POST", "401 401 403 403 200 200 403 403 403 403 401"},
	}
	for _, row := range rows {
		for _, batch := range []bool{false, true} {
			if batch && (row.auth == Public || row.auth == Optional) {
				continue
			}
			s := spec(row.auth)
			s.Method, s.ConfirmInBatch = row.method, batch
			do := ok
			if batch {
				do = func(ctx context.Context, a *app.App, c *command.Command, _ nothing) (done, error) {
					var record *store.Item
					if key, ok := c.Claim.Record(); ok {
						items, _ := a.Store.Get(ctx, key)
						record = items[0]
					}
					var err error
					c.Principal, err = c.Claim.Confirm(record, c.At)
					return done{OK: true}, err
				}
			}
			k := newKit(t, Define(s, do))
			for i, want := range strings.Fields(row.want) {
				a := k.send(t, row.method, "/api/things", "", "X-Test-Caller", callers[i])
				if fmt.Sprint(a.StatusCode) != want {
					t.Errorf("%v %s, batch %v, caller %q: %d, want %s", row.auth, row.method, batch, callers[i], a.StatusCode, want)
				}
				if a.StatusCode == 401 && a.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%v, caller %q: a 401 without challenge", row.auth, callers[i])
				}
				if a.StatusCode == 403 && a.problem.ErrorCode != problem.CodeForbidden {
					t.Errorf("%v, caller %q: a 403 says %q", row.auth, callers[i], a.problem.ErrorCode)
				}
			}
		}
	}
}

func TestAKeyNeedsTheScope(t *testing.T) {
	s := spec(KeyOrToken)
	s.KeyScope = "audit"
	k := newKit(t, Define(s, ok))
	for caller, want := range map[string]int{"key:user": 403, "key:user+audits": 403, "key:user+read audit": 200, "viewer": 200} {
		if a := k.send(t, "GET", "/api/things", "", "X-Test-Caller", caller); a.StatusCode != want {
			t.Errorf("%s: %d, want %d", caller, a.StatusCode, want)
		}
	}
}

func TestRefusalsTellWhatIsMissing(t *testing.T) {
	approve, admin := spec(TokenApprover), spec(TokenAdmin)
	approve.ID, approve.Method, approve.Path = "things-approve", "POST", "/api/things/approve"
	k := newKit(t, Define(approve, ok), Define(admin, ok))
	if a := k.send(t, "POST", "/api/things/approve", "", "X-Test-Caller", "key:admin"); !strings.Contains(a.problem.Detail, "API key cannot approve") {
		t.Errorf("a key is told %q", a.problem.Detail)
	}
	if a := k.send(t, "GET", "/api/things", "", "X-Test-Caller", "user"); a.problem.Detail != "this needs the role admin; the credential has the role user" {
		t.Errorf("a user is told %q", a.problem.Detail)
	}
}

func TestAStoreFailureWhileConfirmingLetsNobodyThrough(t *testing.T) {
	reached := false
	k := newKit(t, Define(spec(KeyOrToken), func(context.Context, *app.App, *command.Command, nothing) (done, error) {
		reached = true
		return done{}, nil
	}))
	k.store.err = fmt.Errorf("%w: AWS said secret", store.ErrUnavailable)
	a := k.send(t, "GET", "/api/things", "", "X-Test-Caller", "key:admin")
	a.want(t, 503, problem.CodeUnavailable)
	if reached || a.Header.Get("Retry-After") != "1" || strings.Contains(a.body, "secret") {
		t.Errorf("reached %v, Retry-After %q, body %s", reached, a.Header.Get("Retry-After"), a.body)
	}
}

// A request that is refused for what it is must not tell a revoked key, or one
// without the right, more than that; also where the use case confirms.
func TestABadRequestIsRefusedForItsCredentialFirst(t *testing.T) {
	type in struct {
		Name string `json:"name" required:"true" maxlen:"5"`
		N    int    `query:"n" json:"-" min:"0" max:"9"`
	}
	const good = `{"name":"n"}`
	rows := []struct {
		name, target, body string
		headers            []string
		status             int
	}{
		{"no JSON", "", "{", nil, 422},
		{"a cut body", "", `{"name":`, nil, 422},
		{"an array", "", "[]", nil, 422},
		{"nothing", "", "", nil, 422},
		{"a member lacks", "", "{}", nil, 422},
		{"a member of another type", "", `{"name":1}`, nil, 422},
		{"a member too long", "", `{"name":"123456"}`, nil, 422},
		{"an unknown member", "", `{"name":"n","x":1}`, nil, 422},
		{"a bad parameter", "?n=x", good, nil, 422},
		{"an unknown parameter", "?x=1", good, nil, 422},
		{"a malformed query", "?n=%zz", good, nil, 400},
		{"another media type", "", "x", []string{"Content-Type", "text/plain"}, 415},
		{"compressed", "", "x", []string{"Content-Encoding", "gzip"}, 415},
		{"too large", "", `{"name":"` + strings.Repeat("n", 200) + `"}`, nil, 413},
		{"a malformed key", "", good, []string{"Idempotency-Key", "a b"}, 400},
		{"what the handler refuses", "", good, nil, 422},
	}
	for _, batch := range []bool{false, true} {
		s := Spec{
			ID: "things-add", Method: "POST", Path: "/api/things", Auth: KeyOrTokenWrite, KeyScope: "add", Body: RequiredBody,
			ConfirmInBatch: batch, Repeats: true, InvalidStatus: 422, MaxBody: 100,
		}
		k := newKit(t, Define(s, func(context.Context, *app.App, *command.Command, in) (done, error) {
			return done{}, problem.InvalidFields(problem.Field{Pointer: "/name", Detail: "name is taken"})
		}))
		for _, row := range rows {
			for caller, want := range map[string]int{
				"": 401, "bad": 401, "key:revoked": 401, "key:revoked+add": 401, "viewer": 403, "key:viewer+add": 403,
				"key:admin": 403, "key:admin+read": 403, "key:user+add": row.status, "user": row.status,
			} {
				status := k.send(t, "POST", "/api/things"+row.target, row.body, append([]string{"X-Test-Caller", caller}, row.headers...)...).StatusCode
				if status != want {
					t.Errorf("%s, batch %v, by %q: %d, want %d", row.name, batch, caller, status, want)
				}
			}
		}
	}
}

func TestAnAnswerToNobodyIsAMistake(t *testing.T) {
	s := spec(KeyOrTokenWrite)
	s.Method, s.ConfirmInBatch = "POST", true
	k := newKit(t, Define(s, ok)) // which does not confirm
	k.send(t, "POST", "/api/things", "", "X-Test-Caller", "key:user").want(t, 500, problem.CodeInternal)
}
