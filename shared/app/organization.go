package app

import (
	"time"

	"github.com/go-json-experiment/json"

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
}

// KillSwitch stops every agent of an organisation while it is there.
type KillSwitch struct {
	Reason string    `json:"reason"`
	At     time.Time `json:"activated_at"`
	By     string    `json:"activated_by"`
}

// Put is the write that stores the organisation.
func (o Organization) Put() (store.Put, error) {
	body, err := json.Marshal(o)
	return store.Put{Item: store.Item{Key: store.OrganizationKey(o.ID), Body: body}}, err
}

// killSwitch reads why an organisation is stopped; "" when it is not. An
// organisation without a record has nothing to stop.
func killSwitch(item *store.Item) (string, error) {
	if item == nil {
		return "", nil
	}
	var o Organization
	if err := json.Unmarshal(item.Body, &o); err != nil {
		return "", problem.Down("decode the organisation", err)
	}
	if o.KillSwitch == nil {
		return "", nil
	}
	if o.KillSwitch.Reason == "" {
		return "no reason was given", nil
	}
	return o.KillSwitch.Reason, nil
}
