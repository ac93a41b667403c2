package command

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"ascend/shared/domain/action"
	"ascend/shared/domain/audit"
)

// NewRecordID returns a new id such as aud_… or wf_…. It grows with time, also
// within one millisecond of one process (UUID version 7, RFC 9562 §5.7).
func NewRecordID(prefix string) string {
	id := uuid.Must(uuid.NewV7()) // fails only without a source of randomness, where nothing may go on
	return prefix + hex.EncodeToString(id[:])
}

// Entry returns the audit entry of what a command did.
func (c *Command) Entry(event, action, resourceType, resourceID string, data audit.Data) audit.Entry {
	return audit.Entry{
		ID: NewRecordID("aud_"), At: c.At, Event: event, Org: c.Principal.Org,
		Actor: c.Principal.Subject, ActorType: c.Principal.Kind, ActorName: c.Principal.Name(),
		ResourceType: resourceType, ResourceID: resourceID, Action: action, Outcome: audit.Success, Data: data,
		SourceIP: c.SourceIP, UserAgent: c.Client.UserAgent, CorrelationID: c.CorrelationID,
	}
}

// ActionEntry returns the audit entry of a decision on an action, or of a move
// of one, for the reason of its status unless the move has one of its own.
func (c *Command) ActionEntry(act *action.Action, event, verb, reason string, move *audit.Move) audit.Entry {
	e := c.Entry(event, verb, "agent_action", act.ID.String(), &audit.ActionDecided{
		AgentID: act.Input.Proposal.AgentID, ActionType: act.Input.Proposal.ActionType, Status: act.Status,
		DecidedBy: act.DecidedBy(), Reason: cmp.Or(reason, act.Reason()), Digest: act.Digest, Move: move,
	})
	e.RiskLevel = act.Verdict.Risk.Level
	return e
}

// IDs draws the ids of actions and the integer ids of agents. The zero value is ready.
type IDs struct{ ids action.IDs }

// New returns an id for an instant.
func (g *IDs) New(at time.Time) action.ID {
	var low [1]byte
	_, _ = rand.Read(low[:]) // never fails (crypto/rand)
	return g.ids.Next(at, low[0])
}
