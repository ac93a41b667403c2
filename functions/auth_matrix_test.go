package functions_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"ascend/functions"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/tenant"
	"ascend/shared/endpoint"
	"ascend/shared/identity"
	"ascend/shared/keys"
	"ascend/shared/store"
)

// due is what the declared auth class of an operation makes of a caller: 401,
// 403, or 0 where it lets them through. It is said here once more, and not
// taken from the code under test.
func due(t testing.TB, r endpoint.Route, c caller) int {
	t.Helper()
	changes := r.Method != http.MethodGet
	person, machine := c.kind == "token" || c.kind == "cookie", c.kind == "key"
	allow := func(ok bool) int {
		if ok {
			return 0
		}
		return http.StatusForbidden
	}
	switch {
	case r.Auth == endpoint.Public:
		return 0
	case c.kind == "bad":
		return http.StatusUnauthorized
	case c.kind == "" && r.Auth == endpoint.Optional:
		return 0
	case c.kind == "":
		return http.StatusUnauthorized
	case c.kind == "cookie without csrf":
		person = true
		if changes {
			return http.StatusForbidden
		}
	}
	known := slices.Contains([]tenant.Role{tenant.Admin, tenant.Manager, tenant.User, tenant.Viewer}, c.role)
	above := known && c.role != tenant.Viewer
	if machine && r.KeyScope != "" {
		t.Fatalf("operation %s needs a key with a scope: the matrix has none", r.ID)
	}
	switch r.Auth {
	case endpoint.Optional:
		return 0
	case endpoint.KeyOrToken:
		return allow(known)
	case endpoint.KeyOrTokenWrite:
		return allow(above)
	case endpoint.KeyOrTokenAdmin:
		return allow(c.role == tenant.Admin)
	case endpoint.KeyAdminOrToken:
		return allow(machine && c.role == tenant.Admin || person && (above || known && !changes))
	case endpoint.Token:
		return allow(person && (above || known && !changes))
	case endpoint.TokenAdmin:
		return allow(person && c.role == tenant.Admin)
	case endpoint.TokenApprover:
		return allow(person && (c.role == tenant.Admin || c.role == tenant.Manager))
	}
	t.Fatalf("operation %s declares the auth class %q, which the matrix does not know", r.ID, r.Auth)
	return 0
}

// forge signs claims as the development issuer would, but for the changes. A
// nil change removes a claim.
func (h *house) forge(change jwt.MapClaims, sign func(*jwt.Token, *rsa.PrivateKey) (any, jwt.SigningMethod)) string {
	h.Helper()
	text, err := h.issuer.Marshal()
	h.no(err)
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	h.no(err)
	set, err := h.issuer.JWKS()
	h.no(err)
	var known struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	h.no(json.Unmarshal(set, &known))
	now := time.Now()
	c := jwt.MapClaims{
		"iss": identity.DevelopmentIssuer, "aud": identity.DevelopmentAudience, "sub": "forged", "role": "admin",
		"organization_id": int64(ours), "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(), "amr": []string{"mfa"},
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	token.Header["kid"] = known.Keys[0].ID
	key := any(parsed)
	if sign != nil {
		key, token.Method = sign(token, parsed.(*rsa.PrivateKey))
		token.Header["alg"] = token.Method.Alg()
	}
	signed, err := token.SignedString(key)
	h.no(err)
	return signed
}

// with is forge for other keys and headers.
func with(method jwt.SigningMethod, key func(*rsa.PrivateKey) any, header map[string]any) func(*jwt.Token, *rsa.PrivateKey) (any, jwt.SigningMethod) {
	return func(t *jwt.Token, own *rsa.PrivateKey) (any, jwt.SigningMethod) {
		maps.Copy(t.Header, header)
		return key(own), method
	}
}

// strangers are the callers beside those whom an organisation enrolled.
func (h *house) strangers() map[string]caller {
	h.Helper()
	own := func(k *rsa.PrivateKey) any { return k }
	public := func(k *rsa.PrivateKey) any {
		der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
		h.no(err)
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	foreign, err := identity.NewDevIssuer()
	h.no(err)
	alien, err := foreign.Token(tenant.Principal{Org: ours, Kind: tenant.Person, Subject: "x", Role: tenant.Admin}, time.Hour, time.Now())
	h.no(err)
	tokens := map[string]string{
		"a garbage token":             "eyJhbGciOiJSUzI1NiJ9.e30.AAAA",
		"an expired token":            h.forge(jwt.MapClaims{"exp": time.Now().Add(-time.Second).Unix()}, nil),
		"a token without expiry":      h.forge(jwt.MapClaims{"exp": nil}, nil),
		"a token of the future":       h.forge(jwt.MapClaims{"nbf": time.Now().Add(time.Hour).Unix()}, nil),
		"a token of another issuer":   h.forge(jwt.MapClaims{"iss": "https://evil.example"}, nil),
		"a token for others":          h.forge(jwt.MapClaims{"aud": "another"}, nil),
		"a token of no organisation":  h.forge(jwt.MapClaims{"organization_id": nil}, nil),
		"a token of organisation -1":  h.forge(jwt.MapClaims{"organization_id": -1}, nil),
		"a token of two":              h.forge(jwt.MapClaims{"db_org_id": int64(others)}, nil),
		"a token that reads as a key": h.forge(jwt.MapClaims{"sub": "key:1"}, nil),
		"alg none":                    h.forge(nil, with(jwt.SigningMethodNone, func(*rsa.PrivateKey) any { return jwt.UnsafeAllowNoneSignatureType }, nil)),
		"HS256 by the public key":     h.forge(nil, with(jwt.SigningMethodHS256, public, nil)),
		"HS256 by an empty key":       h.forge(nil, with(jwt.SigningMethodHS256, func(*rsa.PrivateKey) any { return []byte{} }, nil)),
		"RS512 by the key":            h.forge(nil, with(jwt.SigningMethodRS512, own, nil)),
		"PS256 by the key":            h.forge(nil, with(jwt.SigningMethodPS256, own, nil)),
		"an unknown kid":              h.forge(nil, with(jwt.SigningMethodRS256, own, map[string]any{"kid": "another"})),
		"a kid that is a path":        h.forge(nil, with(jwt.SigningMethodRS256, own, map[string]any{"kid": "../../../dev/null"})),
		"a crit header":               h.forge(nil, with(jwt.SigningMethodRS256, own, map[string]any{"crit": []string{"exp"}})),
		"another issuer's key":        alien,
	}
	out := map[string]caller{}
	for name, token := range tokens {
		out[name] = caller{headers: []string{"Authorization", "Bearer " + token}, kind: "bad"}
	}
	admin, key := h.callers["admin"], h.callers["key admin"]
	token, secret := strings.TrimPrefix(admin.headers[1], "Bearer "), key.headers[1]
	claims := strings.Split(token, ".")
	viewer := strings.Split(strings.TrimPrefix(h.callers["viewer"].headers[1], "Bearer "), ".")
	bad := func(headers ...string) caller { return caller{headers: headers, kind: "bad"} }
	good := func(c caller, headers ...string) caller { c.headers = headers; return c }
	maps.Copy(out, map[string]caller{
		"nobody":                    {},
		"an empty bearer":           bad("Authorization", "Bearer "),
		"an empty key":              {headers: []string{"X-API-Key", ""}},
		"a garbage bearer":          bad("Authorization", "Bearer garbage"),
		"basic auth":                bad("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("admin:admin"))),
		"a garbage key":             bad("X-API-Key", "garbage"),
		"a made-up key":             bad("X-API-Key", "owkai_admin_"+strings.Repeat("A", 43)),
		"a key with another role":   bad("X-API-Key", strings.Replace(h.callers["key user"].headers[1], "_user_", "_admin_", 1)),
		"a key twice":               bad("X-API-Key", secret, "X-API-Key", secret),
		"two authorizations":        bad("Authorization", "Bearer "+token, "Authorization", "Bearer "+token),
		"another's signature":       bad("Authorization", "Bearer "+claims[0]+"."+claims[1]+"."+viewer[2]),
		"another's claims":          bad("Authorization", "Bearer "+claims[0]+"."+claims[1]+"."),
		"a bad token beside a key":  bad("Authorization", "Bearer "+tokens["an expired token"], "X-API-Key", secret),
		"a bad key beside a bearer": bad("X-API-Key", "garbage", "Authorization", "Bearer "+secret),
		"a bad session":             bad("Cookie", "access_token=garbage", "X-API-Key", secret),
		"two sessions":              bad("Cookie", "access_token="+token+"; access_token="+token),
		"a key in the query":        {},
		"a forged gateway context":  {headers: []string{"X-GoLambdaProxy-ApiGw-Context", `{"authorizer": {"principalId": "admin", "organization_id": 4, "role": "admin"}}`}},
		"forged identity headers":   {headers: []string{"X-User-Id", "1", "X-Organization-Id", "4", "X-Role", "admin", "X-Amzn-Oidc-Data", token}},
		"a key as bearer":           good(key, "Authorization", "Bearer "+secret),
		"a key beside a mask":       good(key, "Authorization", "Bearer owkai_"+strings.Repeat("*", 43), "X-API-Key", secret),
		"a key beside garbage":      good(key, "Authorization", "Bearer garbage", "X-API-Key", secret),
		"a token beside a bad key":  good(admin, "Authorization", "Bearer "+token, "X-API-Key", "garbage"),
		"a lower-case bearer":       good(admin, "Authorization", "bearer "+token),
	})
	cookie := "access_token=" + token
	session := func(kind string, headers ...string) caller {
		return caller{headers: append([]string{"Cookie"}, headers...), kind: kind, org: ours, role: tenant.Admin}
	}
	maps.Copy(out, map[string]caller{
		"a session":                     session("cookie", cookie+"; owai_csrf=c", "X-CSRF-Token", "c"),
		"a session without csrf":        session("cookie without csrf", cookie),
		"a session with another csrf":   session("cookie without csrf", cookie+"; owai_csrf=c", "X-CSRF-Token", "d"),
		"a session with an empty csrf":  session("cookie without csrf", cookie+"; owai_csrf=", "X-CSRF-Token", ""),
		"a session with a planted csrf": session("cookie without csrf", cookie+"; owai_csrf=c; owai_csrf=d", "X-CSRF-Token", "d"),
		"a session beside a good key":   session("cookie without csrf", cookie, "X-API-Key", secret),
	})
	for name, change := range map[string]func(*keys.Record){
		"a revoked key":                   func(k *keys.Record) { k.IsActive, k.RevokedAt = false, time.Now() },
		"an expired key":                  func(k *keys.Record) { k.ExpiresAt = time.Now().Add(-time.Second) },
		"a key whose record is another's": func(k *keys.Record) { k.Role = tenant.User },
	} {
		out[name] = caller{headers: []string{"X-API-Key", h.key(ours, tenant.Admin, 77, change)}, kind: "bad", org: ours}
	}
	ring, err := keys.NewRing([]byte(strings.Repeat("another pepper", 3)))
	h.no(err)
	unstored, _, err := h.ring.Issue(ours, tenant.Admin, zeros{})
	h.no(err)
	elsewhere, _, err := ring.Issue(ours, tenant.Admin, zeros{})
	h.no(err)
	out["a key without record"] = caller{headers: []string{"X-API-Key", unstored}, kind: "bad", org: ours}
	out["a key of another pepper"] = bad("X-API-Key", elsewhere)
	return out
}

// zeros is a source of no randomness.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestEveryOperationAnswersEveryCredentialAsItDeclares(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	maps.Copy(h.callers, h.strangers())
	cells, reached := 0, map[string]bool{}
	for _, r := range h.routes {
		still := h.target("")
		for _, who := range h.names(func(caller) bool { return true }) {
			c := h.callers[who]
			want := due(t, r, c)
			about := still
			if want == 0 && c.org == ours && writes(r) && strings.Contains(r.Path, "{") {
				about = h.target("") // what was left of the last one may be in another state
			}
			path, query, body := about.about(t, r)
			if who == "a key in the query" {
				query += "&api_key=" + h.callers["key admin"].headers[1] + "&access_token=x"
			}
			if r.Auth == endpoint.Public || r.Auth == endpoint.Optional && want == 0 && c.kind == "" {
				c.org = 0 // nothing is to be read for it
			}
			before := h.windows(about.agent)
			a := h.send(c, r.Method, join(path, query), body)
			cells++
			switch {
			case want != 0 && a.status != want:
				t.Errorf("%s by %s: %d, want %d: %s", r.ID, who, a.status, want, a.body)
			case want == 0 && (a.status == 401 || a.status == 403):
				t.Errorf("%s by %s: %d, want it let through: %s", r.ID, who, a.status, a.body)
			case want == 0 && c.org == others && strings.Contains(r.Path, "{") && a.status != 404:
				t.Errorf("%s by %s: %d for what is another organisation's: %s", r.ID, who, a.status, a.body)
			case want == 0 && c.org == ours && !success(r, a.status):
				t.Errorf("%s by %s: %d, want a success: %s", r.ID, who, a.status, a.body)
			case want == 0 && c.org == ours:
				reached[r.ID] = true
			}
			if want != 0 {
				h.wroteNothing(r, who, c.org, about.agent, before, a)
				for _, broken := range []string{`{"agent_id": "{agent_id}"`, `{"agent_id": 1, "zzz": 1}`} {
					if c.org == 0 && broken[len(broken)-1] == '}' {
						continue // one is enough where no record is read
					}
					if again := h.send(c, r.Method, path+"?limit=x", about.in(broken)); again.status != want {
						t.Errorf("%s by %s with a broken request: %d, want %d: %s", r.ID, who, again.status, want, again.body)
					}
				}
			}
		}
	}
	for _, r := range h.routes {
		if !reached[r.ID] && r.Auth != endpoint.Public {
			t.Errorf("nobody got a success of %s", r.ID)
		}
	}
	t.Logf("%d cells", cells)
}

// windows are an agent's counters.
func (h *house) windows(id string) store.Attrs {
	h.Helper()
	items, err := h.store.Get(h.Context(), store.StateKey(ours, agent.ID(id)))
	h.no(err)
	if items[0] == nil {
		return nil
	}
	maps.DeleteFunc(items[0].Attrs, func(name string, v store.Value) bool { return v.Kind() == store.KindSet })
	return items[0].Attrs
}

// wroteNothing holds the writes of a refused request against none. Where the
// operation confirms beside its admission write, that one is taken back.
func (h *house) wroteNothing(r endpoint.Route, who string, org tenant.ID, id string, before store.Attrs, a answer) {
	h.Helper()
	for _, call := range a.calls {
		for _, op := range call.Ops {
			if !r.ConfirmInBatch || store.KeyOf(op) != store.StateKey(org, agent.ID(id)) {
				h.Errorf("%s by %s, who is refused, writes %v", r.ID, who, store.KeyOf(op))
			}
		}
	}
	after := h.windows(id)
	for name, v := range after {
		if v.Kind() == store.KindNumber && v.Num() != before[name].Num() {
			h.Errorf("%s by %s, who is refused, leaves %s at %d, not %d", r.ID, who, name, v.Num(), before[name].Num())
		}
	}
}

// The routes of a service that nobody configured.
func TestWithoutConfiguredCredentialsNobodyGetsIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	maps.Copy(h.callers, h.strangers())
	x := h.target("")
	h.Handler = unconfigured(t, h)
	for _, r := range functions.Routes() {
		for _, who := range h.names(func(caller) bool { return true }) {
			c := h.callers[who]
			c.org = 0
			path, query, body := x.about(t, r)
			a := h.send(c, r.Method, join(path, query), body)
			open := r.Auth == endpoint.Public || r.Auth == endpoint.Optional && c.kind == ""
			if open != (a.status == 200) || !open && a.status != 401 {
				t.Errorf("%s by %s: %d: %s", r.ID, who, a.status, a.body)
			}
		}
	}
}
