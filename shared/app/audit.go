package app

import (
	"encoding/hex"

	"github.com/google/uuid"

	"ascend/shared/domain/audit"
)

// newRecordID makes an id such as aud_… or wf_…. It grows with time, also
// within one millisecond of one process (UUID version 7, RFC 9562 §5.7).
func newRecordID(prefix string) string {
	id := uuid.Must(uuid.NewV7()) // fails only without a source of randomness, where nothing may go on
	return prefix + hex.EncodeToString(id[:])
}

// entry is the audit body of what a command did.
func (c *Command) entry(event, action, resourceType, resourceID string, data map[string]any) audit.Entry {
	return audit.Entry{
		ID: newRecordID("aud_"), At: c.At, Event: event, Org: c.Principal.Org,
		Actor: c.Principal.Subject, ActorType: c.Principal.Kind, ActorName: c.Principal.Name(),
		ResourceType: resourceType, ResourceID: resourceID, Action: action, Outcome: audit.Success, Data: data,
		SourceIP: c.SourceIP, UserAgent: c.Client.UserAgent, CorrelationID: c.CorrelationID,
	}
}
