package identity

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"ascend/shared/domain/tenant"
)

// What the development issuer's tokens say of themselves.
const (
	DevelopmentIssuer   = "urn:ascend:development-issuer"
	DevelopmentAudience = "ascend-development"
)

const (
	developmentBits = 2048
	maxValid        = 30 * 24 * time.Hour // longer than a real issuer allows, so that a local installation is not re-keyed daily
	pemType         = "PRIVATE KEY"
)

// DevIssuer signs tokens where no identity provider is at hand. Only verifiers
// of the local environment may trust it.
type DevIssuer struct {
	key *rsa.PrivateKey
	id  string
}

// NewDevIssuer makes an issuer with a new key, which takes some 100 ms.
func NewDevIssuer() (*DevIssuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, developmentBits)
	if err != nil {
		return nil, fmt.Errorf("make the development issuer: %w", err)
	}
	return newDevIssuer(key), nil
}

// LoadDevIssuer reads what Marshal wrote.
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

// Marshal is the issuer's private key in PEM (PKCS #8), to be kept secret.
func (d *DevIssuer) Marshal() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(d.key)
	if err != nil {
		return nil, fmt.Errorf("marshal the development issuer: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// JWKS is the issuer's public key set as JSON.
func (d *DevIssuer) JWKS() ([]byte, error) {
	type key struct {
		Type      string `json:"kty"`
		Use       string `json:"use"`
		Algorithm string `json:"alg"`
		ID        string `json:"kid"`
		Modulus   string `json:"n"`
		Exponent  string `json:"e"`
	}
	return json.Marshal(struct {
		Keys []key `json:"keys"`
	}{[]key{{
		Type: "RSA", Use: "sig", Algorithm: jwt.SigningMethodRS256.Alg(), ID: d.id,
		Modulus:  base64.RawURLEncoding.EncodeToString(d.key.N.Bytes()),
		Exponent: base64.RawURLEncoding.EncodeToString(big.NewInt(int64(d.key.E)).Bytes()),
	}}})
}

// Verifier trusts this issuer, in the local environment. A nil now is time.Now.
func (d *DevIssuer) Verifier(now func() time.Time) (*Verifier, error) {
	set, err := d.JWKS()
	if err != nil {
		return nil, err
	}
	return New(Config{Issuer: DevelopmentIssuer, Audience: DevelopmentAudience, JWKS: set, Environment: Local, Now: now})
}

// Token signs a token that speaks for the person p from now on, for at most
// 24 hours.
func (d *DevIssuer) Token(p tenant.Principal, valid time.Duration, now time.Time) (string, error) {
	switch {
	case p.Kind == tenant.Machine:
		return "", errors.New("issue a token: an API key has none")
	case p.Subject == "":
		return "", errors.New("issue a token: for nobody")
	case valid <= 0 || valid > maxValid:
		return "", fmt.Errorf("issue a token: valid for %v, not up to %v", valid, maxValid)
	}
	c := jwt.MapClaims{
		"iss": DevelopmentIssuer, "aud": DevelopmentAudience, "sub": p.Subject,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(valid).Unix(),
	}
	if p.Org.Valid() {
		c["organization_id"] = int64(p.Org)
	}
	if p.Role != "" {
		c["role"] = string(p.Role)
	}
	if p.UserID > 0 {
		c["user_id"] = p.UserID
	}
	if p.Email != "" {
		c["email"], c["email_verified"] = p.Email, true
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
