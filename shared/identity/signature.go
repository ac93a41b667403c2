package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// header is what we read of a JOSE header (RFC 7515 §4.1). Its members jwk,
// jku, x5u and x5c are an attacker's way to bring a key along and are not read.
type header struct {
	Algorithm string         `json:"alg"`
	KeyID     string         `json:"kid"`
	Type      string         `json:"typ"`
	Critical  jsontext.Value `json:"crit"`
}

// verify checks the signature of a JWS in compact form (RFC 7515 §5.2) and
// returns its payload.
func verify(ctx context.Context, keys source, now time.Time, token string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, invalid("the token is too long", nil)
	}
	if !Looks(token) {
		return nil, invalid("the token does not have the form of a JWT", nil)
	}
	end := strings.LastIndexByte(token, '.')
	signed := token[:end]
	first, second, _ := strings.Cut(signed, ".")
	h, err := parseHeader(first)
	if err != nil {
		return nil, invalid("the token's header cannot be read", err)
	}
	payload, err := decodeSegment(second)
	if err != nil {
		return nil, invalid("the token cannot be decoded", err)
	}
	signature, err := decodeSegment(token[end+1:])
	if err != nil {
		return nil, invalid("the token cannot be decoded", err)
	}
	key, found, err := keys.find(ctx, h.KeyID, now)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, invalid("the token is signed with an unknown key", nil)
	case h.Algorithm != key.method.Alg():
		return nil, invalid("the token is not signed with its key's algorithm", nil)
	}
	if err := key.method.Verify(signed, signature, key.public); err != nil {
		return nil, invalid("the token's signature is not valid", err)
	}
	return payload, nil
}

func parseHeader(segment string) (header, error) {
	var h header
	text, err := decodeSegment(segment)
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, err
	}
	switch {
	case h.Critical != nil:
		// RFC 7515 §4.1.11: extensions that are not understood must be refused,
		// and we understand none.
		return h, errors.New("it has critical extensions")
	case h.KeyID == "":
		return h, errors.New("it names no key")
	case h.Type != "" && !strings.EqualFold(h.Type, "JWT") && !strings.EqualFold(h.Type, "at+jwt"):
		// RFC 8725 §3.11: a token made for something else is no access token.
		return h, errors.New("it is of another type")
	}
	return h, nil
}

// decodeSegment is strict, so that a token has one text only.
func decodeSegment(s string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(s)
}
