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
	"ascend/functions/optest"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/tenant"
	"ascend/shared/endpoint"
	"ascend/shared/identity"
	"ascend/shared/keys"
	"ascend/shared/store"
)

// due returns how the declared auth class of an operation answers a caller: 401,
// 403, or 0 where it lets them through. It is said here once more, and not
// taken from the code under test.
func due(t testing.TB, r endpoint.Route, c optest.Caller) int {
	t.Helper()
	changes := r.Method != http.MethodGet
	person, machine := c.Kind == "token" || c.Kind == "cookie", c.Kind == "key"
	allow := func(ok bool) int {
		if ok {
			return 0
		}
		return http.StatusForbidden
	}
	switch {
	case r.Auth == endpoint.Public:
		return 0
	case c.Kind == "bad":
		return http.StatusUnauthorized
	case c.Kind == "" && r.Auth == endpoint.Optional:
		return 0
	case c.Kind == "":
		return http.StatusUnauthorized
	case c.Kind == "cookie without csrf":
		person = true
		if changes {
			return http.StatusForbidden
		}
	}
	known := slices.Contains([]tenant.Role{tenant.Admin, tenant.Manager, tenant.User, tenant.Viewer}, c.Role)
	above := known && c.Role != tenant.Viewer
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
		return allow(c.Role == tenant.Admin)
	case endpoint.KeyAdminOrToken:
		return allow(machine && c.Role == tenant.Admin || person && (above || known && !changes))
	case endpoint.Token:
		return allow(person && (above || known && !changes))
	case endpoint.TokenAdmin:
		return allow(person && c.Role == tenant.Admin)
	case endpoint.TokenApprover:
		return allow(person && (c.Role == tenant.Admin || c.Role == tenant.Manager))
	}
	t.Fatalf("operation %s declares the auth class %q, which the matrix does not know", r.ID, r.Auth)
	return 0
}

// forge signs claims as the development issuer would, but for the changes. A
// nil change removes a claim.
func (s *server) forge(change jwt.MapClaims, sign func(*jwt.Token, *rsa.PrivateKey) (any, jwt.SigningMethod)) string {
	s.Helper()
	text, err := s.Issuer.Marshal()
	s.OK(err)
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	s.OK(err)
	set, err := s.Issuer.JWKS()
	s.OK(err)
	var known struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	s.OK(json.Unmarshal(set, &known))
	now := time.Now()
	c := jwt.MapClaims{
		"iss": identity.DevelopmentIssuer, "aud": identity.DevelopmentAudience, "sub": "forged", "role": "admin",
		"organization_id": int64(ours), "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(), "amr": []string{"mfa"},
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	token.Header["kid"] = known.Keys[0].ID
	key := parsed
	if sign != nil {
		key, token.Method = sign(token, parsed.(*rsa.PrivateKey))
		token.Header["alg"] = token.Method.Alg()
	}
	signed, err := token.SignedString(key)
	s.OK(err)
	return signed
}

// with returns a signer for forge that uses another method, key and headers.
func with(method jwt.SigningMethod, key func(*rsa.PrivateKey) any, header map[string]any) func(*jwt.Token, *rsa.PrivateKey) (any, jwt.SigningMethod) {
	return func(t *jwt.Token, own *rsa.PrivateKey) (any, jwt.SigningMethod) {
		maps.Copy(t.Header, header)
		return key(own), method
	}
}

// strangers returns callers with credentials of every other kind, good and bad.
func (s *server) strangers() map[string]optest.Caller {
	s.Helper()
	own := func(k *rsa.PrivateKey) any { return k }
	public := func(k *rsa.PrivateKey) any {
		der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
		s.OK(err)
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	foreign, err := identity.NewDevIssuer()
	s.OK(err)
	alien, err := foreign.Token(tenant.Principal{Org: ours, Kind: tenant.Person, Subject: "x", Role: tenant.Admin}, time.Hour, time.Now())
	s.OK(err)
	tokens := map[string]string{
		"a garbage token":             "eyJhbGciOiJSUzI1NiJ9.e30.AAAA",
		"an expired token":            s.forge(jwt.MapClaims{"exp": time.Now().Add(-time.Second).Unix()}, nil),
		"a token without expiry":      s.forge(jwt.MapClaims{"exp": nil}, nil),
		"a token of the future":       s.forge(jwt.MapClaims{"nbf": time.Now().Add(time.Hour).Unix()}, nil),
		"a token of another issuer":   s.forge(jwt.MapClaims{"iss": "https://evil.example"}, nil),
		"a token for others":          s.forge(jwt.MapClaims{"aud": "another"}, nil),
		"a token of no organisation":  s.forge(jwt.MapClaims{"organization_id": nil}, nil),
		"a token of organisation -1":  s.forge(jwt.MapClaims{"organization_id": -1}, nil),
		"a token of two":              s.forge(jwt.MapClaims{"db_org_id": int64(others)}, nil),
		"a token that reads as a key": s.forge(jwt.MapClaims{"sub": "key:1"}, nil),
		"alg none":                    s.forge(nil, with(jwt.SigningMethodNone, func(*rsa.PrivateKey) any { return jwt.UnsafeAllowNoneSignatureType }, nil)),
		"HS256 by the public key":     s.forge(nil, with(jwt.SigningMethodHS256, public, nil)),
		"HS256 by an empty key":       s.forge(nil, with(jwt.SigningMethodHS256, func(*rsa.PrivateKey) any { return []byte{} }, nil)),
		"RS512 by the key":            s.forge(nil, with(jwt.SigningMethodRS512, own, nil)),
		"PS256 by the key":            s.forge(nil, with(jwt.SigningMethodPS256, own, nil)),
		"an unknown kid":              s.forge(nil, with(jwt.SigningMethodRS256, own, map[string]any{"kid": "another"})),
		"a kid that is a path":        s.forge(nil, with(jwt.SigningMethodRS256, own, map[string]any{"kid": "../../../dev/null"})),
		"a crit header":               s.forge(nil, with(jwt.SigningMethodRS256, own, map[string]any{"crit": []string{"exp"}})),
		"another issuer's key":        alien,
	}
	out := map[string]optest.Caller{}
	for name, token := range tokens {
		out[name] = optest.Caller{Headers: []string{"Authorization", "Bearer " + token}, Kind: "bad"}
	}
	admin, key := s.Callers["admin"], s.Callers["key admin"]
	token, secret := strings.TrimPrefix(admin.Headers[1], "Bearer "), key.Headers[1]
	claims := strings.Split(token, ".")
	viewer := strings.Split(strings.TrimPrefix(s.Callers["viewer"].Headers[1], "Bearer "), ".")
	bad := func(headers ...string) optest.Caller { return optest.Caller{Headers: headers, Kind: "bad"} }
	good := func(c optest.Caller, headers ...string) optest.Caller { c.Headers = headers; return c }
	maps.Copy(out, map[string]optest.Caller{
		"nobody":                    {},
		"an empty bearer":           bad("Authorization", "Bearer "),
		"an empty key":              {Headers: []string{"X-API-Key", ""}},
		"a garbage bearer":          bad("Authorization", "Bearer garbage"),
		"basic auth":                bad("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("admin:admin"))),
		"a garbage key":             bad("X-API-Key", "garbage"),
		"a made-up key":             bad("X-API-Key", "owkai_admin_"+strings.Repeat("A", 43)),
		"a key with another role":   bad("X-API-Key", strings.Replace(s.Callers["key user"].Headers[1], "_user_", "_admin_", 1)),
		"a key twice":               bad("X-API-Key", secret, "X-API-Key", secret),
		"two authorizations":        bad("Authorization", "Bearer "+token, "Authorization", "Bearer "+token),
		"another's signature":       bad("Authorization", "Bearer "+claims[0]+"."+claims[1]+"."+viewer[2]),
		"another's claims":          bad("Authorization", "Bearer "+claims[0]+"."+claims[1]+"."),
		"a bad token beside a key":  bad("Authorization", "Bearer "+tokens["an expired token"], "X-API-Key", secret),
		"a bad key beside a bearer": bad("X-API-Key", "garbage", "Authorization", "Bearer "+secret),
		"a bad session":             bad("Cookie", "access_token=garbage", "X-API-Key", secret),
		"two sessions":              bad("Cookie", "access_token="+token+"; access_token="+token),
		"a key in the query":        {},
		"a forged gateway context":  {Headers: []string{"X-GoLambdaProxy-ApiGw-Context", `{"authorizer": {"principalId": "admin", "organization_id": 4, "role": "admin"}}`}},
		"forged identity headers":   {Headers: []string{"X-User-Id", "1", "X-Organization-Id", "4", "X-Role", "admin", "X-Amzn-Oidc-Data", token}},
		"a key as bearer":           good(key, "Authorization", "Bearer "+secret),
		"a key beside a mask":       good(key, "Authorization", "Bearer owkai_"+strings.Repeat("*", 43), "X-API-Key", secret),
		"a key beside garbage":      good(key, "Authorization", "Bearer garbage", "X-API-Key", secret),
		"a token beside a bad key":  good(admin, "Authorization", "Bearer "+token, "X-API-Key", "garbage"),
		"a lower-case bearer":       good(admin, "Authorization", "bearer "+token),
	})
	cookie := "access_token=" + token
	session := func(kind string, headers ...string) optest.Caller {
		return optest.Caller{Headers: append([]string{"Cookie"}, headers...), Kind: kind, Org: ours, Role: tenant.Admin}
	}
	maps.Copy(out, map[string]optest.Caller{
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
		out[name] = optest.Caller{Headers: []string{"X-API-Key", s.Key(ours, tenant.Admin, 77, change)}, Kind: "bad", Org: ours}
	}
	ring, err := keys.NewRing([]byte(strings.Repeat("another pepper", 3)))
	s.OK(err)
	unstored, _, err := s.Ring.Issue(ours, tenant.Admin, zeros{})
	s.OK(err)
	elsewhere, _, err := ring.Issue(ours, tenant.Admin, zeros{})
	s.OK(err)
	out["a key without record"] = optest.Caller{Headers: []string{"X-API-Key", unstored}, Kind: "bad", Org: ours}
	out["a key of another pepper"] = bad("X-API-Key", elsewhere)
	return out
}

// zeros is a source of no randomness.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestEveryOperationAnswersEveryCredentialAsItDeclares(t *testing.T) {
	long(t)
	s := newServer(t)
	maps.Copy(s.Callers, s.strangers())
	cells, reached := 0, map[string]bool{}
	for _, r := range s.Routes {
		still := s.Target("")
		for _, who := range s.Names(everybody) {
			c := s.Callers[who]
			want := due(t, r, c)
			about := still
			if want == 0 && c.Org == ours && writes(r) && strings.Contains(r.Path, "{") {
				about = s.Target("") // what was left of the last one may be in another state
			}
			path, query, body := about.About(r)
			if who == "a key in the query" {
				query += "&api_key=" + s.Callers["key admin"].Headers[1] + "&access_token=x"
			}
			if r.Auth == endpoint.Public || r.Auth == endpoint.Optional && want == 0 && c.Kind == "" {
				c.Org = 0 // nothing is to be read for it
			}
			before := s.windows(about.ID("agent_id"))
			a := s.Send(c, r.Method, optest.Join(path, query), body)
			cells++
			switch {
			case want != 0 && a.Status != want:
				t.Errorf("%s, whose Auth is %s, by %s: answered %d, want %d: %s: %s", r.ID, r.Auth, who, a.Status, want, a.Request, a.Body)
			case want == 0 && (a.Status == 401 || a.Status == 403):
				t.Errorf("%s, whose Auth is %s, by %s: answered %d, want it let through: %s: %s", r.ID, r.Auth, who, a.Status, a.Request, a.Body)
			case want == 0 && c.Org == others && strings.Contains(r.Path, "{") && a.Status != 404:
				t.Errorf("%s by %s: answered %d, want 404 for what is another organisation's: %s: %s", r.ID, who, a.Status, a.Request, a.Body)
			case want == 0 && c.Org == ours && !success(r, a.Status):
				t.Errorf("%s by %s: answered %d, want a success, as its Example promises: %s: %s", r.ID, who, a.Status, a.Request, a.Body)
			case want == 0 && c.Org == ours:
				reached[r.ID] = true
			}
			if want != 0 {
				s.wroteNothing(r, who, c.Org, about.ID("agent_id"), before, a)
				for _, broken := range []string{`{"agent_id": "{agent_id}"`, `{"agent_id": 1, "zzz": 1}`} {
					if c.Org == 0 && broken[len(broken)-1] == '}' {
						continue // one is enough where no record is read
					}
					if again := s.Send(c, r.Method, path+"?limit=x", about.In(broken)); again.Status != want {
						t.Errorf("%s by %s with a broken request: %d, want %d: %s", r.ID, who, again.Status, want, again.Body)
					}
				}
			}
		}
	}
	for _, r := range s.Routes {
		if !reached[r.ID] && r.Auth != endpoint.Public {
			t.Errorf("nobody got a success of %s", r.ID)
		}
	}
	t.Logf("%d cells", cells)
}

// windows returns an agent's counters.
func (s *server) windows(id string) store.Attrs {
	s.Helper()
	items, err := s.Store.Get(s.Context(), store.StateKey(ours, agent.ID(id)))
	s.OK(err)
	if items[0] == nil {
		return nil
	}
	maps.DeleteFunc(items[0].Attrs, func(name string, v store.Value) bool { return v.Kind() == store.KindSet })
	return items[0].Attrs
}

// wroteNothing holds the writes of a refused request against none. Where the
// operation confirms beside its admission write, that one is taken back.
func (s *server) wroteNothing(r endpoint.Route, who string, org tenant.ID, id string, before store.Attrs, a optest.Answer) {
	s.Helper()
	for _, call := range a.Calls {
		for _, op := range call.Ops {
			if !r.ConfirmInBatch || store.KeyOf(op) != store.StateKey(org, agent.ID(id)) {
				s.Errorf("%s by %s, who is refused, writes %v", r.ID, who, store.KeyOf(op))
			}
		}
	}
	after := s.windows(id)
	for name, v := range after {
		if v.Kind() == store.KindNumber && v.Num() != before[name].Num() {
			s.Errorf("%s by %s, who is refused, leaves %s at %d, not %d", r.ID, who, name, v.Num(), before[name].Num())
		}
	}
}

// The routes of a service that nobody configured.
func TestWithoutConfiguredCredentialsNobodyGetsIn(t *testing.T) {
	long(t)
	s := newServer(t)
	maps.Copy(s.Callers, s.strangers())
	x := s.Target("")
	s.Serve(identity.Credentials{}) // without any keys to check credentials with
	for _, r := range functions.Routes() {
		for _, who := range s.Names(everybody) {
			c := s.Callers[who]
			c.Org = 0
			path, query, body := x.About(r)
			a := s.Send(c, r.Method, optest.Join(path, query), body)
			open := r.Auth == endpoint.Public || r.Auth == endpoint.Optional && c.Kind == ""
			if open != (a.Status == 200) || !open && a.Status != 401 {
				t.Errorf("%s by %s: %d: %s", r.ID, who, a.Status, a.Body)
			}
		}
	}
}
