// Package audit defines what is kept of every decision and change. An Entry is
// written in the same write as the change it tells of, never after it; its
// place in the organisation's chain is given later by the sequencer.
package audit

import (
	"time"

	"ascend/shared/domain/tenant"
)

// Entry is the audit body of one change or decision.
type Entry struct {
	ID            string         `json:"id"` // aud_…, grows with time
	At            time.Time      `json:"timestamp"`
	Event         string         `json:"event_type"` // decisions.md decision 33
	Org           tenant.ID      `json:"organization_id"`
	Actor         string         `json:"actor_id"`   // the credential's subject, or "system"
	ActorType     tenant.Kind    `json:"actor_type"` // user, api_key or system
	ActorName     string         `json:"actor_name,omitzero"`
	ResourceType  string         `json:"resource_type"`
	ResourceID    string         `json:"resource_id"`
	Action        string         `json:"action"`
	Outcome       string         `json:"outcome"` // SUCCESS or FAILURE
	RiskLevel     string         `json:"risk_level,omitzero"`
	Data          map[string]any `json:"event_data,omitzero"`
	SourceIP      string         `json:"ip_address,omitzero"`
	UserAgent     string         `json:"user_agent,omitzero"`
	CorrelationID string         `json:"correlation_id,omitzero"`
}

// System is the actor of what nobody asked for, such as a deadline that passed.
const System tenant.Kind = "system"

// The outcomes of an entry.
const (
	Success = "SUCCESS"
	Failure = "FAILURE"
)
