// Package identity finds out who sends a request: it verifies tokens against
// the issuer's keys and decides which of a request's credentials counts.
//
// Tokens are JWTs (RFC 7519) in compact form, signed with RS256 or ES256
// (RFC 7518 §3.3, §3.4) by a key of the issuer's JWK set that the token names.
// The signature is checked before any claim is read. Nothing that a token says
// about how to check it is believed beyond its key id: a key signs with one
// algorithm, and embedded keys and key addresses are ignored.
package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// Local is the one environment that may trust the development issuer.
const Local = "local"

const (
	maxToken = 8 << 10          // bytes
	leeway   = 30 * time.Second // for nbf and iat, set by other clocks; none for exp
)

// Config says which tokens to trust. Issuer, Audience and one of JWKS and
// JWKSURL are required.
type Config struct {
	// Issuer and Audience are compared byte by byte with iss, and with aud or
	// (in a Cognito access token) client_id.
	Issuer, Audience string
	// JWKS is the issuer's key set as JSON (RFC 7517 §5).
	JWKS []byte
	// JWKSURL is where the issuer publishes its key set. It is fetched when a
	// token first needs it, then hourly while tokens arrive, and when a token
	// names an unknown key, at most once a minute. Only https, but for loopback
	// addresses in the local environment.
	JWKSURL string
	// Environment is the deployment's; every one but Local refuses the
	// development issuer.
	Environment string

	Now    func() time.Time // nil: time.Now
	Client *http.Client     // for JWKSURL; nil: one of our own
}

// Verifier verifies tokens of one issuer for one audience. It is safe for
// concurrent use and starts no goroutine. A nil Verifier trusts nobody.
type Verifier struct {
	issuer, audience string
	keys             source
	now              func() time.Time
}

// New makes a Verifier. It makes no call; an unusable configuration is an error.
func New(c Config) (*Verifier, error) {
	v := &Verifier{issuer: c.Issuer, audience: c.Audience, now: c.Now}
	if v.now == nil {
		v.now = time.Now
	}
	switch {
	case c.Issuer == "":
		return nil, errors.New("verify tokens: no issuer is configured")
	case c.Audience == "":
		return nil, errors.New("verify tokens: no audience is configured")
	case c.Environment != Local && strings.EqualFold(c.Issuer, DevelopmentIssuer):
		return nil, fmt.Errorf("verify tokens: environment %q must not trust the development issuer", c.Environment)
	case (len(c.JWKS) > 0) == (c.JWKSURL != ""):
		return nil, errors.New("verify tokens: configure a key set or its URL, and not both")
	}
	var err error
	if c.JWKSURL != "" {
		v.keys, err = newRemote(c.JWKSURL, c.Client, c.Environment == Local)
	} else {
		v.keys, err = parseKeySet(c.JWKS)
	}
	if err != nil {
		return nil, fmt.Errorf("verify tokens: %w", err)
	}
	return v, nil
}

// Verify gives the person that a token speaks for. It fails with a problem of
// kind Unauthenticated, INVALID_TOKEN or EXPIRED_TOKEN, whose detail holds
// nothing of the token, or Unavailable when the issuer's keys cannot be had.
func (v *Verifier) Verify(ctx context.Context, token string) (tenant.Principal, error) {
	if v == nil {
		return tenant.Principal{}, invalid("tokens are not accepted here", nil)
	}
	now := v.now()
	payload, err := verify(ctx, v.keys, now, token)
	if err != nil {
		return tenant.Principal{}, err
	}
	c, err := parseClaims(payload)
	if err != nil {
		return tenant.Principal{}, invalid("the token's claims cannot be read", err)
	}
	if err := c.check(v.issuer, v.audience, now); err != nil {
		return tenant.Principal{}, err
	}
	return c.principal()
}

// Looks reports whether s has the form of a JWT: three parts of base64url
// separated by dots, of which the first begins a JSON object. The signature may
// be missing, because a token that says it needs none is a token, and refused.
func Looks(s string) bool {
	if !strings.HasPrefix(s, "eyJ") {
		return false
	}
	dots := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			dots++
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '-', c == '_':
		default:
			return false
		}
	}
	return dots == 2
}

func invalid(detail string, cause error) error {
	return &problem.Error{Kind: problem.KindUnauthenticated, Code: problem.CodeInvalidToken, Detail: detail, Err: cause}
}
