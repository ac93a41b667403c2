package workflows

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// ListIn is the request of workflows-list.
type ListIn struct {
	endpoint.Page `default:"50" max:"100"`
}

// ListOut is the answer of workflows-list: workflows in the order in which
// their trigger conditions are tried, by priority.
type ListOut struct {
	Success    bool                `json:"success"`
	Workflows  []Workflow          `json:"workflows"`
	Pagination endpoint.Pagination `json:"pagination"`
}

// List lists the organisation's workflows.
func List() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "workflows-list", Method: http.MethodGet, Path: base, Tag: tag,
		Summary: "List workflows",
		Auth:    endpoint.KeyOrToken,
		Reads:   []store.Table{store.Directory},
	}, list)
}

func list(ctx context.Context, a *app.App, c *command.Command, in ListIn) (ListOut, error) {
	all, err := a.Workflows.List(ctx, c.Principal.Org)
	if err != nil {
		return ListOut{}, err
	}
	got, err := endpoint.List(ctx, in.Page, c.Principal.Org, all, shown)
	if err != nil {
		return ListOut{}, err
	}
	return ListOut{Success: true, Workflows: got.Items, Pagination: got.Pagination}, nil
}
