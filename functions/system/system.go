// Package system serves what clients and operators ask of the service itself.
package system

import (
	"context"
	_ "embed"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/endpoint"
)

// Alive answers that the service runs and that its store, where that can tell, takes writes.
type Alive struct {
	Status    string    `json:"status" enum:"healthy"`
	Version   string    `json:"version"`
	Timestamp time.Time `json:"timestamp"`
}

// Health returns the operation GET /health: 200 while the service can do its work. The embedded
// store probes itself by a write; DynamoDB is not asked, because that would cost
// every public call two write units and the function a right to a table.
func Health() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "health", Method: http.MethodGet, Path: "/health", Tag: "System",
		Summary: "Check that the service is up", Auth: endpoint.Public,
	}, func(ctx context.Context, a *app.App, c *command.Command, _ struct{}) (Alive, error) {
		if probe, ok := a.Store.(interface{ Healthy(context.Context) error }); ok {
			if err := probe.Healthy(ctx); err != nil {
				return Alive{}, problem.Unavailable("probe the store", err)
			}
		}
		return Alive{Status: "healthy", Version: a.Version, Timestamp: c.At}, nil
	})
}

// Deployment says what runs where.
type Deployment struct {
	Version     string    `json:"version"`
	Environment string    `json:"environment"`
	Timestamp   time.Time `json:"timestamp"`
}

// DeploymentInfo returns the operation GET /api/deployment-info: what runs where. It needs no
// credential but refuses a wrong one, because clients test theirs here (clients.md §4).
func DeploymentInfo() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "deployment-info", Method: http.MethodGet, Path: "/api/deployment-info", Tag: "System",
		Summary: "Show the deployed version and its environment", Auth: endpoint.Optional,
	}, func(_ context.Context, a *app.App, c *command.Command, _ struct{}) (Deployment, error) {
		return Deployment{Version: a.Version, Environment: a.Environment, Timestamp: c.At}, nil
	})
}

// The document is rendered from the table of routes by go generate ./functions,
// and a test there keeps it true.
//
//go:embed openapi.json
var document []byte

// OpenAPI returns the operation GET /openapi.json: the description of every operation.
func OpenAPI() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "openapi", Method: http.MethodGet, Path: "/openapi.json", Tag: "System",
		Summary: "Get this OpenAPI document", Auth: endpoint.Public,
	}, func(context.Context, *app.App, *command.Command, struct{}) (jsontext.Value, error) {
		return document, nil
	})
}
