package identity

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/keys"
)

const (
	sessionCookie = "access_token"
	csrfCookie    = "owai_csrf"
	csrfHeader    = "X-CSRF-Token"
	keyHeader     = "X-API-Key"

	// In bytes. A browser sends many cookies.
	maxHeader  = len("Bearer ") + maxToken
	maxCookies = 16 << 10
	maxCSRF    = 256
)

// Credentials authenticates requests by token or API key. The zero value
// accepts none.
type Credentials struct {
	Tokens *Verifier
	Keys   *keys.Ring
}

// Claim returns who r claims to come from; it implements endpoint.Claimer. The
// first of these credentials that is present decides (decision 36), and its
// failure is the failure of the request:
//
//  1. the session cookie; a request that may change state must also repeat the
//     CSRF cookie in X-CSRF-Token
//  2. a bearer with the form of a JWT
//  3. X-API-Key; any other bearer beside it is ignored
//  4. a bearer with the form of an API key
//
// An empty header or cookie counts as absent. The error is a problem of kind
// Unauthenticated, Forbidden (CSRF_FAILED) or Unavailable. Its detail repeats
// nothing of a credential.
func (c Credentials) Claim(r *http.Request) (command.Claim, error) {
	given, err := read(r)
	if err != nil {
		return command.Claim{}, err
	}
	switch {
	case given.session != "":
		claim, err := c.token(r, given.session)
		if err != nil {
			return command.Claim{}, err
		}
		if changes(r.Method) && !repeatsCSRF(r) {
			return command.Claim{}, problem.New(problem.KindForbidden, problem.CodeCSRF,
				"a request with the session cookie must repeat the cookie %s in the header %s", csrfCookie, csrfHeader)
		}
		return claim, nil
	case Looks(given.bearer):
		return c.token(r, given.bearer)
	case given.key != "":
		return c.Keys.Claim(given.key)
	case keys.Looks(given.bearer):
		return c.Keys.Claim(given.bearer)
	case given.authorization != "":
		return command.Claim{}, invalid("the Authorization header holds neither a bearer token nor an API key", nil)
	}
	return command.Claim{}, problem.Unauthenticated(problem.CodeMissingAuth, "authentication is required")
}

func (c Credentials) token(r *http.Request, text string) (command.Claim, error) {
	p, err := c.Tokens.Verify(r.Context(), text)
	if err != nil {
		return command.Claim{}, err
	}
	return command.Confirmed(p), nil
}

// given holds a request's credentials as sent, each bounded and sent at most once.
type given struct{ session, authorization, bearer, key string }

func read(r *http.Request) (g given, err error) {
	if g.authorization, err = single(r.Header, "Authorization"); err != nil {
		return given{}, err
	}
	if g.key, err = single(r.Header, keyHeader); err != nil {
		return given{}, err
	}
	if scheme, rest, ok := strings.Cut(g.authorization, " "); ok && strings.EqualFold(scheme, "Bearer") {
		g.bearer = strings.TrimSpace(rest)
	}
	length := 0
	for _, line := range r.Header["Cookie"] {
		length += len(line)
	}
	if length > maxCookies {
		return given{}, ambiguous("the Cookie header is too long")
	}
	for i, cookie := range r.CookiesNamed(sessionCookie) {
		if i > 0 {
			return given{}, ambiguous("the cookie " + sessionCookie + " was sent more than once")
		}
		g.session = cookie.Value
	}
	return g, nil
}

// single returns the one value of a header, or "" when it is absent.
func single(h http.Header, name string) (string, error) {
	values := h.Values(name)
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", ambiguous("the header " + name + " was sent more than once")
	case len(values[0]) > maxHeader:
		return "", ambiguous("the header " + name + " is too long")
	}
	return strings.TrimSpace(values[0]), nil
}

// ambiguous returns the refusal of credentials that a proxy could read differently.
func ambiguous(detail string) error {
	return problem.Unauthenticated(problem.CodeAmbiguous, "%s", detail)
}

// changes reports whether a request of the method may change state: all but the
// safe methods of RFC 9110 §9.2.1.
func changes(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// repeatsCSRF reports whether r sends the CSRF cookie's value in the header as
// well. A second cookie may come from a neighbouring host, so it proves nothing.
func repeatsCSRF(r *http.Request) bool {
	cookies, headers := r.CookiesNamed(csrfCookie), r.Header.Values(csrfHeader)
	if len(cookies) != 1 || len(headers) != 1 {
		return false
	}
	want, got := cookies[0].Value, headers[0]
	return want != "" && len(got) <= maxCSRF && subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}
