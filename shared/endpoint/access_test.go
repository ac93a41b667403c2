package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ascend/shared/app"
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
				do = func(ctx context.Context, a *app.App, c *app.Command, _ nothing) (done, error) {
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
	k := newKit(t, Define(spec(KeyOrToken), func(context.Context, *app.App, *app.Command, nothing) (done, error) {
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

// In a batch the use case confirms; a request that does not get there must not
// learn more with a revoked key than without one.
func TestAnInvalidRequestIsConfirmedBeforeItIsTold(t *testing.T) {
	type in struct {
		Name string `json:"name" required:"true"`
	}
	s := Spec{ID: "things-add", Method: "POST", Path: "/api/things", Auth: KeyOrTokenWrite, Body: RequiredBody, ConfirmInBatch: true, Repeats: true}
	k := newKit(t, Define(s, func(context.Context, *app.App, *app.Command, in) (done, error) { return done{}, errors.New("reached") }))
	for _, row := range []struct{ body, contentType, key string }{{"{", "", ""}, {"{}", "", ""}, {"x", "text/plain", ""}, {`{"name":"n"}`, "", "a b"}} {
		send := func(caller string) int {
			return k.send(t, "POST", "/api/things", row.body, "X-Test-Caller", caller, "Content-Type", row.contentType, "Idempotency-Key", row.key).StatusCode
		}
		if got := send("key:revoked"); got != http.StatusUnauthorized {
			t.Errorf("%+v with a revoked key: %d", row, got)
		}
		if got := send("key:viewer"); got != http.StatusForbidden {
			t.Errorf("%+v with a viewer's key: %d", row, got)
		}
		if got := send("key:user"); got != 400 && got != 415 {
			t.Errorf("%+v with a good key: %d", row, got)
		}
	}
}
