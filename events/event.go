// Package events defines the events that are published: a Go type, a JSON Schema
// and a sample payload for each. On EventBridge the source is "ascend", the
// detail-type the event's name, and the detail a CloudEvents 1.0 object.
//
// An event is a summary; subscribers read the record itself from the API. It
// holds no parameters of an action and no setting's value, and stays below
// MaxSize.
package events

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/audit"
)

// Source is the CloudEvents source of every event.
const Source = "ascend"

// MaxSize is an upper bound of an event's size as JSON, in bytes: requests bound
// the texts of a record. EventBridge accepts at least 256 KB.
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

// Data is the data of an event. Each kind has a Go type of its own, which
// embeds Action, Agent or Workflow.
type Data interface{ isData() }

func (Action) isData()   {}
func (Agent) isData()    {}
func (Workflow) isData() {}

// New returns the event that announces what entry records. Its ID, time and
// subject come from the entry, so the event is the same each time it is made.
func New(entry audit.Entry, data Data) Event {
	name := nameOf(data)
	return Event{
		SpecVersion: "1.0", ID: ID(entry, name), Source: Source, Type: name,
		Subject: subject(entry), Time: entry.At, DataContentType: "application/json",
		Organization: int64(entry.Org), Correlation: entry.CorrelationID, Data: data,
	}
}

// Encode returns the event in the JSON format of CloudEvents.
func (e Event) Encode() ([]byte, error) { return json.Marshal(e, json.Deterministic(true)) }

// ID returns the id of the event of a name that announces entry: 128 bits of a
// hash of both, because one entry can be announced by several events.
func ID(entry audit.Entry, name string) string {
	sum := sha256.Sum256([]byte(entry.ID + " " + name))
	return "evt_" + hex.EncodeToString(sum[:16])
}

// subject returns the path of the resource in the API.
func subject(entry audit.Entry) string {
	collection, known := map[string]string{"agent_action": "actions", "agent": "agents"}[entry.ResourceType]
	if !known {
		collection = entry.ResourceType
	}
	return collection + "/" + entry.ResourceID
}

// Actor is who caused an event.
type Actor struct {
	Type string `json:"type" enum:"user,api_key,system" doc:"A person, a machine's key, or the system itself, such as its clock."`
	ID   string `json:"id" doc:"The credential's subject, or system."`
	Name string `json:"name,omitzero" doc:"The person's e-mail where it is known, else the subject."`
}

// ActorOf returns who made an audit entry.
func ActorOf(entry audit.Entry) Actor {
	return Actor{Type: string(entry.ActorType), ID: entry.Actor, Name: entry.ActorName}
}
