// Package identity authenticates the sender of a request: it decides which of
// the request's credentials counts, and verifies tokens against the issuer's keys.
//
// Tokens are JWTs (RFC 7519) in compact form, signed with RS256 or ES256
// (RFC 7518 §3.3, §3.4). The token names its key in the issuer's JWK set, and
// the key pins the algorithm; keys and addresses of keys in the token are
// ignored. The signature is checked before any claim is read.
package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// Local names the only environment that may trust the development issuer.
const Local = "local"

const (
	maxToken = 8 << 10          // bytes
	leeway   = 30 * time.Second // for nbf and iat, which another clock sets; none for exp
)

// Config says which tokens to trust. Issuer, Audience and either JWKS or
// JWKSURL are required.
type Config struct {
	// Issuer and Audience are compared byte by byte with iss, and with aud or
	// (in a Cognito access token) client_id.
	Issuer, Audience string
	// JWKS is the issuer's key set as JSON (RFC 7517 §5).
	JWKS []byte
	// JWKSURL is the address of the issuer's key set. The set is fetched when a
	// token first needs it, then hourly while tokens arrive, and at most once a
	// minute for unknown keys. The scheme is https; loopback addresses in the
	// local environment may have http.
	JWKSURL string
	// Environment names the deployment's environment. All but Local refuse the
	// development issuer.
	Environment string

	Now    func() time.Time // nil means time.Now
	Client *http.Client     // for JWKSURL; nil means a new client
}

// Verifier verifies tokens of one issuer for one audience. It is safe for
// concurrent use and starts no goroutine. A nil Verifier refuses every token.
type Verifier struct {
	issuer, audience string
	keys             source
	now              func() time.Time
}

// New returns a Verifier. It makes no network call.
func New(c Config) (*Verifier, error) {
	v := &Verifier{issuer: c.Issuer, audience: c.Audience, now: c.Now}
	if v.now == nil {
		v.now = time.Now
	}
	switch {
	case c.Issuer == "":
		return nil, errors.New("configure tokens: an issuer is required")
	case c.Audience == "":
		return nil, errors.New("configure tokens: an audience is required")
	case c.Environment != Local && strings.EqualFold(c.Issuer, DevelopmentIssuer):
		return nil, fmt.Errorf("configure tokens: only environment %q may trust the development issuer, not %q", Local, c.Environment)
	case (len(c.JWKS) > 0) == (c.JWKSURL != ""):
		return nil, errors.New("configure tokens: either a key set or its URL is required, not both")
	}
	var err error
	if c.JWKSURL != "" {
		v.keys, err = newRemote(c.JWKSURL, c.Client, c.Environment == Local)
	} else {
		v.keys, err = parseKeySet(c.JWKS)
	}
	if err != nil {
		return nil, fmt.Errorf("configure tokens: %w", err)
	}
	return v, nil
}

// Verify returns the person that a token authenticates. It fails with a problem
// of kind Unauthenticated (INVALID_TOKEN or EXPIRED_TOKEN), whose detail repeats
// nothing of the token, or Unavailable when the issuer's keys cannot be fetched.
func (v *Verifier) Verify(ctx context.Context, token string) (tenant.Principal, error) {
	if v == nil {
		return tenant.Principal{}, invalid("tokens are not accepted here", nil)
	}
	now := v.now()
	payload, err := verify(ctx, v.keys, now, token)
	if err != nil {
		return tenant.Principal{}, err
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return tenant.Principal{}, invalid("the token's claims cannot be read", err)
	}
	if err := c.check(v.issuer, v.audience, now); err != nil {
		return tenant.Principal{}, err
	}
	return c.principal()
}

// Looks reports whether s has the form of a JWT: three parts of base64url
// separated by dots, the first of which begins a JSON object. The signature may
// be empty, so that an unsigned token is refused as a token.
func Looks(s string) bool {
	return strings.HasPrefix(s, "eyJ") && strings.Count(s, ".") == 2 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	})
}

func invalid(detail string, cause error) error {
	return &problem.Error{Kind: problem.KindUnauthenticated, Code: problem.CodeInvalidToken, Detail: detail, Err: cause}
}
