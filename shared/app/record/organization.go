package record

import (
	"context"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/organization"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
)

// PutOrganization returns the write that stores an organisation at a revision; a new
// one has revision 1.
func PutOrganization(o organization.Organization, revision int64) (store.Put, error) {
	body, err := Encode("encode the organisation", o)
	return store.Put{Item: store.Item{
		Key:   store.OrganizationKey(o.ID),
		Body:  body,
		Attrs: store.Attrs{store.AttrRev: store.N(revision)},
	}}, err
}

// ReadOrganization returns the item of an organisation; nil when it has none.
func ReadOrganization(ctx context.Context, s store.Store, org tenant.ID) (*store.Item, error) {
	items, err := s.Get(ctx, store.OrganizationKey(org))
	if err != nil {
		return nil, problem.Unavailable("read the organisation", err)
	}
	return items[0], nil
}

// DecodeOrganization returns the organisation that an item holds. One without an item
// has neither a kill switch nor workflows: the zero Organization.
func DecodeOrganization(item *store.Item) (o organization.Organization, err error) {
	if item == nil {
		return o, nil
	}
	if err := json.Unmarshal(item.Body, &o); err != nil {
		return organization.Organization{}, problem.Corrupt("the organisation", err)
	}
	return o, nil
}

// DecodeWorkflows returns an organisation's workflows, in the order in which they were made.
func DecodeWorkflows(o organization.Organization) (all []workflow.Workflow, err error) {
	if len(o.Workflows) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(o.Workflows, &all); err != nil {
		return nil, problem.Corrupt("the organisation's workflows", err)
	}
	return all, nil
}
