package workflows

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/workflow"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// CreateIn is the request of workflows-create (seeds/003, "Create Workflow").
type CreateIn struct {
	workflow.Definition
}

// CreateOut is the answer of workflows-create.
type CreateOut struct {
	Success  bool     `json:"success"`
	Workflow Workflow `json:"workflow"`
	Message  string   `json:"message"`
}

// Create adds a workflow.
func Create() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "workflows-create", Method: http.MethodPost, Path: base, Tag: tag,
		Summary: "Create a workflow",
		Example: `{"name": "Manager Approval", "type": "single_approval", "approvers": [{"role": "manager"}], "timeout_seconds": 3600,
			"trigger_conditions": {"agent_ids": ["payments-agent"]}}`,
		Auth:  endpoint.TokenAdmin,
		Reads: []store.Table{store.Directory, store.Commands}, Writes: []store.Table{store.Directory, store.Commands},
		Success: http.StatusCreated,
		Body:    endpoint.RequiredBody, Repeats: true,
	}, create)
}

func create(ctx context.Context, a *app.App, c *command.Command, in CreateIn) (CreateOut, error) {
	w, err := a.Workflows.Create(ctx, c, in.Definition)
	return CreateOut{Success: true, Workflow: shown(w), Message: "Workflow created: " + w.Name}, err
}
