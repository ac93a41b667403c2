package identity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/identity"
)

const (
	issuer   = "https://issuer.example/pool"
	audience = "client-1"
)

var (
	now     = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	rsaKey  = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	evilKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rsaJWK(kid, more string, k *rsa.PublicKey) string {
	return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":%q%s}`, kid, b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes()), more)
}

func ecJWK(kid, more string, k *ecdsa.PublicKey) string {
	point := must(k.ECDH()).Bytes()
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":%q,"x":%q,"y":%q%s}`, kid, b64(point[1:33]), b64(point[33:]), more)
}

func jwks(keys ...string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

func keySet() []byte {
	return jwks(
		rsaJWK("rsa", `,"use":"sig","alg":"RS256"`, &rsaKey().PublicKey),
		ecJWK("ec", `,"use":"sig","alg":"ES256"`, &ecKey().PublicKey),
	)
}

func newVerifier(t testing.TB) *identity.Verifier {
	t.Helper()
	v, err := identity.New(identity.Config{
		Issuer: issuer, Audience: audience, JWKS: keySet(), Environment: "prod",
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// goodClaims with changes; a nil value removes the claim.
func goodClaims(changes jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": issuer, "aud": audience, "sub": "0b1c-alice", "email": "alice@example.com", "email_verified": true,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"organization_id": 42, "role": "manager",
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

type header map[string]any

func sign(t testing.TB, method jwt.SigningMethod, key any, h header, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	maps.Copy(token.Header, h)
	maps.DeleteFunc(token.Header, func(_ string, v any) bool { return v == nil })
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func goodToken(t testing.TB, changes jwt.MapClaims) string {
	t.Helper()
	return sign(t, jwt.SigningMethodRS256, rsaKey(), header{"kid": "rsa"}, goodClaims(changes))
}

func wantCode(t testing.TB, err error, kind problem.Kind, code string) {
	t.Helper()
	if err == nil {
		t.Fatalf("succeeded, want %s", code)
	}
	if p := problem.As(err); p.Kind != kind || p.Code != code {
		t.Fatalf("got kind %d code %q (%v), want kind %d %s", p.Kind, p.Code, err, kind, code)
	}
}

func TestAGoodTokenGivesItsPerson(t *testing.T) {
	v := newVerifier(t)
	rs := goodToken(t, nil)
	es := sign(t, jwt.SigningMethodES256, ecKey(), header{"kid": "ec"}, goodClaims(nil))
	for name, token := range map[string]string{"RS256": rs, "ES256": es} {
		t.Run(name, func(t *testing.T) {
			got, err := v.Verify(context.Background(), token)
			if err != nil {
				t.Fatal(err)
			}
			if got.UserID <= 0 || got.UserID >= 1<<48 {
				t.Errorf("user id %d", got.UserID)
			}
			got.UserID = 0
			want := tenant.Principal{Org: 42, Kind: tenant.Person, Subject: "0b1c-alice", Email: "alice@example.com", Role: tenant.Manager}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if !identity.Looks(token) {
				t.Error("does not look like a token")
			}
		})
	}
}

func TestATokenThatIsNotGenuineIsRefused(t *testing.T) {
	v := newVerifier(t)
	good := goodToken(t, nil)
	parts := strings.Split(good, ".")
	public := must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey))
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	kid := header{"kid": "rsa"}
	goodJSON := string(must(base64.RawURLEncoding.DecodeString(parts[1])))
	if _, err := v.Verify(context.Background(), signRaw(t, `{"alg":"RS256","kid":"rsa"}`, goodJSON)); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"empty":                               "",
		"garbage":                             "garbage",
		"only dots":                           "..",
		"no signature":                        parts[0] + "." + parts[1],
		"an empty signature":                  parts[0] + "." + parts[1] + ".",
		"a fourth part":                       good + ".x",
		"another token's signature":           parts[0] + "." + parts[1] + "." + strings.Split(goodToken(t, jwt.MapClaims{"role": "admin"}), ".")[2],
		"another token's claims":              parts[0] + "." + strings.Split(goodToken(t, jwt.MapClaims{"role": "admin"}), ".")[1] + "." + parts[2],
		"a newline inside the signature":      parts[0] + "." + parts[1] + "." + parts[2][:9] + "\n" + parts[2][9:],
		"padding":                             good + "==",
		"longer than 8 KiB":                   goodToken(t, jwt.MapClaims{"x": strings.Repeat("x", 8<<10)}),
		"alg none":                            sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, goodClaims(nil)),
		"alg none over a good signature":      b64([]byte(`{"alg":"none","kid":"rsa"}`)) + "." + parts[1] + "." + parts[2],
		"alg NONE":                            b64([]byte(`{"alg":"NONE","kid":"rsa"}`)) + "." + parts[1] + ".",
		"alg missing":                         b64([]byte(`{"kid":"rsa"}`)) + "." + parts[1] + "." + parts[2],
		"HS256 with the public key as PEM":    sign(t, jwt.SigningMethodHS256, publicPEM, kid, goodClaims(nil)),
		"HS256 with the public key as DER":    sign(t, jwt.SigningMethodHS256, public, kid, goodClaims(nil)),
		"HS256 with the public key's modulus": sign(t, jwt.SigningMethodHS256, rsaKey().N.Bytes(), kid, goodClaims(nil)),
		"HS256 with an empty secret":          sign(t, jwt.SigningMethodHS256, []byte{}, kid, goodClaims(nil)),
		"RS384 with the right key":            sign(t, jwt.SigningMethodRS384, rsaKey(), kid, goodClaims(nil)),
		"RS512 with the right key":            sign(t, jwt.SigningMethodRS512, rsaKey(), kid, goodClaims(nil)),
		"PS256 with the right key":            sign(t, jwt.SigningMethodPS256, rsaKey(), kid, goodClaims(nil)),
		"the other key's id":                  sign(t, jwt.SigningMethodRS256, rsaKey(), header{"kid": "ec"}, goodClaims(nil)),
		"ES256 with the RSA key's id":         sign(t, jwt.SigningMethodES256, ecKey(), kid, goodClaims(nil)),
		"a key of an attacker":                sign(t, jwt.SigningMethodRS256, evilKey(), kid, goodClaims(nil)),
		"a key the token brings along": sign(t, jwt.SigningMethodRS256, evilKey(),
			header{"kid": "rsa", "jwk": map[string]string{"kty": "RSA", "n": b64(evilKey().N.Bytes()), "e": "AQAB"}}, goodClaims(nil)),
		"a key address the token brings along": sign(t, jwt.SigningMethodRS256, evilKey(),
			header{"kid": "rsa", "jku": "https://evil.example/jwks.json"}, goodClaims(nil)),
		"an unknown kid":             sign(t, jwt.SigningMethodRS256, rsaKey(), header{"kid": "other"}, goodClaims(nil)),
		"a kid that climbs a path":   sign(t, jwt.SigningMethodRS256, rsaKey(), header{"kid": "../rsa"}, goodClaims(nil)),
		"a kid that is no text":      sign(t, jwt.SigningMethodRS256, rsaKey(), header{"kid": 1}, goodClaims(nil)),
		"no kid":                     sign(t, jwt.SigningMethodRS256, rsaKey(), nil, goodClaims(nil)),
		"an empty kid":               sign(t, jwt.SigningMethodRS256, rsaKey(), header{"kid": ""}, goodClaims(nil)),
		"a critical extension":       sign(t, jwt.SigningMethodRS256, rsaKey(), header{"kid": "rsa", "crit": []string{"exp"}}, goodClaims(nil)),
		"a token of another type":    sign(t, jwt.SigningMethodRS256, rsaKey(), header{"kid": "rsa", "typ": "logout+jwt"}, goodClaims(nil)),
		"alg none, yet well signed":  signRaw(t, `{"alg":"none","kid":"rsa"}`, goodJSON),
		"alg HS256, yet well signed": signRaw(t, `{"alg":"HS256","kid":"rsa"}`, goodJSON),
		"alg RS384, yet well signed": signRaw(t, `{"alg":"RS384","kid":"rsa"}`, goodJSON),
		"no alg, yet well signed":    signRaw(t, `{"kid":"rsa"}`, goodJSON),
		"a header with two algs":     signRaw(t, `{"alg":"RS256","alg":"RS256","kid":"rsa"}`, goodJSON),
		"a header that is no object": signRaw(t, `{"alg`, `{}`),
		"claims with two roles": signRaw(t, `{"alg":"RS256","kid":"rsa"}`, fmt.Sprintf(
			`{"iss":%q,"aud":%q,"sub":"a","exp":%d,"organization_id":42,"role":"user","role":"admin"}`, issuer, audience, now.Unix()+60)),
		"claims that are no object":     signRaw(t, `{"alg":"RS256","kid":"rsa"}`, `[]`),
		"claims that are null":          signRaw(t, `{"alg":"RS256","kid":"rsa"}`, `null`),
		"claims followed by more":       signRaw(t, `{"alg":"RS256","kid":"rsa"}`, `{} {}`),
		"claims with names upper-cased": signRaw(t, `{"alg":"RS256","kid":"rsa"}`, strings.ToUpper(fmt.Sprintf(`{"iss":%q,"exp":%d}`, issuer, now.Unix()+60))),
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := v.Verify(context.Background(), token)
			wantCode(t, err, problem.KindUnauthenticated, problem.CodeInvalidToken)
			if p != (tenant.Principal{}) {
				t.Errorf("a refused token has the principal %+v", p)
			}
			for part := range strings.SplitSeq(token, ".") {
				if len(part) > 8 && strings.Contains(problem.As(err).Detail, part) {
					t.Error("the detail repeats the token")
				}
			}
		})
	}
}

// signRaw signs header and claims as they are written.
func signRaw(t testing.TB, header, claims string) string {
	t.Helper()
	text := b64([]byte(header)) + "." + b64([]byte(claims))
	return text + "." + b64(must(jwt.SigningMethodRS256.Sign(text, rsaKey())))
}

func TestAnyOneCharacterOfATokenChangedMakesItInvalid(t *testing.T) {
	v := newVerifier(t)
	for name, token := range map[string]string{
		"RS256": goodToken(t, nil),
		"ES256": sign(t, jwt.SigningMethodES256, ecKey(), header{"kid": "ec"}, goodClaims(nil)),
	} {
		for i := range token {
			others := "AQgw_."
			if i == len(token)-1 {
				// Its last four bits are no part of the signature, and still must not vary.
				others = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			}
			for _, c := range others {
				if token[i] == byte(c) {
					continue
				}
				if _, err := v.Verify(context.Background(), token[:i]+string(c)+token[i+1:]); err == nil {
					t.Fatalf("%s: position %d changed to %q is still accepted", name, i, c)
				}
			}
		}
	}
}

func TestConfigurationsThatCouldTrustAnybodyAreRefused(t *testing.T) {
	set := keySet()
	dev := must(development().JWKS())
	weak := &must(rsa.GenerateKey(rand.Reader, 1024)).PublicKey
	p384 := `{"kty":"EC","crv":"P-384","kid":"p384","x":"` + strings.Repeat("A", 64) + `","y":"` + strings.Repeat("A", 64) + `"}`
	rsaPublic := &rsaKey().PublicKey
	tests := map[string]identity.Config{
		"nothing":                    {},
		"no issuer":                  {Audience: audience, JWKS: set},
		"no audience":                {Issuer: issuer, JWKS: set},
		"no keys":                    {Issuer: issuer, Audience: audience},
		"keys and their URL":         {Issuer: issuer, Audience: audience, JWKS: set, JWKSURL: "https://issuer.example/jwks"},
		"keys over http":             {Issuer: issuer, Audience: audience, JWKSURL: "http://issuer.example/jwks", Environment: "local"},
		"local keys over http":       {Issuer: issuer, Audience: audience, JWKSURL: "http://127.0.0.1/jwks", Environment: "prod"},
		"keys from a file":           {Issuer: issuer, Audience: audience, JWKSURL: "file:///etc/passwd", Environment: "local"},
		"keys from nowhere":          {Issuer: issuer, Audience: audience, JWKSURL: "https://"},
		"a password in the URL":      {Issuer: issuer, Audience: audience, JWKSURL: "https://a:b@issuer.example/jwks"},
		"the dev issuer in prod":     {Issuer: identity.DevelopmentIssuer, Audience: audience, JWKS: dev, Environment: "prod"},
		"the dev issuer in staging":  {Issuer: identity.DevelopmentIssuer, Audience: audience, JWKS: dev, Environment: "staging"},
		"the dev issuer in dev":      {Issuer: identity.DevelopmentIssuer, Audience: audience, JWKS: dev, Environment: "dev"},
		"the dev issuer in LOCAL":    {Issuer: identity.DevelopmentIssuer, Audience: audience, JWKS: dev, Environment: "LOCAL"},
		"the dev issuer anywhere":    {Issuer: identity.DevelopmentIssuer, Audience: audience, JWKS: dev},
		"the dev issuer upper-cased": {Issuer: strings.ToUpper(identity.DevelopmentIssuer), Audience: audience, JWKS: dev, Environment: "prod"},
		"no JSON":                    {Issuer: issuer, Audience: audience, JWKS: []byte("keys")},
		"an empty set":               {Issuer: issuer, Audience: audience, JWKS: jwks()},
		"too large a set":            {Issuer: issuer, Audience: audience, JWKS: []byte(strings.Repeat(" ", 64<<10) + string(set))},
		"too many keys":              {Issuer: issuer, Audience: audience, JWKS: jwks(strings.Split(strings.Repeat("{};", 32)+"{}", ";")...)},
		"two keys alike":             {Issuer: issuer, Audience: audience, JWKS: jwks(rsaJWK("a", "", rsaPublic), rsaJWK("a", "", rsaPublic))},
		"a private key":              {Issuer: issuer, Audience: audience, JWKS: jwks(rsaJWK("a", `,"d":"AQAB"`, rsaPublic), rsaJWK("b", "", rsaPublic))},
		"a symmetric key":            {Issuer: issuer, Audience: audience, JWKS: jwks(`{"kty":"oct","kid":"a","alg":"HS256","k":"AAAA"}`, rsaJWK("b", "", rsaPublic))},
		"only a weak key":            {Issuer: issuer, Audience: audience, JWKS: jwks(rsaJWK("a", "", weak))},
		"only a key of another use":  {Issuer: issuer, Audience: audience, JWKS: jwks(rsaJWK("a", `,"use":"enc"`, rsaPublic))},
		"only a signing operation":   {Issuer: issuer, Audience: audience, JWKS: jwks(rsaJWK("a", `,"key_ops":["sign"]`, rsaPublic))},
		"only another algorithm":     {Issuer: issuer, Audience: audience, JWKS: jwks(rsaJWK("a", `,"alg":"PS256"`, rsaPublic))},
		"only an HS256 RSA key":      {Issuer: issuer, Audience: audience, JWKS: jwks(rsaJWK("a", `,"alg":"HS256"`, rsaPublic))},
		"only a key without an id":   {Issuer: issuer, Audience: audience, JWKS: jwks(rsaJWK("", "", rsaPublic))},
		"only another curve":         {Issuer: issuer, Audience: audience, JWKS: jwks(p384)},
		"only a point off the curve": {Issuer: issuer, Audience: audience, JWKS: jwks(`{"kty":"EC","crv":"P-256","kid":"a","x":"` + b64(make([]byte, 32)) + `","y":"` + b64(make([]byte, 32)) + `"}`)},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := identity.New(c); err == nil {
				t.Error("is accepted")
			}
		})
	}
}

func TestKeysForOtherPurposesAreLeftOutOfASet(t *testing.T) {
	set := jwks(
		rsaJWK("enc", `,"use":"enc"`, &evilKey().PublicKey),
		`{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		`{"kty":"new","kid":"new"}`,
		rsaJWK("rsa", "", &rsaKey().PublicKey),
	)
	v, err := identity.New(identity.Config{Issuer: issuer, Audience: audience, JWKS: set, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(context.Background(), goodToken(t, nil)); err != nil {
		t.Error(err)
	}
	_, err = v.Verify(context.Background(), sign(t, jwt.SigningMethodRS256, evilKey(), header{"kid": "enc"}, goodClaims(nil)))
	wantCode(t, err, problem.KindUnauthenticated, problem.CodeInvalidToken)
}

func TestNoVerifierTrustsNobody(t *testing.T) {
	var v *identity.Verifier
	_, err := v.Verify(context.Background(), goodToken(t, nil))
	wantCode(t, err, problem.KindUnauthenticated, problem.CodeInvalidToken)
}

func TestLooksTellsTokensFromOtherTexts(t *testing.T) {
	for text, want := range map[string]bool{
		"eyJh.eyJi.c2ln": true, "eyJh.eyJi.": true, "eyJ..": true, "eyJh.x-_9.A": true,
		"": false, "eyJ": false, "eyJh.eyJi": false, "a.b.c": false, "eyJh.eyJi.c.d.e": false,
		"eyJh.eyJi.c2ln=": false, "eyJh.eyJi.c 2": false, " eyJh.eyJi.c": false, "eyJh.eyJi.c\n": false,
		"owkai_user_abc": false, "owkai_***": false, "EYJh.eyJi.c": false, "eyJh.eyJi.cé": false,
	} {
		if got := identity.Looks(text); got != want {
			t.Errorf("Looks(%q) = %v", text, got)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	v := newVerifier(b)
	for name, token := range map[string]string{
		"RS256":            goodToken(b, nil),
		"ES256":            sign(b, jwt.SigningMethodES256, ecKey(), header{"kid": "ec"}, goodClaims(nil)),
		"refuse a forgery": sign(b, jwt.SigningMethodRS256, evilKey(), header{"kid": "rsa"}, goodClaims(nil)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(context.Background(), token); (err == nil) == (name == "refuse a forgery") {
					b.Fatal(err)
				}
			}
		})
	}
}
