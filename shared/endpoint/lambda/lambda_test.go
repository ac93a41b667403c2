package lambda_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/endpoint"
	"ascend/shared/endpoint/lambda"
	"ascend/shared/endpoint/problemjson"
)

// echoed is what reached the handler.
type echoed struct {
	Name   string      `json:"name"`
	Query  string      `json:"query"`
	Path   string      `json:"path"`
	IP     string      `json:"ip"`
	Header http.Header `json:"header"`
}

func gateway(t testing.TB) func(context.Context, events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	type in struct {
		ID   string `path:"id" json:"-"`
		Q    string `query:"q" json:"-"`
		Name string `json:"name"`
	}
	s := endpoint.Spec{ID: "things-do", Method: "POST", Path: "/things/{id}", Auth: endpoint.Optional, Body: endpoint.OptionalBody, Unknown: endpoint.Tolerate}
	nobody := endpoint.ClaimFunc(func(*http.Request) (command.Claim, error) {
		return command.Claim{}, problem.Unauthenticated(problem.CodeMissingAuth, "authentication is required")
	})
	service, err := endpoint.New(app.New(nil, app.Options{}), nobody, slog.New(slog.DiscardHandler), endpoint.Define(s, func(_ context.Context, _ *app.App, c *command.Command, v in) (echoed, error) {
		return echoed{Name: v.Name, Query: v.Q, Path: v.ID, IP: c.SourceIP}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return lambda.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.Contains(strings.ToLower(name), "golambdaproxy") {
				t.Errorf("%s reached the handler", name)
			}
		}
		if r.Header.Get("X-Panic") != "" {
			panic("outside")
		}
		service.ServeHTTP(w, r)
	}), slog.New(slog.DiscardHandler))
}

func TestEventsOfTheGateway(t *testing.T) {
	handle := gateway(t)
	good := func() events.APIGatewayProxyRequest {
		e := events.APIGatewayProxyRequest{
			HTTPMethod: "POST", Path: "/things/a", Body: `{"name":"n"}`,
			Headers:                         map[string]string{"Content-Type": "application/json"},
			MultiValueHeaders:               map[string][]string{"Content-Type": {"application/json"}},
			QueryStringParameters:           map[string]string{"q": "1"},
			MultiValueQueryStringParameters: map[string][]string{"q": {"1"}},
		}
		e.RequestContext.Identity.SourceIP = "192.0.2.9"
		e.RequestContext.DomainName = "abc.execute-api.eu-west-1.amazonaws.com"
		return e
	}
	rows := []struct {
		name   string
		change func(*events.APIGatewayProxyRequest)
		status int
		want   echoed
	}{
		{"a good one", func(*events.APIGatewayProxyRequest) {}, 200, echoed{Name: "n", Query: "1", Path: "a", IP: "192.0.2.9"}},
		{"only single maps", func(e *events.APIGatewayProxyRequest) {
			e.MultiValueHeaders, e.MultiValueQueryStringParameters = nil, nil
		}, 200, echoed{Name: "n", Query: "1", Path: "a", IP: "192.0.2.9"}},
		{"empty multi maps beside single ones", func(e *events.APIGatewayProxyRequest) {
			e.MultiValueHeaders, e.MultiValueQueryStringParameters = map[string][]string{}, map[string][]string{}
		}, 200, echoed{Name: "n", Query: "1", Path: "a", IP: "192.0.2.9"}},
		{"no maps at all", func(e *events.APIGatewayProxyRequest) {
			*e = events.APIGatewayProxyRequest{HTTPMethod: "POST", Path: "/things/a"}
		}, 200, echoed{Path: "a"}},
		{"base64", func(e *events.APIGatewayProxyRequest) {
			e.IsBase64Encoded, e.Body = true, base64.StdEncoding.EncodeToString([]byte(`{"name":"é"}`))
		}, 200, echoed{Name: "é", Query: "1", Path: "a", IP: "192.0.2.9"}},
		{"bad base64", func(e *events.APIGatewayProxyRequest) { e.IsBase64Encoded = true }, 400, echoed{}},
		{"a bad escape", func(e *events.APIGatewayProxyRequest) { e.Path = "/things/%zz" }, 400, echoed{}},
		{"a cut escape", func(e *events.APIGatewayProxyRequest) { e.Path = "/things/%" }, 400, echoed{}},
		{"a question mark in the path", func(e *events.APIGatewayProxyRequest) { e.Path = "/things/a?q=2" }, 200, echoed{Name: "n", Query: "1", Path: "a?q=2", IP: "192.0.2.9"}},
		{"a fragment in the path", func(e *events.APIGatewayProxyRequest) { e.Path = "/things/a#b" }, 200, echoed{Name: "n", Query: "1", Path: "a#b", IP: "192.0.2.9"}},
		{"a space and a letter beyond ASCII", func(e *events.APIGatewayProxyRequest) { e.Path = "/things/a é" }, 200, echoed{Name: "n", Query: "1", Path: "a é", IP: "192.0.2.9"}},
		{"an escaped path", func(e *events.APIGatewayProxyRequest) { e.Path = "/things/a%2Fb" }, 200, echoed{Name: "n", Query: "1", Path: "a/b", IP: "192.0.2.9"}},
		{"two slashes first", func(e *events.APIGatewayProxyRequest) { e.Path = "//evil.example/things/a" }, 404, echoed{}},
		{"no path", func(e *events.APIGatewayProxyRequest) { e.Path = "" }, 404, echoed{}},
		{"no method", func(e *events.APIGatewayProxyRequest) { e.HTTPMethod = "" }, 400, echoed{}},
		{"a malformed method", func(e *events.APIGatewayProxyRequest) { e.HTTPMethod = "PO ST" }, 400, echoed{}},
		{"another method", func(e *events.APIGatewayProxyRequest) { e.HTTPMethod = "GET" }, 405, echoed{}},
		{"a lower-case method", func(e *events.APIGatewayProxyRequest) { e.HTTPMethod = "post" }, 400, echoed{}},
		{"a host that is none", func(e *events.APIGatewayProxyRequest) { e.RequestContext.DomainName = "a b/%zz" }, 200, echoed{Name: "n", Query: "1", Path: "a", IP: "192.0.2.9"}},
		{"an address that is none", func(e *events.APIGatewayProxyRequest) { e.RequestContext.Identity.SourceIP = "<script>" }, 200, echoed{Name: "n", Query: "1", Path: "a"}},
		{"the adapter's own headers", func(e *events.APIGatewayProxyRequest) {
			e.Headers["x-golambdaproxy-apigw-context"] = `{"accountId":"evil"}`
			e.MultiValueHeaders["X-GOLAMBDAPROXY-APIGW-STAGEVARS"] = []string{"{}"}
		}, 200, echoed{Name: "n", Query: "1", Path: "a", IP: "192.0.2.9"}},
		{"headers that are none", func(e *events.APIGatewayProxyRequest) {
			e.MultiValueHeaders["a\nb"], e.MultiValueHeaders["X-Ok"], e.MultiValueHeaders[""] = []string{"x"}, []string{"a\r\nb"}, nil
		}, 200, echoed{Name: "n", Query: "1", Path: "a", IP: "192.0.2.9"}},
		{"a header in two spellings", func(e *events.APIGatewayProxyRequest) {
			e.MultiValueHeaders["content-type"] = []string{"text/plain"}
		}, 415, echoed{}},
		{"a query in two values", func(e *events.APIGatewayProxyRequest) {
			e.MultiValueQueryStringParameters["q"] = []string{"1", "2"}
		}, 400, echoed{}},
		{"a huge body", func(e *events.APIGatewayProxyRequest) { e.Body = strings.Repeat("x", 6<<20) }, 413, echoed{}},
		{"a huge path", func(e *events.APIGatewayProxyRequest) { e.Path = "/things/" + strings.Repeat("x", 1<<20) }, 404, echoed{}},
		{"a panic outside of the service", func(e *events.APIGatewayProxyRequest) { e.MultiValueHeaders["X-Panic"] = []string{"1"} }, 500, echoed{}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := good()
			row.change(&e)
			a, err := handle(t.Context(), e)
			if err != nil || a.StatusCode != row.status {
				t.Fatalf("%d, want %d: %s, %v", a.StatusCode, row.status, a.Body, err)
			}
			checkResponse(t, a)
			if row.status == 200 {
				var got echoed
				if err := json.Unmarshal([]byte(a.Body), &got); err != nil || got.Name != row.want.Name || got.Path != row.want.Path || got.Query != row.want.Query || got.IP != row.want.IP {
					t.Errorf("%s, want %+v", a.Body, row.want)
				}
			}
		})
	}
}

// checkResponse holds for every answer: JSON, typed, secured, and a problem where it failed.
func checkResponse(t testing.TB, a events.APIGatewayProxyResponse) {
	t.Helper()
	h := http.Header(a.MultiValueHeaders)
	want := "application/json"
	if a.StatusCode >= 400 {
		want = "application/problem+json"
		var p problemjson.Problem
		if err := json.Unmarshal([]byte(a.Body), &p); err != nil || p.Status != a.StatusCode || p.ErrorCode == "" {
			t.Errorf("%s: %v", a.Body, err)
		}
	}
	if h.Get("Content-Type") != want || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Correlation-ID") == "" || a.IsBase64Encoded {
		t.Errorf("%d with %v", a.StatusCode, h)
	}
}

// FuzzLambda: no event panics, fails, or is answered 5xx.
func FuzzLambda(f *testing.F) {
	f.Add("POST", "/things/a", "q", "1", "Content-Type", "application/json", `{"name":"n"}`, "192.0.2.1", false)
	f.Add("POST", "/things/%zz?x", "q", "%", "X-GoLambdaProxy-ApiGw-Context", "{}", `e30=`, "::1%eth0", true)
	f.Add("", "//\x00", "", "", "\n", "\r", "{", "", true)
	handle := gateway(f)
	f.Fuzz(func(t *testing.T, method, path, name, value, header, text, body, ip string, encoded bool) {
		if strings.EqualFold(strings.TrimSpace(header), "X-Panic") {
			return
		}
		e := events.APIGatewayProxyRequest{
			HTTPMethod: method, Path: path, Body: body, IsBase64Encoded: encoded,
			Headers: map[string]string{header: text}, MultiValueHeaders: map[string][]string{strings.ToUpper(header): {text, value}},
			QueryStringParameters: map[string]string{name: value}, MultiValueQueryStringParameters: map[string][]string{value: {name, text}},
		}
		e.RequestContext.Identity.SourceIP, e.RequestContext.DomainName = ip, value
		a, err := handle(context.Background(), e)
		if err != nil || a.StatusCode < 200 || a.StatusCode >= 500 {
			t.Fatalf("%d %s %v", a.StatusCode, a.Body, err)
		}
		checkResponse(t, a)
	})
}
