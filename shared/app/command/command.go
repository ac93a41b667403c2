// Package command holds what every use case gets: who asks, when, and what makes a
// repeat the same command. It runs commands at most once and writes their audit entries.
package command

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"ascend/shared/domain/tenant"
)

// Command is one request as the use cases see it: who asks, when, and what
// makes a repeat of it the same command.
type Command struct {
	// Claim is the caller as their credential says; Principal is the caller
	// once confirmed. The front end confirms before it calls, but for those
	// operations that confirm in their own batch read.
	Claim     Claim
	Principal tenant.Principal

	// ID is unique to the command: the same for every repeat when Repeat is
	// set, else drawn at random. 16 bytes in hex.
	ID     string
	Repeat *Repeat // nil: nothing marks a repeat of this request

	At                  time.Time // when the request arrived, UTC
	CorrelationID       string    // ours, action_YYYYMMDD_HHMMSS_<8 hex>
	ClientCorrelationID string    // the caller's X-Correlation-ID, "" when none
	SourceIP            string
	Client              Client

	// Replayed is set by a use case that answered from memory.
	Replayed bool
}

// Client is what a request says of the program that sent it. It never decides
// anything; it only picks between the shapes of clients.md §3.
type Client struct {
	UserAgent  string
	SDKVersion string // X-SDK-Version
}

// Repeat identifies a command across requests (decision 7): by the caller's
// Idempotency-Key, or by the repeat rule of clients.md rule 10.
type Repeat struct {
	Identity string        // hash of the scope and the key, 32 bytes in hex
	Digest   string        // hash of the request's body and query, 32 bytes in hex
	Keep     time.Duration // 24 h for a key, 10 min for the repeat rule
	// Implied marks the repeat rule: the body is part of the identity, and
	// replays are not announced by a header.
	Implied bool
}

// Deliberate returns the command without the repeat rule, which would take a
// suspension that follows an activation for a repeat of the suspension before
// it when a client uses one X-Correlation-ID for all three. The commands that
// use it change nothing when repeated, so they need no memory; a caller's
// Idempotency-Key still gives them one.
func (c *Command) Deliberate() *Command {
	if c.Repeat == nil || !c.Repeat.Implied {
		return c
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	own := *c
	own.Repeat, own.ID = nil, hex.EncodeToString(id[:])
	return &own
}
