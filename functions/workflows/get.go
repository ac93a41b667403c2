package workflows

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// One names the workflow of a request.
type One struct {
	WorkflowID string `path:"workflow_id" json:"-" doc:"The workflow's id, wf_…"`
}

// GetOut is the answer of workflows-get.
type GetOut struct {
	Success  bool     `json:"success"`
	Workflow Workflow `json:"workflow"`
}

// Get shows one workflow.
func Get() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "workflows-get", Method: http.MethodGet, Path: one, Tag: tag,
		Summary: "Get a workflow",
		Auth:    endpoint.KeyOrToken,
		Reads:   []store.Table{store.Directory},
	}, get)
}

func get(ctx context.Context, a *app.App, c *command.Command, in One) (GetOut, error) {
	w, err := a.Workflows.Get(ctx, c.Principal.Org, in.WorkflowID)
	return GetOut{Success: true, Workflow: shown(w)}, err
}
