package workflows

import (
	"context"
	"slices"

	"ascend/shared/app/record"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
)

// Get returns one workflow.
func (s *Service) Get(ctx context.Context, org tenant.ID, id string) (workflow.Workflow, error) {
	all, err := s.all(ctx, org)
	if err != nil {
		return workflow.Workflow{}, err
	}
	i := slices.IndexFunc(all, func(w workflow.Workflow) bool { return w.ID == id })
	if i < 0 {
		return workflow.Workflow{}, problem.NotFound(problem.CodeNotFound, "workflow not found")
	}
	return all[i], nil
}

func (s *Service) all(ctx context.Context, org tenant.ID) ([]workflow.Workflow, error) {
	item, err := record.ReadOrganization(ctx, s.Store, org)
	if err != nil {
		return nil, err
	}
	o, err := record.DecodeOrganization(item)
	if err != nil {
		return nil, err
	}
	return record.DecodeWorkflows(o)
}

// Page is a part of a list of workflows.
type Page struct {
	Workflows []workflow.Workflow
	Offset    int // of the first of them in the whole list
	Total     int
	Next      string // where to go on: Range.After of the next part, "" at the end
}

// List returns workflows in the order in which their triggers are tried.
// Range.After is a workflow's id.
func (s *Service) List(ctx context.Context, org tenant.ID, r record.Range) (Page, error) {
	all, err := s.all(ctx, org)
	if err != nil {
		return Page{}, err
	}
	all = workflow.InOrder(all)
	list := Page{Offset: r.Offset, Total: len(all)}
	if r.After != "" {
		i := slices.IndexFunc(all, func(w workflow.Workflow) bool { return w.ID == r.After })
		if i < 0 {
			return Page{}, record.BadCursor()
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
