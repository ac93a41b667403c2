package functions

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ascend/shared/domain/problem"
	"ascend/shared/endpoint"
)

// Integration is how API Gateway calls the function of a route.
type Integration struct {
	// URI is the function's invocation address,
	// arn:…:apigateway:<region>:lambda:path/2015-03-31/functions/<function ARN>/invocations.
	URI string
	// Credentials is the ARN of the role that API Gateway takes on for the
	// call; "" leaves the right to the function's own policy.
	Credentials string
	// Timeout is how long API Gateway waits: 50 ms … 29 s.
	Timeout time.Duration
}

// Bounds of API Gateway on Integration.Timeout.
const (
	minIntegration = 50 * time.Millisecond
	maxIntegration = 29 * time.Second
)

// Gateway renders routes in the dialect of OpenAPI 3.0 that API Gateway
// imports: every method of every path handed as it is to its function, and the
// answers that API Gateway gives by itself as problem bodies. Requests are
// checked and callers recognised in the functions, so neither models nor
// authorizers are there.
func Gateway(routes []endpoint.Route, invoke func(endpoint.Route) Integration) (map[string]any, error) {
	paths := map[string]any{}
	for _, r := range routes {
		if err := r.Err(); err != nil {
			return nil, err
		}
		how := invoke(r)
		if how.Timeout < minIntegration || how.Timeout > maxIntegration {
			return nil, fmt.Errorf("operation %s: API Gateway waits between %v and %v, not %v", r.ID, minIntegration, maxIntegration, how.Timeout)
		}
		methods, ok := paths[r.Path].(map[string]any)
		if !ok {
			methods = map[string]any{}
			paths[r.Path] = methods
		}
		method := strings.ToLower(r.Method)
		if methods[method] != nil {
			return nil, fmt.Errorf("operation %s is there twice", r.ID)
		}
		methods[method] = handed(r, how)
	}
	return map[string]any{
		"openapi":                               "3.0.1",
		"info":                                  map[string]any{"title": "Ascend", "version": "1"},
		"paths":                                 paths,
		"x-amazon-apigateway-gateway-responses": ownAnswers(),
	}, nil
}

// handed is the operation of a route whose requests its function takes whole.
func handed(r endpoint.Route, how Integration) map[string]any {
	integration := map[string]any{
		"type": "aws_proxy", "httpMethod": http.MethodPost, "uri": how.URI,
		"timeoutInMillis": how.Timeout.Milliseconds(), "passthroughBehavior": "when_no_match",
	}
	if how.Credentials != "" {
		integration["credentials"] = how.Credentials
	}
	op := map[string]any{
		"operationId":                     r.ID,
		"x-ascend-auth":                   r.Auth.String(),
		"responses":                       map[string]any{"default": map[string]any{"description": "The function's answer."}},
		"x-amazon-apigateway-integration": integration,
	}
	var params []any
	for segment := range strings.SplitSeq(r.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			params = append(params, map[string]any{
				"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true,
				"schema": map[string]any{"type": "string"},
			})
		}
	}
	if params != nil {
		op["parameters"] = params
	}
	return op
}

// ownAnswer is an answer that API Gateway gives without asking a function.
type ownAnswer struct {
	kind   string // API Gateway's name of the case
	status int    // 0 keeps the one of the case, which the body then leaves out
	code   string // the body's error_code
	detail string
}

// answersByGateway are the cases that our API can meet; the two defaults stand
// for the rest. A path that is not there is API Gateway's "missing
// authentication token". A function that fails is a failed dependency, 503.
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

// ownAnswers writes answersByGateway. The bodies hold nothing that the caller
// sent: API Gateway fills in templates without escaping for JSON.
func ownAnswers() map[string]any {
	answers := map[string]any{}
	for _, a := range answersByGateway {
		headers := map[string]any{
			"gatewayresponse.header.Content-Type":              "'application/problem+json'",
			"gatewayresponse.header.Cache-Control":             "'no-store'",
			"gatewayresponse.header.X-Content-Type-Options":    "'nosniff'",
			"gatewayresponse.header.Strict-Transport-Security": "'max-age=31536000; includeSubDomains'",
		}
		if slices.Contains([]int{http.StatusTooManyRequests, http.StatusServiceUnavailable}, a.status) {
			headers["gatewayresponse.header.Retry-After"] = "'1'"
		}
		answer := map[string]any{"responseParameters": headers, "responseTemplates": map[string]any{"application/json": a.body()}}
		if a.status != 0 {
			answer["statusCode"] = strconv.Itoa(a.status)
		}
		answers[a.kind] = answer
	}
	return answers
}

// body is the problem (RFC 9457), as the functions' own, with API Gateway's
// request id for the correlation id.
func (a ownAnswer) body() string {
	status := ""
	if a.status != 0 {
		status = fmt.Sprintf(`"title":%q,"status":%d,`, http.StatusText(a.status), a.status)
	}
	return fmt.Sprintf(`{"type":"about:blank",%s"detail":%q,"error_code":%q,"correlation_id":"$context.requestId"}`, status, a.detail, a.code)
}
