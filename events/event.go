// Package events is what the system says to the world: one Go type, JSON Schema
// and sample payload for each event. On EventBridge the source is "ascend", the
// detail-type the event's name, and the detail a CloudEvents 1.0 object.
//
// An event is a summary for whoever reacts to it: the record itself is read
// from the API. It holds no parameters of an action and no setting's value,
// and stays below MaxSize.
package events

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/audit"
)

// Source is what sends the events.
const Source = "ascend"

// MaxSize is more than any event has as JSON, in bytes: the texts of a record
// are bounded where they are taken. EventBridge takes 256 KB for certain.
const MaxSize = 200_000

// Event is a CloudEvents 1.0 object (CloudEvents specification v1.0.2, JSON format).
type Event struct {
	SpecVersion     string    `json:"specversion"` // "1.0"
	ID              string    `json:"id"`          // evt_…; the same each time the same event is sent
	Source          string    `json:"source"`      // "ascend"
	Type            string    `json:"type"`        // decision 33, such as "action.approved"
	Subject         string    `json:"subject"`     // such as "actions/4503599627370497"
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"` // "application/json"
	// Organization and Correlation are extension attributes.
	Organization int64  `json:"organizationid"`
	Correlation  string `json:"correlationid,omitzero"`
	Data         any    `json:"data"` // the Go type of the event, in the file of its family
}

// Data is the data of one kind of event; its Go type names the kind.
type Data interface{ EventType() string }

// New is the event that tells of what entry records. Its id, time and subject
// come from the entry, so that the same event made again is the same.
func New(entry audit.Entry, data Data) Event {
	return Event{
		SpecVersion: "1.0", ID: id(entry.ID, data.EventType()), Source: Source, Type: data.EventType(),
		Subject: subject(entry), Time: entry.At, DataContentType: "application/json",
		Organization: int64(entry.Org), Correlation: entry.CorrelationID, Data: data,
	}
}

// Encode is the event in the JSON format of CloudEvents.
func (e Event) Encode() ([]byte, error) { return json.Marshal(e, json.Deterministic(true)) }

// id is 128 bits of a hash of the audit entry and the event's name: one entry
// can be told in several events, each with an id of its own.
func id(audit, name string) string {
	sum := sha256.Sum256([]byte(audit + " " + name))
	return "evt_" + hex.EncodeToString(sum[:16])
}

// subject is the resource's place, as in the paths of the API.
func subject(entry audit.Entry) string {
	collection, known := map[string]string{"agent_action": "actions", "agent": "agents"}[entry.ResourceType]
	if !known {
		collection = entry.ResourceType
	}
	return collection + "/" + entry.ResourceID
}

// Actor is who did it.
type Actor struct {
	Type string `json:"type" enum:"user,api_key,system" doc:"A person, a machine's key, or the system itself, such as its clock."`
	ID   string `json:"id" doc:"The credential's subject, or system."`
	Name string `json:"name,omitzero" doc:"The person's e-mail where it is known, else the subject."`
}

// ActorOf is who made an audit entry.
func ActorOf(entry audit.Entry) Actor {
	return Actor{Type: string(entry.ActorType), ID: entry.Actor, Name: entry.ActorName}
}
