package functions_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/functions"
	"ascend/shared/endpoint"
	"ascend/shared/endpoint/problemjson"
)

func toFunction(r endpoint.Route) functions.Integration {
	return functions.Integration{URI: "uri of " + r.ID, Credentials: "a role", Timeout: r.Timeout}
}

// imported is what API Gateway reads of the document.
type imported struct {
	Paths map[string]map[string]struct {
		ID          string              `json:"operationId"`
		Auth        string              `json:"x-ascend-auth"`
		Security    []map[string]string `json:"security"`
		Parameters  []struct{ Name, In string }
		Answers     map[string]struct{ Headers map[string]any } `json:"responses"`
		Integration struct {
			Type, HTTPMethod, URI, Credentials string
			TimeoutInMillis                    int
			PassthroughBehavior                string
			RequestTemplates                   map[string]string
			Responses                          map[string]struct {
				StatusCode                            string
				ResponseParameters, ResponseTemplates map[string]string
			}
		} `json:"x-amazon-apigateway-integration"`
	}
	Answers map[string]struct {
		StatusCode         string
		ResponseParameters map[string]string
		ResponseTemplates  map[string]string
	} `json:"x-amazon-apigateway-gateway-responses"`
}

func gateway(t *testing.T, routes []endpoint.Route) (d imported) {
	t.Helper()
	document, err := functions.Gateway("ascend-test-api", routes, toFunction)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &d, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheGatewayHandsEveryOperationToItsFunction(t *testing.T) {
	routes := functions.Routes()
	d := gateway(t, routes)
	there := 0
	for _, methods := range d.Paths {
		for _, op := range methods {
			if op.Integration.Type != "mock" {
				there++
			}
		}
	}
	if there != len(routes) {
		t.Errorf("%d operations of %d", there, len(routes))
	}
	for _, r := range routes {
		op, ok := d.Paths[r.Path][strings.ToLower(r.Method)]
		i := op.Integration
		switch {
		case !ok || op.ID != r.ID:
			t.Errorf("%s %s is not %s", r.Method, r.Path, r.ID)
		case op.Auth != r.Auth.String() || op.Security != nil:
			t.Errorf("%s: auth %q, authorizers %v", r.ID, op.Auth, op.Security)
		case i.Type != "aws_proxy" || i.HTTPMethod != "POST" || i.URI != "uri of "+r.ID || i.Credentials != "a role" || i.TimeoutInMillis != int(r.Timeout.Milliseconds()):
			t.Errorf("%s: integration %+v", r.ID, i)
		case len(op.Parameters) != strings.Count(r.Path, "{"):
			t.Errorf("%s: parameters %v", r.ID, op.Parameters)
		}
	}
}

func TestWhatTheGatewayAnswersItselfIsAProblem(t *testing.T) {
	want := map[string]string{
		"DEFAULT_4XX": "", "DEFAULT_5XX": "", "MISSING_AUTHENTICATION_TOKEN": "404", "THROTTLED": "429",
		"REQUEST_TOO_LARGE": "413", "INTEGRATION_TIMEOUT": "503", "INTEGRATION_FAILURE": "503",
	}
	answers := gateway(t, functions.Routes()).Answers
	for kind, status := range want {
		if a, ok := answers[kind]; !ok || a.StatusCode != status {
			t.Errorf("%s: %+v", kind, a)
		}
	}
	for kind, a := range answers {
		var p struct {
			Type, Title, Detail string
			Status              int
			ErrorCode           string `json:"error_code"`
		}
		if err := json.Unmarshal([]byte(a.ResponseTemplates["application/json"]), &p, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if p.Type != "about:blank" || p.Detail == "" || p.ErrorCode == "" || (p.Status == 0) != (a.StatusCode == "") {
			t.Errorf("%s: %+v", kind, p)
		}
		if a.ResponseParameters["gatewayresponse.header.Content-Type"] != "'application/problem+json'" {
			t.Errorf("%s: headers %v", kind, a.ResponseParameters)
		}
		if waits := a.ResponseParameters["gatewayresponse.header.Retry-After"] != ""; waits != (p.Status == 429 || p.Status == 503) {
			t.Errorf("%s: Retry-After is there: %v", kind, waits)
		}
	}
}

// API Gateway would answer these itself with 403 to callers with a bearer's
// Authorization, which it takes for a signature of AWS.
func TestWhatIsAskedForInVainIsAnsweredInTheGateway(t *testing.T) {
	d := gateway(t, functions.Routes())
	for path, methods := range d.Paths {
		op, ok := methods["x-amazon-apigateway-any-method"]
		if !ok {
			t.Errorf("%s leaves other methods to API Gateway", path)
			continue
		}
		status, allow := "404", ""
		if len(methods) > 1 {
			allowed := slices.DeleteFunc(slices.Sorted(maps.Keys(methods)), func(m string) bool { return strings.HasPrefix(m, "x-") })
			status, allow = "405", "'"+strings.ToUpper(strings.Join(allowed, ", "))+"'"
		}
		i := op.Integration
		said := i.Responses["default"]
		if i.Type != "mock" || i.PassthroughBehavior != "never" || i.RequestTemplates["application/json"] != `{"statusCode": `+status+`}` || said.StatusCode != status {
			t.Errorf("%s: %+v", path, i)
		}
		if got := said.ResponseParameters["method.response.header.Allow"]; got != allow {
			t.Errorf("%s: Allow is %s, not %s", path, got, allow)
		}
		for name := range said.ResponseParameters {
			if _, declared := op.Answers[status].Headers[strings.TrimPrefix(name, "method.response.header.")]; !declared {
				t.Errorf("%s: header %s is not declared", path, name)
			}
		}
		var p problemjson.Problem
		if err := json.Unmarshal([]byte(said.ResponseTemplates["application/json"]), &p); err != nil || strconv.Itoa(p.Status) != status || p.ErrorCode == "" {
			t.Errorf("%s: %+v (%v)", path, p, err)
		}
		if len(op.Parameters) != strings.Count(path, "{") {
			t.Errorf("%s: parameters %v", path, op.Parameters)
		}
	}
	for _, path := range []string{"/", "/{proxy+}", "/api", "/api/v1", "/api/registry", "/api/agent-action/status"} {
		if _, ok := d.Paths[path]; !ok {
			t.Errorf("%s is left to API Gateway", path)
		}
	}
}

// API Gateway's import warns of them, and the stack refuses warnings.
func TestNoOperationHasADefaultResponse(t *testing.T) {
	for path, methods := range gateway(t, functions.Routes()).Paths {
		for method, op := range methods {
			if _, ok := op.Answers["default"]; ok || len(op.Answers) == 0 {
				t.Errorf("%s %s: responses %v", method, path, op.Answers)
			}
		}
	}
}

func TestTheGatewayRefusesWhatItCannotServe(t *testing.T) {
	routes := functions.Routes()
	if _, err := functions.Gateway("ascend-test-api", append(routes, routes[0]), toFunction); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("an operation twice: %v", err)
	}
	for _, wait := range []time.Duration{0, 49 * time.Millisecond, 30 * time.Second} {
		never := func(endpoint.Route) functions.Integration { return functions.Integration{Timeout: wait} }
		if _, err := functions.Gateway("ascend-test-api", routes, never); err == nil {
			t.Errorf("a wait of %v is taken", wait)
		}
	}
}
