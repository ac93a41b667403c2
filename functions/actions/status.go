package actions

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// Status serves GET /api/v1/actions/{action_id}/status: whether an action is
// decided, for clients that wait. Polling counts against no agent's limits.
func Status() endpoint.Route {
	return endpoint.Define(statusSpec("actions-status", "/api/v1/actions/{action_id}/status"), status)
}

func statusSpec(id, path string) endpoint.Spec {
	return endpoint.Spec{
		ID: id, Method: http.MethodGet, Path: path, Tag: "Actions",
		Summary: "Poll whether an action is decided",
		Auth:    endpoint.KeyOrToken, Reads: []store.Table{store.Actions},
	}
}

func status(ctx context.Context, a *app.App, c *command.Command, in one) (Decision, error) {
	act, err := in.read(ctx, a, c)
	if err != nil {
		return Decision{}, err
	}
	return decisionOf(act.Summary()), nil
}
