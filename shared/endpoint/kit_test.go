package endpoint

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/endpoint/problemjson"
	"ascend/shared/store"
)

// records is a store of which only Get is used, as the front end does.
type records struct {
	store.Store
	items map[store.Key]*store.Item
	err   error
	gets  int
}

func (r *records) Get(_ context.Context, keys ...store.Key) ([]*store.Item, error) {
	r.gets++
	if r.err != nil {
		return nil, r.err
	}
	items := make([]*store.Item, len(keys))
	for i, k := range keys {
		items[i] = r.items[k]
	}
	return items, nil
}

// kit is a service under test with what it was given.
type kit struct {
	http.Handler
	store *records
	log   *bytes.Buffer
	app   *app.App
}

var testTime = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func newKit(t testing.TB, routes ...Route) *kit {
	t.Helper()
	k := &kit{store: &records{items: map[store.Key]*store.Item{}}, log: &bytes.Buffer{}}
	k.app = app.New(k.store, app.Options{})
	k.app.Now = func() time.Time { return testTime }
	for _, role := range []tenant.Role{tenant.Admin, tenant.Manager, tenant.User, tenant.Viewer} {
		key := testKey(string(role))
		k.store.items[key] = &store.Item{Key: key}
	}
	h, err := New(k.app, ClaimFunc(testClaim), slog.New(slog.NewJSONHandler(k.log, nil)), routes...)
	if err != nil {
		t.Fatal(err)
	}
	k.Handler = h
	return k
}

func testKey(name string) store.Key { return store.APIKeyKey(7, name) }

// testClaim reads a caller such as "admin", "key:user" or "key:revoked" from a header.
func testClaim(r *http.Request) (command.Claim, error) {
	caller := r.Header.Get("X-Test-Caller")
	name, isKey := strings.CutPrefix(caller, "key:")
	role, scopes, _ := strings.Cut(name, "+")
	switch {
	case caller == "":
		return command.Claim{}, problem.Unauthenticated(problem.CodeMissingAuth, "authentication is required")
	case caller == "bad":
		return command.Claim{}, problem.Unauthenticated(problem.CodeInvalidToken, "the token is not valid")
	case isKey:
		p := tenant.Principal{Org: 7, Kind: tenant.Machine, Subject: "key:" + role, Role: tenant.Role(role), Scopes: scopes}
		return command.Unconfirmed(7, testKey(role), func(i *store.Item, _ time.Time) (tenant.Principal, error) {
			if i == nil {
				return tenant.Principal{}, problem.Unauthenticated(problem.CodeRevokedKey, "the API key was revoked")
			}
			return p, nil
		}), nil
	}
	return command.Confirmed(tenant.Principal{Org: 7, Kind: tenant.Person, Subject: "person-" + role, Role: tenant.Role(role)}), nil
}

// reply is an answer with its decoded problem, if it is one.
type reply struct {
	*http.Response
	body    string
	problem problemjson.Problem
}

func (k *kit) send(t testing.TB, method, target, body string, headers ...string) reply {
	t.Helper()
	r := httptest.NewRequest(method, "http://test"+target, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, "http://test"+target, nil)
	}
	r.Header.Set("X-Test-Caller", "admin")
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	return k.serve(t, r)
}

func (k *kit) serve(t testing.TB, r *http.Request) reply {
	t.Helper()
	w := httptest.NewRecorder()
	k.ServeHTTP(w, r)
	response := w.Result()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := reply{Response: response, body: string(b)}
	if response.Header.Get("Content-Type") == "application/problem+json" {
		if err := json.Unmarshal(b, &a.problem); err != nil {
			t.Fatalf("the problem body %s: %v", b, err)
		}
		if a.problem.Status != response.StatusCode {
			t.Errorf("the body says %d, the answer %d", a.problem.Status, response.StatusCode)
		}
	}
	return a
}

func (a reply) want(t testing.TB, status int, code string) {
	t.Helper()
	if a.StatusCode != status || a.problem.ErrorCode != code {
		t.Errorf("answered %d %q, want %d %q: %s", a.StatusCode, a.problem.ErrorCode, status, code, a.body)
	}
}

// pointers are those of the problem's errors, joined.
func (a reply) pointers() string {
	var list []string
	for _, f := range a.problem.Errors {
		list = append(list, f.Pointer)
	}
	return strings.Join(list, " ")
}

type nothing struct{}

type done struct {
	OK bool `json:"ok"`
}

func ok(context.Context, *app.App, *command.Command, nothing) (done, error) {
	return done{OK: true}, nil
}

func spec(auth Auth) Spec {
	return Spec{ID: "things-get", Method: http.MethodGet, Path: "/api/things", Auth: auth, Tag: "things"}
}

func fails(err error) func(context.Context, *app.App, *command.Command, nothing) (done, error) {
	return func(context.Context, *app.App, *command.Command, nothing) (done, error) { return done{}, err }
}

var errPlain = errors.New("secret cause")
