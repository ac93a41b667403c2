package identity

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// header holds the members of a JOSE header (RFC 7515 §4.1) that we read. An
// attacker can bring a key along in jwk, jku, x5u or x5c, so these are not read.
type header struct {
	Algorithm string         `json:"alg"`
	KeyID     string         `json:"kid"`
	Type      string         `json:"typ"`
	Critical  jsontext.Value `json:"crit"`
}

// verify checks the signature of a JWS in compact form (RFC 7515 §5.2) and
// returns its payload. jwt.Parser does not fit: it decodes the claims before it
// checks the signature, and accepts a header that names a member twice.
func verify(ctx context.Context, keys source, now time.Time, token string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, invalid("the token is too long", nil)
	}
	if !Looks(token) {
		return nil, invalid("the token does not have the form of a JWT", nil)
	}
	var decoded [3][]byte
	parts := strings.Split(token, ".")
	for i, part := range parts {
		var err error
		// Strict, so that each token has one text only.
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, invalid("the token cannot be decoded", err)
		}
	}
	var h header
	if err := json.Unmarshal(decoded[0], &h); err != nil {
		return nil, invalid("the token's header cannot be read", err)
	}
	switch {
	case h.Critical != nil: // RFC 7515 §4.1.11: refuse unknown extensions, and we know none
		return nil, invalid("the token's header has critical extensions", nil)
	case h.KeyID == "":
		return nil, invalid("the token's header names no key", nil)
	case h.Type != "" && !strings.EqualFold(h.Type, "JWT") && !strings.EqualFold(h.Type, "at+jwt"):
		// RFC 8725 §3.11: a token made for another purpose is no access token.
		return nil, invalid("the token's header has another type than JWT", nil)
	}
	key, err := keys.find(ctx, h.KeyID, now)
	if err != nil {
		return nil, err
	}
	if h.Algorithm != key.method.Alg() {
		return nil, invalid("the token is not signed with its key's algorithm", nil)
	}
	signed := strings.TrimSuffix(token, "."+parts[2])
	if err := key.method.Verify(signed, decoded[2], key.public); err != nil {
		return nil, invalid("the token's signature is not valid", err)
	}
	return decoded[1], nil
}
