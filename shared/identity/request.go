package identity

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"ascend/shared/app"
	"ascend/shared/domain/problem"
	"ascend/shared/keys"
)

const (
	sessionCookie = "access_token"
	csrfCookie    = "owai_csrf"
	csrfHeader    = "X-CSRF-Token"
	keyHeader     = "X-API-Key"

	// Bytes of a credential's header; a browser's cookies are many.
	maxHeader  = len("Bearer ") + maxToken
	maxCookies = 16 << 10
	maxCSRF    = 256
)

// Source is where the credential that counted came from.
type Source int

// The sources. A key counts as Key in whichever header it stood.
const (
	None   Source = iota // no credential, or none that is good
	Cookie               // the session cookie
	Bearer               // a token in the Authorization header
	Key                  // an API key
)

// String names the source, for logs.
func (s Source) String() string {
	switch s {
	case Cookie:
		return "cookie"
	case Bearer:
		return "bearer"
	case Key:
		return "key"
	}
	return "none"
}

// Credentials recognises the credentials of requests. The zero value accepts none.
type Credentials struct {
	Tokens *Verifier
	Keys   *keys.Ring
}

// Claim finds who sends r (decision 36). The first of these that is present
// decides, and its failure is the request's, whatever stands beside it:
//
//  1. the session cookie; a request that may change state must also repeat the
//     CSRF cookie in X-CSRF-Token;
//  2. a bearer with the form of a JWT;
//  3. X-API-Key, beside which any other bearer is ignored;
//  4. a bearer with the form of an API key.
//
// An empty header or cookie is absent. The error is a problem of kind
// Unauthenticated, Forbidden (CSRF_FAILED), or Unavailable. Nothing of a
// credential is in its detail.
func (c Credentials) Claim(r *http.Request) (app.Claim, Source, error) {
	given, err := read(r)
	if err != nil {
		return app.Claim{}, None, err
	}
	switch {
	case given.session != "":
		return c.token(r, given.session, Cookie)
	case Looks(given.bearer):
		return c.token(r, given.bearer, Bearer)
	case given.key != "":
		return c.key(given.key)
	case keys.Looks(given.bearer):
		return c.key(given.bearer)
	case given.authorization != "":
		return app.Claim{}, None, invalid("the Authorization header holds neither a bearer token nor an API key", nil)
	}
	return app.Claim{}, None, problem.Unauthenticated(problem.CodeMissingAuth, "authentication is required")
}

func (c Credentials) token(r *http.Request, text string, from Source) (app.Claim, Source, error) {
	p, err := c.Tokens.Verify(r.Context(), text)
	if err != nil {
		return app.Claim{}, None, err
	}
	if from == Cookie && changes(r.Method) && !repeatsCSRF(r) {
		return app.Claim{}, None, problem.New(problem.KindForbidden, problem.CodeCSRF,
			"a request with the session cookie must repeat the cookie %s in the header %s", csrfCookie, csrfHeader)
	}
	return app.Confirmed(p), from, nil
}

func (c Credentials) key(text string) (app.Claim, Source, error) {
	claim, err := c.Keys.Claim(text)
	if err != nil {
		return app.Claim{}, None, err
	}
	return claim, Key, nil
}

// given is a request's credentials as sent, each bounded and sent at most once.
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
	sessions := r.CookiesNamed(sessionCookie)
	switch len(sessions) {
	case 0:
	case 1:
		g.session = sessions[0].Value
	default:
		return given{}, ambiguous("the cookie " + sessionCookie + " was sent more than once")
	}
	return g, nil
}

// single is the one value of a header, "" when it is absent.
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

// ambiguous refuses credentials that two readers could read differently.
func ambiguous(detail string) error {
	return problem.Unauthenticated(problem.CodeAmbiguous, "%s", detail)
}

// changes reports whether a request of the method may change state: any but
// the safe ones of RFC 9110 §9.2.1.
func changes(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// repeatsCSRF compares the double-submitted value. A cookie sent twice was
// planted by a neighbouring host, so it proves nothing.
func repeatsCSRF(r *http.Request) bool {
	cookies, headers := r.CookiesNamed(csrfCookie), r.Header.Values(csrfHeader)
	if len(cookies) != 1 || len(headers) != 1 {
		return false
	}
	want, got := cookies[0].Value, headers[0]
	return want != "" && len(got) <= maxCSRF && subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}
