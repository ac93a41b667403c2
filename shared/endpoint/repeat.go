package endpoint

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	"ascend/shared/app"
	"ascend/shared/domain/problem"
)

// How long a command is remembered (decision 7).
const (
	keepKey     = 24 * time.Hour
	keepImplied = 10 * time.Minute
)

const (
	headerKey         = "Idempotency-Key"
	headerReplayed    = "Idempotency-Replayed"
	headerCorrelation = "X-Correlation-Id"

	maxKey         = 255
	maxCorrelation = 128
)

// identify gives the command its id, and its repeat where something marks one:
// the caller's Idempotency-Key, else the repeat rule of clients.md §2.10.
//
// A key is the organisation's: whoever of it repeats a submission or a change of
// an agent asks for what was asked already. An approver's key is theirs alone,
// because what approving does depends on who does it: one person's vote must
// not stand for another's. That follows from the class TokenApprover, so that
// no operation of approvers can forget to say it.
func identify(c *app.Command, s *Spec, req *input) error {
	if !s.Repeats {
		c.ID = randomHex(16)
		return nil
	}
	keys := req.header.Values(headerKey)
	switch {
	case len(keys) > 1 || len(keys) == 1 && !visible(keys[0], maxKey):
		return badRequest{problem.InvalidFields(problem.Field{
			Pointer: "/header/" + headerKey, Detail: "Idempotency-Key must be 1-255 visible ASCII characters, given once",
		})}
	case len(keys) == 1:
		scope := []string{"key", keys[0]}
		if s.Auth == TokenApprover {
			scope = append(scope, c.Claim.Credential()) // the person, whichever token they hold
		}
		c.Repeat = &app.Repeat{Identity: identity(c, s, req, scope...), Digest: requestDigest(req), Keep: keepKey}
	case c.CallerID != "":
		digest := requestDigest(req)
		c.Repeat = &app.Repeat{
			Identity: identity(c, s, req, "correlation", c.Claim.Credential(), c.CallerID, digest),
			Digest:   digest, Keep: keepImplied, Implied: true,
		}
	default:
		c.ID = randomHex(16)
		return nil
	}
	c.ID = c.Repeat.Identity[:32]
	return nil
}

// identity hashes what makes two requests the same command. Parts are led by
// their length, so that no two lists of parts make the same bytes.
func identity(c *app.Command, s *Spec, req *input, parts ...string) string {
	b := make([]byte, 0, 512)
	b = appendPart(b, c.Claim.Org().String())
	b = appendPart(b, s.ID)
	for _, value := range req.path {
		b = appendPart(b, value)
	}
	for _, part := range parts {
		b = appendPart(b, part)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// requestDigest hashes the body as sent and the query in the order of its names,
// because a gateway may shuffle it.
func requestDigest(req *input) string {
	query := ""
	if len(req.query) > 0 {
		query = url.Values(req.query).Encode()
	}
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(req.body))))
	h.Write(req.body)
	h.Write([]byte(query))
	return hex.EncodeToString(h.Sum(nil))
}

func appendPart(b []byte, part string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
	return append(b, part...)
}

// visible reports whether s is 1 to most characters of visible ASCII.
func visible(s string, most int) bool {
	if len(s) < 1 || len(s) > most {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// callerID is the caller's X-Correlation-ID, "" when absent or malformed.
func callerID(h http.Header) string {
	if values := h[headerCorrelation]; len(values) == 1 && visible(values[0], maxCorrelation) {
		return values[0]
	}
	return ""
}

// correlationID makes our own: action_YYYYMMDD_HHMMSS_<8 hex> (decision 6).
func correlationID(at time.Time) string {
	b := append(make([]byte, 0, 40), "action_"...)
	b = at.AppendFormat(b, "20060102")
	b = append(b, '_')
	b = at.AppendFormat(b, "150405")
	b = append(b, '_')
	var random [4]byte
	rand.Read(random[:])
	return string(hex.AppendEncode(b, random[:]))
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
