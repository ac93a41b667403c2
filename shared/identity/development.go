package identity

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"ascend/shared/domain/tenant"
)

// The iss and aud of the development issuer's tokens.
const (
	DevelopmentIssuer   = "urn:ascend:development-issuer"
	DevelopmentAudience = "ascend-development"
)

const (
	developmentBits = 2048
	maxValid        = 30 * 24 * time.Hour // long, so that a developer need not enrol again every day
	pemType         = "PRIVATE KEY"
)

// DevIssuer signs tokens where there is no identity provider. Only verifiers of
// the local environment may trust it.
type DevIssuer struct {
	key *rsa.PrivateKey
	id  string
}

// NewDevIssuer returns an issuer with a new key. It takes about 100 ms.
func NewDevIssuer() (*DevIssuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, developmentBits)
	if err != nil {
		return nil, fmt.Errorf("create the development issuer: %w", err)
	}
	return newDevIssuer(key), nil
}

// LoadDevIssuer returns the issuer whose key Marshal wrote.
func LoadDevIssuer(text []byte) (*DevIssuer, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return nil, errors.New("load the development issuer: not a private key in PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("load the development issuer: %w", err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok || key.N.BitLen() != developmentBits {
		return nil, errors.New("load the development issuer: not an RSA key of 2048 bits")
	}
	return newDevIssuer(key), nil
}

func newDevIssuer(key *rsa.PrivateKey) *DevIssuer {
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	return &DevIssuer{key: key, id: "development-" + hex.EncodeToString(sum[:8])}
}

// Marshal returns the issuer's private key in PEM (PKCS #8). Keep it secret.
func (d *DevIssuer) Marshal() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(d.key)
	if err != nil {
		return nil, fmt.Errorf("marshal the development issuer: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// JWKS returns the issuer's public key set as JSON.
func (d *DevIssuer) JWKS() ([]byte, error) {
	key, err := jwkset.NewJWKFromKey(&d.key.PublicKey, jwkset.JWKOptions{
		Metadata: jwkset.JWKMetadataOptions{ALG: jwkset.AlgRS256, KID: d.id, USE: jwkset.UseSig},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the development issuer's key: %w", err)
	}
	return json.Marshal(jwkset.JWKSMarshal{Keys: []jwkset.JWKMarshal{key.Marshal()}})
}

// Verifier returns a verifier that trusts this issuer in the local environment.
// A nil now means time.Now.
func (d *DevIssuer) Verifier(now func() time.Time) (*Verifier, error) {
	set, err := d.JWKS()
	if err != nil {
		return nil, err
	}
	return New(Config{Issuer: DevelopmentIssuer, Audience: DevelopmentAudience, JWKS: set, Environment: Local, Now: now})
}

// Token returns a signed token that authenticates the person p from now on. It
// is valid for at most 30 days.
func (d *DevIssuer) Token(p tenant.Principal, valid time.Duration, now time.Time) (string, error) {
	switch {
	case p.Kind == tenant.Machine:
		return "", errors.New("issue a token: an API key needs none")
	case p.Subject == "":
		return "", errors.New("issue a token: the principal has no subject")
	case valid <= 0 || valid > maxValid:
		return "", fmt.Errorf("issue a token: it can be valid for up to %v, not %v", maxValid, valid)
	}
	c := jwt.MapClaims{
		"iss": DevelopmentIssuer, "aud": DevelopmentAudience, "sub": p.Subject,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(valid).Unix(),
		"organization_id": p.Org, "role": p.Role, "user_id": p.UserID, "email": p.Email, "email_verified": true,
	}
	if p.MFA {
		c["amr"] = []string{"pwd", "mfa"}
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	token.Header["kid"] = d.id
	text, err := token.SignedString(d.key)
	if err != nil {
		return "", fmt.Errorf("issue a token: %w", err)
	}
	return text, nil
}
