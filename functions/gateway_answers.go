package functions

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ascend/shared/domain/problem"
	"ascend/shared/endpoint"
)

// ownAnswer is an answer that API Gateway gives without asking a function.
type ownAnswer struct {
	kind   string // API Gateway's name of the case
	status int    // 0 keeps the one of the case, which the body then leaves out
	code   string // the body's error_code
	detail string
}

// answersByGateway are the cases that our API can meet; the two defaults stand
// for the rest. A function that fails is a failed dependency, 503.
var answersByGateway = []ownAnswer{
	{"DEFAULT_4XX", 0, problem.CodeValidation, "the request was refused before it reached the service"},
	{"DEFAULT_5XX", 0, problem.CodeInternal, "the request did not reach the service"},
	{"BAD_REQUEST_BODY", http.StatusBadRequest, problem.CodeValidation, "the request cannot be read"},
	{"BAD_REQUEST_PARAMETERS", http.StatusBadRequest, problem.CodeValidation, "the request cannot be read"},
	{"INTEGRATION_FAILURE", http.StatusServiceUnavailable, problem.CodeUnavailable, "the service failed to answer"},
	{"INTEGRATION_TIMEOUT", http.StatusServiceUnavailable, problem.CodeUnavailable, "the service did not answer in time"},
	{"MISSING_AUTHENTICATION_TOKEN", http.StatusNotFound, problem.CodeNotFound, "there is no such path or method"},
	{"REQUEST_TOO_LARGE", http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "the request is too large"},
	{"RESOURCE_NOT_FOUND", http.StatusNotFound, problem.CodeNotFound, "there is no such path"},
	{"THROTTLED", http.StatusTooManyRequests, codeThrottled, "too many requests"},
	{"UNSUPPORTED_MEDIA_TYPE", http.StatusUnsupportedMediaType, problem.CodeUnsupportedMedia, "the media type is not supported"},
	{"WAF_FILTERED", http.StatusForbidden, problem.CodeForbidden, "the request was refused by the firewall"},
}

// codeThrottled is the error code where the whole API is too busy; functions
// never answer it.
const codeThrottled = "RATE_LIMIT_EXCEEDED"

// problemHeaders go with every problem that API Gateway writes, as with those
// of functions.
var problemHeaders = map[string]string{
	"Content-Type":              "application/problem+json",
	"Cache-Control":             "no-store",
	"X-Content-Type-Options":    "nosniff",
	"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}

// quoted returns a text as API Gateway maps it to a header.
func quoted(s string) string { return "'" + s + "'" }

// ownAnswers returns answersByGateway as API Gateway imports them. The bodies
// hold nothing that the caller sent: API Gateway fills in templates without
// escaping for JSON.
func ownAnswers() map[string]any {
	answers := map[string]any{}
	for _, a := range answersByGateway {
		headers := map[string]any{}
		for name, value := range problemHeaders {
			headers["gatewayresponse.header."+name] = quoted(value)
		}
		if slices.Contains([]int{http.StatusTooManyRequests, http.StatusServiceUnavailable}, a.status) {
			headers["gatewayresponse.header.Retry-After"] = quoted("1")
		}
		answer := map[string]any{"responseParameters": headers, "responseTemplates": map[string]any{"application/json": a.body()}}
		if a.status != 0 {
			answer["statusCode"] = strconv.Itoa(a.status)
		}
		answers[a.kind] = answer
	}
	return answers
}

// body returns the problem (RFC 9457) in the form of the functions' own. Its
// correlation id is API Gateway's request id.
func (a ownAnswer) body() string {
	status := ""
	if a.status != 0 {
		status = fmt.Sprintf(`"title":%q,"status":%d,`, http.StatusText(a.status), a.status)
	}
	return fmt.Sprintf(`{"type":"about:blank",%s"detail":%q,"error_code":%q,"correlation_id":"$context.requestId"}`, status, a.detail, a.code)
}

// answerElsewhere adds the answers to requests that no operation takes: other
// methods of the paths (405) and all other paths (404), prefixes of the paths
// included. Without them API Gateway would take a bearer token for an AWS
// signature and answer 403, which clients read as a refused credential.
func answerElsewhere(paths map[string]any) {
	absent := map[string]bool{"/": true, "/{proxy+}": true}
	for path, methods := range paths {
		allowed := slices.Collect(maps.Keys(methods.(map[string]any)))
		slices.Sort(allowed)
		methods.(map[string]any)[anyMethod] = mocked(path, ownAnswer{
			status: http.StatusMethodNotAllowed, code: problem.CodeMethodNotAllowed, detail: "the method is not allowed here; the Allow header lists those that are",
		}, map[string]string{"Allow": strings.ToUpper(strings.Join(allowed, ", "))})
		for i := strings.LastIndexByte(path, '/'); i > 0; i = strings.LastIndexByte(path[:i], '/') {
			absent[path[:i]] = true
		}
	}
	for path := range absent {
		if paths[path] == nil {
			paths[path] = map[string]any{anyMethod: mocked(path, ownAnswer{
				status: http.StatusNotFound, code: problem.CodeNotFound, detail: "there is no such path",
			}, nil)}
		}
	}
}

// anyMethod is API Gateway's name of the methods that a path does not list.
const anyMethod = "x-amazon-apigateway-any-method"

// mocked returns an operation that API Gateway always answers itself. It
// refuses a body that is not JSON, because a mock integration parses its input.
func mocked(path string, a ownAnswer, more map[string]string) map[string]any {
	status := strconv.Itoa(a.status)
	declared, mapped := map[string]any{}, map[string]any{}
	for _, headers := range []map[string]string{problemHeaders, more} {
		for name, value := range headers {
			declared[name] = map[string]any{"schema": map[string]any{"type": "string"}}
			mapped["method.response.header."+name] = quoted(value)
		}
	}
	op := map[string]any{
		"x-ascend-auth": endpoint.Public.String(),
		"responses":     map[string]any{status: map[string]any{"description": a.detail, "headers": declared}},
		"x-amazon-apigateway-integration": map[string]any{
			"type": "mock", "passthroughBehavior": "never",
			"requestTemplates": map[string]any{"application/json": `{"statusCode": ` + status + `}`},
			"responses": map[string]any{"default": map[string]any{
				"statusCode": status, "responseParameters": mapped,
				"responseTemplates": map[string]any{"application/json": a.body()},
			}},
		},
	}
	if params := parameters(path); params != nil {
		op["parameters"] = params
	}
	return op
}
