package app

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Organization is the record of a customer.
type Organization struct {
	ID         tenant.ID   `json:"id"`
	Name       string      `json:"name"`
	KillSwitch *KillSwitch `json:"kill_switch,omitzero"` // nil: off
	CreatedAt  time.Time   `json:"created_at"`

	// Workflows are decoded only where one is needed: a submission reads this record.
	Workflows jsontext.Value `json:"workflows,omitzero"`
}

// KillSwitch stops every agent of an organisation while it is there.
type KillSwitch struct {
	Reason string    `json:"reason"`
	At     time.Time `json:"activated_at"`
	By     string    `json:"activated_by"`
}

// Put is the write that stores a new organisation.
func (o Organization) Put() (store.Put, error) { return o.put(1) }

// put is the write that stores the organisation at a revision.
func (o Organization) put(revision int64) (store.Put, error) {
	body, err := encode(o)
	return store.Put{Item: store.Item{
		Key:   store.OrganizationKey(o.ID),
		Body:  body,
		Attrs: store.Attrs{store.AttrRev: store.N(revision)},
	}}, err
}

// killSwitch reads why an organisation is stopped; "" when it is not. An
// organisation without a record has nothing to stop.
func killSwitch(item *store.Item) (string, error) {
	if item == nil {
		return "", nil
	}
	o, err := decodeOrganization(item)
	if err != nil {
		return "", err
	}
	if o.KillSwitch == nil {
		return "", nil
	}
	if o.KillSwitch.Reason == "" {
		return "no reason was given", nil
	}
	return o.KillSwitch.Reason, nil
}

// organization reads an organisation's record; nil when it has none.
func (a *App) organization(ctx context.Context, org tenant.ID) (*store.Item, error) {
	items, err := a.Store.Get(ctx, store.OrganizationKey(org))
	if err != nil {
		return nil, problem.Unavailable("read the organisation", err)
	}
	return items[0], nil
}

// organizationToChange reads an organisation's record for a change of it, with
// the write that stores the changed one on condition that nobody else changed
// it. Records from before they had revisions get their first here: counting
// up is safe, because whoever writes on condition then reads again.
func (a *App) organizationToChange(ctx context.Context, c *Command) (Organization, func(Organization) (store.Put, error), error) {
	org := c.Principal.Org
	item, err := a.organization(ctx, org)
	if err == nil && item != nil && item.Attrs[store.AttrRev].Num() == 0 {
		_, err = a.Store.Write(ctx, store.Update{Key: item.Key, If: []store.Cond{store.Present()}, Add: map[string]int64{store.AttrRev: 1}})
		if err != nil {
			return Organization{}, nil, problem.Unavailable("number the organisation's record", err)
		}
		item, err = a.organization(ctx, org)
	}
	if err != nil {
		return Organization{}, nil, err
	}
	if item == nil {
		return Organization{ID: org, CreatedAt: c.At}, func(o Organization) (store.Put, error) {
			put, err := o.Put()
			put.If = []store.Cond{store.Absent()}
			return put, err
		}, nil
	}
	o, err := decodeOrganization(item)
	return o, func(o Organization) (store.Put, error) {
		revision := item.Attrs[store.AttrRev]
		put, err := o.put(revision.Num() + 1)
		put.If = []store.Cond{store.Equal(store.AttrRev, revision)}
		return put, err
	}, err
}

func decodeOrganization(item *store.Item) (o Organization, err error) {
	if err := json.Unmarshal(item.Body, &o); err != nil {
		return Organization{}, problem.Corrupt("the organisation", err)
	}
	return o, nil
}
