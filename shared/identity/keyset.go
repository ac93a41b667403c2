package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

const (
	maxKeySet = 64 << 10 // bytes of JSON
	maxKeys   = 32
	// RFC 7518 §3.3 requires 2048 bits; beyond 4096 a check takes too long.
	minRSABits, maxRSABits = 2048, 4096
)

// source gives the issuer's key of an id. An error says that the keys cannot
// be had now, a problem of kind Unavailable.
type source interface {
	find(ctx context.Context, id string, now time.Time) (key verificationKey, found bool, err error)
}

// verificationKey is a public key and the one algorithm it is used with.
type verificationKey struct {
	method jwt.SigningMethod
	public any // *rsa.PublicKey or *ecdsa.PublicKey
}

// keySet is the issuer's keys by their id.
type keySet map[string]verificationKey

func (s keySet) find(_ context.Context, id string, _ time.Time) (verificationKey, bool, error) {
	key, ok := s[id]
	return key, ok, nil
}

// jwk is what decides whether a key of the set is for us (RFC 7517 §4).
type jwk struct {
	ID         string         `json:"kid"`
	Type       string         `json:"kty"`
	Use        string         `json:"use"`
	Operations []string       `json:"key_ops"`
	Algorithm  string         `json:"alg"`
	Private    jsontext.Value `json:"d"`
	Secret     jsontext.Value `json:"k"`
}

// parseKeySet reads a JWK set. Keys for other purposes, of other algorithms or
// too weak are left out (RFC 7517 §5); a set that leaks a secret, names two keys
// alike, or leaves none is an error.
func parseKeySet(raw []byte) (keySet, error) {
	if len(raw) > maxKeySet {
		return nil, fmt.Errorf("the key set has %d bytes, more than %d", len(raw), maxKeySet)
	}
	var document struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("decode the key set: %w", err)
	}
	if len(document.Keys) > maxKeys {
		return nil, fmt.Errorf("the key set has %d keys, more than %d", len(document.Keys), maxKeys)
	}
	set := keySet{}
	for i, text := range document.Keys {
		var k jwk
		if err := json.Unmarshal(text, &k); err != nil {
			return nil, fmt.Errorf("decode key %d of the key set: %w", i, err)
		}
		if k.Private != nil || k.Secret != nil {
			return nil, fmt.Errorf("key %d of the key set is not a public key", i)
		}
		key, ok := k.parse(text)
		if !ok {
			continue
		}
		if _, taken := set[k.ID]; taken {
			return nil, fmt.Errorf("key %d of the key set has the id of another", i)
		}
		set[k.ID] = key
	}
	if len(set) == 0 {
		return nil, errors.New("the key set has no key that can verify RS256 or ES256")
	}
	return set, nil
}

// parse gives the key of a JWK text, if it is one that we use.
func (k jwk) parse(text []byte) (verificationKey, bool) {
	if k.ID == "" || (k.Use != "" && k.Use != "sig") || !k.verifies() {
		return verificationKey{}, false
	}
	parsed, err := keyfunc.NewJWKJSON(text)
	if err != nil {
		return verificationKey{}, false
	}
	all, err := parsed.VerificationKeySet(context.Background())
	if err != nil || len(all.Keys) != 1 {
		return verificationKey{}, false
	}
	var key verificationKey
	switch public := all.Keys[0].(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < minRSABits || bits > maxRSABits || public.E < 3 || public.E%2 == 0 {
			return verificationKey{}, false
		}
		key = verificationKey{jwt.SigningMethodRS256, public}
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return verificationKey{}, false
		}
		if _, err := public.ECDH(); err != nil { // not a point of the curve
			return verificationKey{}, false
		}
		key = verificationKey{jwt.SigningMethodES256, public}
	default:
		return verificationKey{}, false
	}
	return key, k.Algorithm == "" || k.Algorithm == key.method.Alg()
}

func (k jwk) verifies() bool {
	if len(k.Operations) == 0 {
		return true
	}
	for _, op := range k.Operations {
		if op == "verify" {
			return true
		}
	}
	return false
}
