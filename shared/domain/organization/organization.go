// Package organization holds the customer: an organisation, its kill switch and
// its workflows.
package organization

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/tenant"
)

// An Organization is a customer.
type Organization struct {
	ID         tenant.ID   `json:"id"`
	Name       string      `json:"name"`
	KillSwitch *KillSwitch `json:"kill_switch,omitzero"` // nil: off
	CreatedAt  time.Time   `json:"created_at"`

	// Workflows are decoded only where one is needed: a submission reads this record.
	Workflows jsontext.Value `json:"workflows,omitzero"`
}

// A KillSwitch stops every agent of an organisation while it is there.
type KillSwitch struct {
	Reason string    `json:"reason"`
	At     time.Time `json:"activated_at"`
	By     string    `json:"activated_by"`
}

// Stopped returns why the organisation's agents are stopped; "" when they are not.
func (o Organization) Stopped() string {
	switch {
	case o.KillSwitch == nil:
		return ""
	case o.KillSwitch.Reason == "":
		return "no reason was given"
	}
	return o.KillSwitch.Reason
}
