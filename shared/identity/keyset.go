package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

const (
	maxKeySet = 64 << 10 // bytes of JSON
	maxKeys   = 32
	// RFC 7518 §3.3 requires 2048 bits; beyond 4096 a check takes too long.
	minRSABits, maxRSABits = 2048, 4096
)

// source finds the issuer's keys by their id. An error is a problem of kind
// Unauthenticated for an unknown key, Unavailable while the keys cannot be had.
type source interface {
	find(ctx context.Context, id string, now time.Time) (verificationKey, error)
}

// verificationKey is a public key and the one algorithm it is used with.
type verificationKey struct {
	method jwt.SigningMethod
	public any // *rsa.PublicKey or *ecdsa.PublicKey
}

// keySet holds the issuer's keys by their id.
type keySet map[string]verificationKey

func (s keySet) find(_ context.Context, id string, _ time.Time) (verificationKey, error) {
	if key, ok := s[id]; ok {
		return key, nil
	}
	return verificationKey{}, invalid("the token is signed with an unknown key", nil)
}

// parseKeySet reads a JWK set. It leaves out keys that are too weak or made for
// other purposes or algorithms (RFC 7517 §5). It refuses a set that leaks a
// secret, gives two keys the same id, or has no key left.
func parseKeySet(raw []byte) (keySet, error) {
	if len(raw) > maxKeySet {
		return nil, fmt.Errorf("the key set has %d bytes, more than %d", len(raw), maxKeySet)
	}
	var document jwkset.JWKSMarshal
	if err := json.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("decode the key set: %w", err)
	}
	if len(document.Keys) > maxKeys {
		return nil, fmt.Errorf("the key set has %d keys, more than %d", len(document.Keys), maxKeys)
	}
	set := keySet{}
	for i, k := range document.Keys {
		if k.D != "" || k.K != "" {
			return nil, fmt.Errorf("key %d of the key set is not a public key", i)
		}
		key, ok := parseKey(k)
		if !ok {
			continue
		}
		if _, taken := set[k.KID]; taken {
			return nil, fmt.Errorf("key %d of the key set has the id of another", i)
		}
		set[k.KID] = key
	}
	if len(set) == 0 {
		return nil, errors.New("the key set has no key that can verify RS256 or ES256")
	}
	return set, nil
}

// parseKey returns the key of k and pins its algorithm. It reports false for a
// key that we do not use.
func parseKey(k jwkset.JWKMarshal) (verificationKey, bool) {
	if k.KID == "" || k.USE != "" && k.USE != jwkset.UseSig || len(k.KEYOPS) > 0 && !slices.Contains(k.KEYOPS, jwkset.KeyOpsVerify) {
		return verificationKey{}, false
	}
	parsed, err := jwkset.NewJWKFromMarshal(k, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return verificationKey{}, false
	}
	key := verificationKey{public: parsed.Key()}
	switch public := key.public.(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return verificationKey{}, false
		}
		key.method = jwt.SigningMethodRS256
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return verificationKey{}, false
		}
		key.method = jwt.SigningMethodES256
	default:
		return verificationKey{}, false
	}
	return key, k.ALG == "" || k.ALG.String() == key.method.Alg()
}
