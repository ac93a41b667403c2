package workflows

import (
	"context"

	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/organization"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

// organizationToChange reads an organisation's record for a change of it, with
// the write that stores the changed one on condition that nobody else changed
// it. Records from before they had revisions get their first here: counting
// up is safe, because whoever writes on condition then reads again.
func (s *Service) organizationToChange(ctx context.Context, c *command.Command) (organization.Organization, func(organization.Organization) (store.Put, error), error) {
	org := c.Principal.Org
	item, err := record.ReadOrganization(ctx, s.Store, org)
	if err == nil && item != nil && item.Attrs[store.AttrRev].Num() == 0 {
		_, err = s.Store.Write(ctx, store.Update{Key: item.Key, If: []store.Cond{store.Present()}, Add: map[string]int64{store.AttrRev: 1}})
		if err != nil {
			return organization.Organization{}, nil, problem.Unavailable("number the organisation's record", err)
		}
		item, err = record.ReadOrganization(ctx, s.Store, org)
	}
	if err != nil {
		return organization.Organization{}, nil, err
	}
	if item == nil {
		return organization.Organization{ID: org, CreatedAt: c.At}, func(o organization.Organization) (store.Put, error) {
			put, err := record.PutOrganization(o, 1)
			put.If = []store.Cond{store.Absent()}
			return put, err
		}, nil
	}
	o, err := record.DecodeOrganization(item)
	return o, func(o organization.Organization) (store.Put, error) {
		revision := item.Attrs[store.AttrRev]
		put, err := record.PutOrganization(o, revision.Num()+1)
		put.If = []store.Cond{store.Equal(store.AttrRev, revision)}
		return put, err
	}, err
}
