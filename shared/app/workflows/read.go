package workflows

import (
	"context"
	"slices"

	"ascend/shared/app/page"
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

// List returns the list of workflows in the order in which their triggers are tried.
func (s *Service) List(ctx context.Context, org tenant.ID) (page.List[workflow.Workflow], error) {
	all, err := s.all(ctx, org)
	if err != nil {
		return page.List[workflow.Workflow]{}, err
	}
	return page.List[workflow.Workflow]{
		Name: "workflows",
		Scan: page.Slice(workflow.InOrder(all), func(w workflow.Workflow) string { return w.ID }),
	}, nil
}
