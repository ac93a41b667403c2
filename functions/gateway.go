package functions

import (
	"fmt"
	"net/http"
	"strings"
	"time"

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

// Gateway returns routes in the dialect of OpenAPI 3.0 that API Gateway imports,
// as the API of that name: each method of each path passes the request unchanged
// to its function, and API Gateway's own answers are problem bodies. The
// functions validate and authenticate, so there are no models or authorizers.
func Gateway(name string, routes []endpoint.Route, invoke func(endpoint.Route) Integration) (map[string]any, error) {
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
	answerElsewhere(paths)
	return map[string]any{
		"openapi":                               "3.0.1",
		"info":                                  map[string]any{"title": name, "version": "1"},
		"paths":                                 paths,
		"x-amazon-apigateway-gateway-responses": ownAnswers(),
	}, nil
}

// handed returns the operation of a route: its function receives the whole request.
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
		"responses":                       map[string]any{"200": map[string]any{"description": "The function's answer, whatever its status."}},
		"x-amazon-apigateway-integration": integration,
	}
	if params := parameters(r.Path); params != nil {
		op["parameters"] = params
	}
	return op
}

// parameters returns the parameters of a path, nil where it has none.
func parameters(path string) (list []any) {
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			list = append(list, map[string]any{
				"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true,
				"schema": map[string]any{"type": "string"},
			})
		}
	}
	return list
}
