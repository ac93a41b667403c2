// Package audit defines the audit trail. An Entry is written in the same write
// as the change that it records, never after it; the sequencer gives it its
// place in the organisation's chain later.
package audit

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/tenant"
)

// Entry is the audit record of one change or decision.
type Entry struct {
	ID            string      `json:"id"` // aud_…, grows with time
	At            time.Time   `json:"timestamp"`
	Event         string      `json:"event_type"` // one of the Event constants
	Org           tenant.ID   `json:"organization_id"`
	Actor         string      `json:"actor_id"`   // the credential's subject, or "system"
	ActorType     tenant.Kind `json:"actor_type"` // user, api_key or system
	ActorName     string      `json:"actor_name,omitzero"`
	ResourceType  string      `json:"resource_type"`
	ResourceID    string      `json:"resource_id"`
	Action        string      `json:"action"`
	Outcome       string      `json:"outcome"` // SUCCESS or FAILURE
	RiskLevel     string      `json:"risk_level,omitzero"`
	Data          Data        `json:"event_data,omitzero"` // of the event's type
	SourceIP      string      `json:"ip_address,omitzero"`
	UserAgent     string      `json:"user_agent,omitzero"`
	CorrelationID string      `json:"correlation_id,omitzero"`
}

// UnmarshalJSONFrom reads an entry with the data of its event.
func (e *Entry) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	type plain Entry
	var read struct {
		plain
		Data jsontext.Value `json:"event_data"`
	}
	if err := json.UnmarshalDecode(d, &read); err != nil {
		return err
	}
	*e = Entry(read.plain)
	if read.Data == nil {
		return nil
	}
	data, err := newData(e.Event)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(read.Data, data); err != nil {
		return fmt.Errorf("audit: decode the data of entry %q: %w", e.ID, err)
	}
	e.Data = data
	return nil
}

// System is the actor of what nobody asked for, such as a deadline that passed.
const System tenant.Kind = "system"

// The outcomes of an entry.
const (
	Success = "SUCCESS"
	Failure = "FAILURE"
)
