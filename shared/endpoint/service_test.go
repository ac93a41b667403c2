package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

var discard = slog.New(slog.DiscardHandler)

func route(id, method, path string) Route {
	return Define(Spec{ID: id, Method: method, Path: path, Auth: Public}, func(context.Context, *app.App, *command.Command, nothing) (string, error) {
		return id, nil
	})
}

func TestPathsNameOperationsOrNothing(t *testing.T) {
	type in struct {
		ID string `path:"id" json:"-"`
	}
	named := func(id, method, path string) Route {
		return Define(Spec{ID: id, Method: method, Path: path, Auth: Public}, func(_ context.Context, _ *app.App, _ *command.Command, v in) (string, error) {
			return id + ":" + v.ID, nil
		})
	}
	k := newKit(t, route("list", "GET", "/api/things"), route("add", "POST", "/api/things"), named("get", "GET", "/api/things/{id}"),
		named("drop", "DELETE", "/api/things/{id}"), route("beat", "POST", "/api/things/heartbeat"), named("status", "GET", "/api/things/{id}/status"))
	for _, row := range []struct {
		method, path, want, allow string
		status                    int
	}{
		{"GET", "/api/things", `"list"`, "", 200},
		{"GET", "/api/things/", `"list"`, "", 200},
		{"POST", "/api/things", `"add"`, "", 200},
		{"GET", "/api/things/a", `"get:a"`, "", 200},
		{"GET", "/api/things/a/", `"get:a"`, "", 200},
		{"GET", "/api/things/a%2fb", `"get:a/b"`, "", 200},
		{"GET", "/api/things/%2e%2e", `"get:.."`, "", 200},
		{"GET", "/api/things/heartbeat", `"get:heartbeat"`, "", 200},
		{"POST", "/api/things/heartbeat", `"beat"`, "", 200},
		{"GET", "/api/things/a/status", `"status:a"`, "", 200},
		{"GET", "/api//things", "", "", 404},
		{"GET", "/api/things//", "", "", 404},
		{"GET", "/api/things//status", "", "", 404},
		{"GET", "/api/../api/things", "", "", 404},
		{"GET", "/", "", "", 404},
		{"GET", "/api/thing", "", "", 404},
		{"GET", "/API/things", "", "", 404},
		{"GET", "/api/things/a/status/b", "", "", 404},
		{"GET", "/" + strings.Repeat("a", maxPath), "", "", 404},
		{"PUT", "/api/things", "", "GET, HEAD, POST", 405},
		{"OPTIONS", "/api/things", "", "GET, HEAD, POST", 405},
		{"PUT", "/api/things/heartbeat", "", "DELETE, GET, HEAD, POST", 405},
		{"TRACE", "/api/things/a/status", "", "GET, HEAD", 405},
	} {
		a := k.send(t, row.method, row.path, "")
		if a.StatusCode != row.status || row.want != "" && a.body != row.want || a.Header.Get("Allow") != row.allow {
			t.Errorf("%s %s: %d %s, Allow %q", row.method, row.path, a.StatusCode, a.body, a.Header.Get("Allow"))
		}
		if row.status == 404 && a.problem.ErrorCode != problem.CodeNotFound || row.status == 405 && a.problem.ErrorCode != problem.CodeMethodNotAllowed {
			t.Errorf("%s %s says %q", row.method, row.path, a.problem.ErrorCode)
		}
	}
	if a := k.send(t, "HEAD", "/api/things", ""); a.StatusCode != 200 || a.body != "" || a.Header.Get("Content-Length") != "6" {
		t.Errorf("HEAD: %d %q %v", a.StatusCode, a.body, a.Header)
	}
}

func TestRoutesThatClashAreRefused(t *testing.T) {
	a := app.New(nil, app.Options{})
	for name, routes := range map[string][]Route{
		"one id":   {route("a", "GET", "/a"), route("a", "GET", "/b")},
		"one path": {route("a", "GET", "/a"), route("b", "GET", "/a")},
		"one shape": {
			Define(Spec{ID: "a", Method: "GET", Path: "/{x}", Auth: Public}, handler[struct {
				X string `path:"x" json:"-"`
			}]),
			Define(Spec{ID: "b", Method: "GET", Path: "/{y}", Auth: Public}, handler[struct {
				Y string `path:"y" json:"-"`
			}]),
		},
		"undefined": {Route{Spec: Spec{ID: "a", Method: "GET", Path: "/a", Auth: Public}}},
	} {
		if _, err := New(a, ClaimFunc(testClaim), discard, routes...); err == nil {
			t.Errorf("%s: served", name)
		}
	}
	if _, err := New(a, nil, discard, route("a", "GET", "/a")); err == nil {
		t.Error("served without credentials")
	}
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	k := newKit(t, Define(spec(Token), ok))
	for _, a := range []reply{k.send(t, "GET", "/api/things", ""), k.send(t, "GET", "/none", ""), k.send(t, "PUT", "/api/things", ""), k.send(t, "GET", "/api/things", "", "X-Test-Caller", "")} {
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
			"Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'", "X-XSS-Protection": "1; mode=block", "Cache-Control": "no-store",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%d: %s is %q", a.StatusCode, name, got)
			}
		}
	}
}

type shaped struct{ n int }

func (s shaped) Status() int           { return s.n }
func (s shaped) Headers(h http.Header) { h.Set("Vary", "User-Agent") }
func (s shaped) Body() any             { return []int{s.n} }

func TestAnswersMayChooseStatusHeadersAndBody(t *testing.T) {
	for _, n := range []int{200, 201, 0, 1000} {
		k := newKit(t, Define(spec(Token), func(context.Context, *app.App, *command.Command, nothing) (shaped, error) { return shaped{n}, nil }))
		a := k.send(t, "GET", "/api/things", "")
		if n < 200 || n > 599 {
			a.want(t, 500, problem.CodeInternal)
		} else if a.StatusCode != n || a.body != fmt.Sprintf("[%d]", n) || a.Header.Get("Vary") != "User-Agent" || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%d %s %v", a.StatusCode, a.body, a.Header)
		}
	}
}

func TestErrorsBecomeProblems(t *testing.T) {
	down := problem.Unavailable("write", errPlain)
	down.RetryAfter = time.Minute
	mfa := problem.Unauthenticated(problem.CodeMFARequired, "a second factor is needed")
	mfa.Challenge = `Bearer error="insufficient_user_authentication"`
	rows := []struct {
		name    string
		err     error
		status  int
		code    string
		header  string
		headers string
	}{
		{"another organisation's", problem.NotFound(problem.CodeActionNotFound, "no such action"), 404, "ACTION_NOT_FOUND", "", ""},
		{"state", fmt.Errorf("approve: %w", problem.InvalidState("already approved")), 400, "INVALID_STATE", "", ""},
		{"validation", problem.InvalidFields(problem.Field{Pointer: "/a", Detail: "a is bad"}), 422, "VALIDATION_ERROR", "", ""},
		{"mismatch", problem.New(problem.KindMismatch, problem.CodeKeyReused, "reused"), 422, "IDEMPOTENCY_KEY_REUSED", "", ""},
		{"conflict", problem.New(problem.KindConflict, "IN_FLIGHT", "in flight"), 409, "IN_FLIGHT", "", ""},
		{"too many", problem.New(problem.KindTooMany, "RATE_LIMIT_EXCEEDED", "slow down"), 429, "RATE_LIMIT_EXCEEDED", "Retry-After", "1"},
		{"a dependency", down, 503, "SERVICE_UNAVAILABLE", "Retry-After", "5"},
		{"a bare store failure", fmt.Errorf("read: %w", store.ErrUnavailable), 503, "SERVICE_UNAVAILABLE", "Retry-After", "1"},
		{"a deadline", fmt.Errorf("read: %w", context.DeadlineExceeded), 503, "SERVICE_UNAVAILABLE", "Retry-After", "1"},
		{"a second factor", mfa, 401, "MFA_REQUIRED", "WWW-Authenticate", mfa.Challenge},
		{"a mistake", errPlain, 500, "INTERNAL_ERROR", "", ""},
		{"text that is no text", problem.Forbidden("no \xff"), 403, "INSUFFICIENT_PERMISSIONS", "", ""},
	}
	for _, row := range rows {
		s := spec(Token)
		s.InvalidStatus = 422
		k := newKit(t, Define(s, fails(row.err)))
		a := k.send(t, "GET", "/api/things?q=secret", "")
		a.want(t, row.status, row.code)
		if row.header != "" && a.Header.Get(row.header) != row.headers {
			t.Errorf("%s: %s is %q", row.name, row.header, a.Header.Get(row.header))
		}
		p := a.problem
		if p.Type != "about:blank" || p.Title != http.StatusText(row.status) || p.Instance != "/api/things" || p.Timestamp != testTime || p.Detail == "" ||
			p.CorrelationID != a.Header.Get("X-Correlation-ID") || strings.Contains(a.body, "secret") {
			t.Errorf("%s: %s", row.name, a.body)
		}
		if logged := strings.Contains(k.log.String(), "secret cause"); logged != (errors.Is(row.err, errPlain)) {
			t.Errorf("%s: the cause logged %v: %s", row.name, logged, k.log)
		}
	}
}

func TestPanicsAreAnsweredAndLogged(t *testing.T) {
	k := newKit(t, Define(spec(Token), func(context.Context, *app.App, *command.Command, nothing) (done, error) { panic("secret state") }))
	a := k.send(t, "GET", "/api/things", "")
	a.want(t, 500, problem.CodeInternal)
	if strings.Contains(a.body, "secret") || strings.Contains(a.body, "goroutine") || !strings.Contains(k.log.String(), "panic: secret state") {
		t.Errorf("body %s, log %s", a.body, k.log)
	}
}

func TestAnAnswerThatCannotBeWrittenIs500(t *testing.T) {
	k := newKit(t, Define(spec(Token), func(context.Context, *app.App, *command.Command, nothing) (string, error) { return "\xff", nil }))
	k.send(t, "GET", "/api/things", "").want(t, 500, problem.CodeInternal)
}

func TestATimeoutIs503(t *testing.T) {
	s := spec(Token)
	s.Timeout = time.Millisecond
	k := newKit(t, Define(s, func(ctx context.Context, _ *app.App, _ *command.Command, _ nothing) (done, error) {
		<-ctx.Done()
		return done{}, fmt.Errorf("query: %w", ctx.Err())
	}))
	k.send(t, "GET", "/api/things", "").want(t, 503, problem.CodeUnavailable)
}

func TestCommandsCarryTheRequest(t *testing.T) {
	var got command.Command
	k := newKit(t, Define(spec(Token), func(_ context.Context, _ *app.App, c *command.Command, _ nothing) (done, error) {
		got = *c
		return done{}, nil
	}))
	r := httptest.NewRequest(http.MethodGet, "/api/things", nil)
	r.RemoteAddr = "[::ffff:192.0.2.1]:4711"
	for name, value := range map[string]string{"X-Test-Caller": "user", "User-Agent": "ascend-sdk/2.7.1 Python", "X-SDK-Version": "2.7.1", "X-Correlation-ID": "asc_0123456789abcdef"} {
		r.Header.Set(name, value)
	}
	a := k.serve(t, r)
	if got.SourceIP != "192.0.2.1" || got.Client.SDKVersion != "2.7.1" || got.Client.UserAgent != "ascend-sdk/2.7.1 Python" || got.ClientCorrelationID != "asc_0123456789abcdef" ||
		got.At != testTime || got.Principal.Subject != "person-user" || len(got.ID) != 32 || got.Repeat != nil {
		t.Errorf("%+v", got)
	}
	if !regexp.MustCompile(`^action_20260304_050607_[0-9a-f]{8}$`).MatchString(got.CorrelationID) {
		t.Errorf("correlation id %q", got.CorrelationID)
	}
	if echo := a.Header.Get("X-Correlation-ID"); echo != "asc_0123456789abcdef" {
		t.Errorf("echoed %q", echo)
	}
	for _, bad := range []string{"a b", "a\nb", strings.Repeat("a", 129), "é"} {
		if a := k.send(t, "GET", "/api/things", "", "X-Correlation-ID", bad); a.Header.Get("X-Correlation-ID") != got.CorrelationID || got.ClientCorrelationID != "" {
			t.Errorf("%q: echoed %q, kept %q", bad, a.Header.Get("X-Correlation-ID"), got.ClientCorrelationID)
		}
	}
}

func TestOneLineIsLoggedPerRequest(t *testing.T) {
	type in struct {
		Name string `json:"name"`
		Q    string `query:"q" json:"-"`
	}
	s := Spec{ID: "things-add", Method: "POST", Path: "/api/things", Auth: Token, Body: RequiredBody}
	k := newKit(t, Define(s, handler[in]))
	k.send(t, "POST", "/api/things?q=canary1", `{"name":"canary2"}`, "Authorization", "Bearer canary3", "X-Correlation-ID", "asc_1", "User-Agent", "canary4")
	var line map[string]any
	if err := json.Unmarshal(k.log.Bytes()[:k.log.Len()-1], &line); err != nil {
		t.Fatalf("%s: %v", k.log, err)
	}
	for name, want := range map[string]any{"operation": "things-add", "status": 200.0, "organization_id": 7.0, "caller_correlation_id": "asc_1", "level": "INFO"} {
		if line[name] != want {
			t.Errorf("%s is %v", name, line[name])
		}
	}
	if _, ok := line["duration_ms"].(float64); !ok || line["correlation_id"] == "" || strings.Contains(k.log.String(), "canary") {
		t.Errorf("logged %s", k.log)
	}
}

// submit is shaped as the largest hot request is.
type submit struct {
	AgentID    string         `json:"agent_id" required:"true"`
	ActionType string         `json:"action_type" required:"true"`
	Resource   string         `json:"resource" maxlen:"500"`
	Target     string         `json:"target_system"`
	Details    jsontext.Value `json:"action_details"`
	Parameters jsontext.Value `json:"parameters"`
	Context    struct {
		Environment string           `json:"environment"`
		Class       string           `json:"data_classification"`
		Amount      jsontext.Value   `json:"amount"`
		Human       *bool            `json:"require_human_approval"`
		Rest        []map[string]any `json:"rest"`
	} `json:"context"`
	Indicators jsontext.Value `json:"risk_indicators"`
	Cost       jsontext.Value `json:"estimated_cost_usd"`
}

const submitBody = `{"agent_id":"payments-agent-7","agent_name":"Payments","action_type":"database_write","resource":"prod-payments.customers",` +
	`"resource_id":"row-12345","target_system":"postgres","action_details":{"query":"UPDATE customers SET tier = 'gold' WHERE id = 12345","tool_name":"sql","rows":1},` +
	`"context":{"environment":"production","data_classification":"pii","require_human_approval":false},"risk_indicators":{"pii":true,"batch":null},"estimated_cost_usd":0.02}`

// confirming is a handler that confirms the caller itself, as Spec.ConfirmInBatch asks.
func confirming(ctx context.Context, a *app.App, c *command.Command, _ submit) (out done, err error) {
	key, _ := c.Claim.Record()
	items, err := a.Store.Get(ctx, key)
	if err != nil {
		return done{}, err
	}
	c.Principal, err = c.Claim.Confirm(items[0], c.At)
	return done{OK: true}, err
}

func BenchmarkService(b *testing.B) {
	s := Spec{ID: "things-add", Method: "POST", Path: "/api/v1/things/submit", Auth: KeyOrTokenWrite, Body: RequiredBody, Unknown: Tolerate, Repeats: true, ConfirmInBatch: true}
	k := newKit(b, Define(s, confirming))
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			b.Fatal(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"ok":true}`))
	})
	quiet, err := New(k.app, ClaimFunc(testClaim), discard, Define(s, confirming))
	if err != nil {
		b.Fatal(err)
	}
	for name, h := range map[string]http.Handler{"plain": plain, "service": quiet} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/api/v1/things/submit", strings.NewReader(submitBody))
				r.Header["X-Test-Caller"] = []string{"key:user"}
				r.Header["Content-Type"] = []string{"application/json"}
				r.Header["X-Correlation-Id"] = []string{"asc_0123456789abcdef"}
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
