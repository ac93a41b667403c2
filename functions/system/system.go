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
	"ascend/shared/endpoint"
)

// Alive answers that the service runs; it asks no dependency.
type Alive struct {
	Status    string    `json:"status" enum:"healthy"`
	Version   string    `json:"version"`
	Timestamp time.Time `json:"timestamp"`
}

// Health is GET /health: is anybody there?
func Health() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "health", Method: http.MethodGet, Path: "/health", Tag: "System",
		Summary: "Is the service there?", Auth: endpoint.Public,
	}, func(_ context.Context, a *app.App, c *command.Command, _ struct{}) (Alive, error) {
		return Alive{Status: "healthy", Version: a.Version, Timestamp: c.At}, nil
	})
}

// Deployment says what runs where.
type Deployment struct {
	Version     string    `json:"version"`
	Environment string    `json:"environment"`
	Timestamp   time.Time `json:"timestamp"`
}

// DeploymentInfo is GET /api/deployment-info: what runs where. It needs no
// credential but refuses a wrong one, because clients test theirs here (clients.md §4).
func DeploymentInfo() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "deployment-info", Method: http.MethodGet, Path: "/api/deployment-info", Tag: "System",
		Summary: "Which version runs in which environment", Auth: endpoint.Optional,
	}, func(_ context.Context, a *app.App, c *command.Command, _ struct{}) (Deployment, error) {
		return Deployment{Version: a.Version, Environment: a.Environment, Timestamp: c.At}, nil
	})
}

// The document is rendered from the table of routes by go generate ./functions,
// and a test there keeps it true.
//
//go:embed openapi.json
var document []byte

// OpenAPI is GET /openapi.json: the description of every operation.
func OpenAPI() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "openapi", Method: http.MethodGet, Path: "/openapi.json", Tag: "System",
		Summary: "This document", Auth: endpoint.Public,
	}, func(context.Context, *app.App, *command.Command, struct{}) (jsontext.Value, error) {
		return document, nil
	})
}
