// Package idempotency finds out which requests are the same command: by the
// caller's Idempotency-Key, else by the repeat rule of clients.md §2.10, which
// takes a request with the X-Correlation-ID and body of an earlier one for a
// retry of it.
package idempotency

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/endpoint/bind"
)

// How long the answer to a command is kept (decision 7).
const (
	keepKey     = 24 * time.Hour
	keepImplied = 10 * time.Minute
)

// The headers of idempotency, in their canonical form.
const (
	HeaderKey      = "Idempotency-Key"
	HeaderReplayed = "Idempotency-Replayed"
)

const maxKey = 255

// Request is what tells one command from another.
type Request struct {
	Operation string   // its id; alias paths of one operation share it
	Path      []string // values of the path's parameters
	Query     url.Values
	Body      []byte // as sent
	Header    http.Header
	// Repeats says that the operation creates or decides; of any other
	// operation every request is a command of its own.
	Repeats bool
	// Personal keys are the caller's own. Others are the organisation's: a
	// repeat by whoever of it asks for what was asked already. What approving
	// does depends on who does it, so one person's vote must not stand for
	// another's.
	Personal bool
}

// Identify sets the command's ID and, where something marks a repeat, its
// Repeat. It fails with a problem of kind Invalid when the key is malformed.
func Identify(c *command.Command, r Request) error {
	keys := r.Header.Values(HeaderKey)
	switch {
	case !r.Repeats || len(keys) == 0 && c.ClientCorrelationID == "":
		var id [16]byte
		rand.Read(id[:]) // never fails
		c.ID = hex.EncodeToString(id[:])
		return nil
	case len(keys) > 1 || len(keys) == 1 && !bind.Visible(keys[0], maxKey):
		return problem.InvalidFields(problem.Field{
			Pointer: "/header/" + HeaderKey, Detail: "Idempotency-Key must be 1-255 visible ASCII characters, given once",
		})
	case len(keys) == 1:
		scope := []string{"key", keys[0]}
		if r.Personal {
			scope = append(scope, c.Claim.Credential()) // the person, whichever token they hold
		}
		c.Repeat = &command.Repeat{Identity: identity(c, r, scope...), Digest: r.digest(), Keep: keepKey}
	default:
		digest := r.digest()
		c.Repeat = &command.Repeat{
			Identity: identity(c, r, "correlation", c.Claim.Credential(), c.ClientCorrelationID, digest),
			Digest:   digest, Keep: keepImplied, Implied: true,
		}
	}
	c.ID = c.Repeat.Identity[:32]
	return nil
}

// identity returns a hash of what makes two requests the same command. Each
// part is led by its length, so that no two lists of parts are the same bytes.
func identity(c *command.Command, r Request, scope ...string) string {
	b := make([]byte, 0, 512)
	part := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	part(c.Claim.Org().String())
	part(r.Operation)
	for _, value := range r.Path {
		part(value)
	}
	for _, s := range scope {
		part(s)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// digest returns a hash of the body and of the query in the order of its names,
// because a gateway may shuffle it.
func (r Request) digest() string {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(r.Body))))
	h.Write(r.Body)
	h.Write([]byte(r.Query.Encode()))
	return hex.EncodeToString(h.Sum(nil))
}
