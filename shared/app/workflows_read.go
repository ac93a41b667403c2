package app

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
)

// workflowsOf are the workflows in an organisation's record, in the order in
// which they were made. An organisation without a record has none.
func workflowsOf(item *store.Item) ([]workflow.Workflow, error) {
	if item == nil {
		return nil, nil
	}
	o, err := decodeOrganization(item)
	if err != nil {
		return nil, err
	}
	return o.workflows()
}

func (o Organization) workflows() (all []workflow.Workflow, err error) {
	if len(o.Workflows) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(o.Workflows, &all); err != nil {
		return nil, problem.Corrupt("the organisation's workflows", err)
	}
	return all, nil
}

// Workflow reads one workflow.
func (a *App) Workflow(ctx context.Context, org tenant.ID, id string) (workflow.Workflow, error) {
	all, err := a.readWorkflows(ctx, org)
	if err != nil {
		return workflow.Workflow{}, err
	}
	i := slices.IndexFunc(all, func(w workflow.Workflow) bool { return w.ID == id })
	if i < 0 {
		return workflow.Workflow{}, problem.NotFound(problem.CodeNotFound, "workflow not found")
	}
	return all[i], nil
}

func (a *App) readWorkflows(ctx context.Context, org tenant.ID) ([]workflow.Workflow, error) {
	item, err := a.organization(ctx, org)
	if err != nil {
		return nil, err
	}
	return workflowsOf(item)
}

// WorkflowList is a part of a list of workflows.
type WorkflowList struct {
	Workflows []workflow.Workflow
	Offset    int // of the first of them in the whole list
	Total     int
	Next      string // where to go on: Range.After of the next part, "" at the end
}

// Workflows lists workflows in the order in which their triggers are tried.
// Range.After is a workflow's id.
func (a *App) Workflows(ctx context.Context, org tenant.ID, r Range) (WorkflowList, error) {
	all, err := a.readWorkflows(ctx, org)
	if err != nil {
		return WorkflowList{}, err
	}
	all = workflow.InOrder(all)
	list := WorkflowList{Offset: r.Offset, Total: len(all)}
	if r.After != "" {
		i := slices.IndexFunc(all, func(w workflow.Workflow) bool { return w.ID == r.After })
		if i < 0 {
			return WorkflowList{}, errCursor()
		}
		list.Offset = i + 1
	}
	first := min(list.Offset, len(all))
	end := min(first+r.Limit, len(all))
	list.Workflows = all[first:end]
	if first < end && end < len(all) {
		list.Next = all[end-1].ID
	}
	return list, nil
}
