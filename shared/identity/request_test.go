package identity_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/identity"
	"ascend/shared/keys"
)

func newCredentials(t testing.TB) identity.Credentials {
	t.Helper()
	ring, err := keys.NewRing(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return identity.Credentials{Tokens: newVerifier(t), Keys: ring}
}

func issueKey(t testing.TB, c identity.Credentials, org tenant.ID) string {
	t.Helper()
	secret, _, err := c.Keys.Issue(org, tenant.User, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// send makes a request with headers, given as name, value, name, value.
func send(method string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "/api/v1/actions", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestTheFirstCredentialInOrderDecides(t *testing.T) {
	c := newCredentials(t)
	// Each credential is another organisation's, so that the answer tells which decided.
	cookie := "access_token=" + goodToken(t, jwt.MapClaims{"organization_id": 1})
	token := goodToken(t, jwt.MapClaims{"organization_id": 2})
	const keyOrg, bearerKeyOrg = 3, 4
	key, bearerKey := issueKey(t, c, keyOrg), issueKey(t, c, bearerKeyOrg)
	expired := goodToken(t, jwt.MapClaims{"exp": now.Add(-time.Hour).Unix()})
	forged := token[:len(token)-8] + "AAAAAAAA"
	none := sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, header{"kid": "rsa"}, goodClaims(nil))
	masked := "owkai_" + strings.Repeat("*", 43)
	badKey := strings.Replace(key, "owkai_user_", "owkai_admin_", 1)
	const cookies, auth, apiKey = "Cookie", "Authorization", "X-API-Key"
	tests := map[string]struct {
		headers []string
		org     tenant.ID
		code    string
	}{
		"a cookie alone":                     {[]string{cookies, cookie}, 1, ""},
		"a cookie among others":              {[]string{cookies, "a=b; " + cookie + "; c=d"}, 1, ""},
		"a token alone":                      {[]string{auth, "Bearer " + token}, 2, ""},
		"a token with the scheme lower-case": {[]string{auth, "bearer " + token}, 2, ""},
		"a token after two spaces":           {[]string{auth, "Bearer  " + token}, 2, ""},
		"a key alone":                        {[]string{apiKey, key}, 3, ""},
		"a key as bearer":                    {[]string{auth, "Bearer " + bearerKey}, 4, ""},

		"a cookie before a token":                 {[]string{cookies, cookie, auth, "Bearer " + token}, 1, ""},
		"a cookie before a key":                   {[]string{cookies, cookie, apiKey, key}, 1, ""},
		"a cookie before everything":              {[]string{cookies, cookie, auth, "Bearer " + token, apiKey, key}, 1, ""},
		"a cookie before a forged token":          {[]string{cookies, cookie, auth, "Bearer " + forged}, 1, ""},
		"a token before a key":                    {[]string{auth, "Bearer " + token, apiKey, key}, 2, ""},
		"a token before a bad key":                {[]string{auth, "Bearer " + token, apiKey, badKey}, 2, ""},
		"a key before another as bearer":          {[]string{apiKey, key, auth, "Bearer " + bearerKey}, 3, ""},
		"the same key twice, as SDK 2 sends it":   {[]string{apiKey, key, auth, "Bearer " + key}, 3, ""},
		"a key beside a masked bearer":            {[]string{apiKey, key, auth, "Bearer " + masked}, 3, ""},
		"a key beside a bearer of neither form":   {[]string{apiKey, key, auth, "Bearer gibberish"}, 3, ""},
		"a key beside an empty bearer":            {[]string{apiKey, key, auth, "Bearer "}, 3, ""},
		"a key beside another scheme":             {[]string{apiKey, key, auth, "Basic YTpi"}, 3, ""},
		"a key beside an encrypted token":         {[]string{apiKey, key, auth, "Bearer eyJh.b.c.d.e"}, 3, ""},
		"a key beside a forged bearer key":        {[]string{apiKey, key, auth, "Bearer " + badKey}, 3, ""},
		"a token beside an empty cookie":          {[]string{cookies, "access_token=", auth, "Bearer " + token}, 2, ""},
		"a bearer key beside an empty key header": {[]string{apiKey, "", auth, "Bearer " + bearerKey}, 4, ""},

		"a forged token before a key":           {[]string{auth, "Bearer " + forged, apiKey, key}, 0, problem.CodeInvalidToken},
		"an expired token before a key":         {[]string{auth, "Bearer " + expired, apiKey, key}, 0, problem.CodeExpiredToken},
		"alg none before a key":                 {[]string{auth, "Bearer " + none, apiKey, key}, 0, problem.CodeInvalidToken},
		"the mere form of a token before a key": {[]string{auth, "Bearer eyJ..", apiKey, key}, 0, problem.CodeInvalidToken},
		"a forged cookie before a token":        {[]string{cookies, cookie + "A", auth, "Bearer " + token}, 0, problem.CodeInvalidToken},
		"an expired cookie before a key":        {[]string{cookies, "access_token=" + expired, apiKey, key}, 0, problem.CodeExpiredToken},
		"a key in the cookie":                   {[]string{cookies, "access_token=" + key}, 0, problem.CodeInvalidToken},
		"a bad key before a good bearer key":    {[]string{apiKey, badKey, auth, "Bearer " + bearerKey}, 0, problem.CodeInvalidKey},
		"a bad key alone":                       {[]string{apiKey, badKey}, 0, problem.CodeInvalidKey},
		"a bad key as bearer":                   {[]string{auth, "Bearer " + badKey}, 0, problem.CodeInvalidKey},
		"a masked bearer alone":                 {[]string{auth, "Bearer " + masked}, 0, problem.CodeInvalidKey},
		"a masked bearer beside a bad key":      {[]string{apiKey, badKey, auth, "Bearer " + masked}, 0, problem.CodeInvalidKey},
		"a token in the key header":             {[]string{apiKey, token}, 0, problem.CodeInvalidKey},

		"nothing":                        {nil, 0, problem.CodeMissingAuth},
		"empty headers":                  {[]string{auth, "", apiKey, ""}, 0, problem.CodeMissingAuth},
		"other cookies":                  {[]string{cookies, "session=" + token}, 0, problem.CodeMissingAuth},
		"a bearer of neither form alone": {[]string{auth, "Bearer gibberish"}, 0, problem.CodeInvalidToken},
		"an empty bearer alone":          {[]string{auth, "Bearer"}, 0, problem.CodeInvalidToken},
		"a token without its scheme":     {[]string{auth, token}, 0, problem.CodeInvalidToken},
		"a token under another scheme":   {[]string{auth, "Basic " + token}, 0, problem.CodeInvalidToken},
		"two tokens in one header":       {[]string{auth, "Bearer " + token + ", Bearer " + token}, 0, problem.CodeInvalidToken},
		"two Authorization headers":      {[]string{auth, "Bearer " + token, auth, "Bearer " + token}, 0, problem.CodeAmbiguous},
		"two different ones":             {[]string{auth, "Bearer " + token, auth, "Bearer " + bearerKey, apiKey, key}, 0, problem.CodeAmbiguous},
		"two key headers":                {[]string{apiKey, key, apiKey, key}, 0, problem.CodeAmbiguous},
		"two key headers beside a token": {[]string{apiKey, key, apiKey, key, auth, "Bearer " + token}, 0, problem.CodeAmbiguous},
		"two session cookies":            {[]string{cookies, cookie + "; access_token=x"}, 0, problem.CodeAmbiguous},
		"two Cookie headers of sessions": {[]string{cookies, cookie, cookies, cookie}, 0, problem.CodeAmbiguous},
		"a very long bearer":             {[]string{auth, "Bearer eyJ." + strings.Repeat("a", 8<<10) + ".", apiKey, key}, 0, problem.CodeAmbiguous},
		"a very long key":                {[]string{apiKey, key + strings.Repeat("a", 8<<10)}, 0, problem.CodeAmbiguous},
		"very long cookies":              {[]string{cookies, "a=" + strings.Repeat("a", 16<<10) + "; " + cookie}, 0, problem.CodeAmbiguous},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			claim, err := c.Claim(send("GET", test.headers...))
			if claim.Org() != test.org {
				t.Errorf("a claim of organisation %v, want %v (%v)", claim.Org(), test.org, err)
			}
			if test.code == "" {
				isKey := test.org == keyOrg || test.org == bearerKeyOrg
				if _, needsRecord := claim.Record(); err != nil || needsRecord != isKey {
					t.Errorf("needs a record: %v, %v", needsRecord, err)
				}
				return
			}
			wantCode(t, err, problem.KindUnauthenticated, test.code)
			for _, secret := range []string{token, key, bearerKey, forged} {
				if strings.Contains(err.Error(), secret) {
					t.Error("the error repeats the credential")
				}
			}
		})
	}
}

func TestACookieThatMayChangeStateNeedsItsCSRFToken(t *testing.T) {
	c := newCredentials(t)
	session := "access_token=" + goodToken(t, nil)
	const cookies, csrf = "Cookie", "X-CSRF-Token"
	tests := map[string]struct {
		headers []string
		good    bool
	}{
		"equal":                     {[]string{cookies, session + "; owai_csrf=abc", csrf, "abc"}, true},
		"equal in two lines":        {[]string{cookies, session, cookies, "owai_csrf=abc", csrf, "abc"}, true},
		"neither":                   {[]string{cookies, session}, false},
		"only the cookie":           {[]string{cookies, session + "; owai_csrf=abc"}, false},
		"only the header":           {[]string{cookies, session, csrf, "abc"}, false},
		"another value":             {[]string{cookies, session + "; owai_csrf=abc", csrf, "abd"}, false},
		"another case":              {[]string{cookies, session + "; owai_csrf=abc", csrf, "ABC"}, false},
		"a longer value":            {[]string{cookies, session + "; owai_csrf=abc", csrf, "abcd"}, false},
		"both empty":                {[]string{cookies, session + "; owai_csrf=", csrf, ""}, false},
		"an empty header":           {[]string{cookies, session + "; owai_csrf=abc", csrf, ""}, false},
		"two headers, both equal":   {[]string{cookies, session + "; owai_csrf=abc", csrf, "abc", csrf, "abc"}, false},
		"two cookies, one equal":    {[]string{cookies, session + "; owai_csrf=abc; owai_csrf=x", csrf, "abc"}, false},
		"the cookie of a neighbour": {[]string{cookies, session + "; csrf=abc", csrf, "abc"}, false},
	}
	for name, test := range tests {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "QUERY"} {
			t.Run(name+" on "+method, func(t *testing.T) {
				claim, err := c.Claim(send(method, test.headers...))
				if test.good {
					if err != nil || claim.Org() != 42 {
						t.Errorf("got organisation %v, %v", claim.Org(), err)
					}
					return
				}
				wantCode(t, err, problem.KindForbidden, problem.CodeCSRF)
			})
		}
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			t.Run(name+" on "+method, func(t *testing.T) {
				if claim, err := c.Claim(send(method, test.headers...)); err != nil || claim.Org() != 42 {
					t.Errorf("got organisation %v, %v", claim.Org(), err)
				}
			})
		}
	}
}

func TestHeadersNeedNoCSRFToken(t *testing.T) {
	c := newCredentials(t)
	for name, r := range map[string]*http.Request{
		"token": send("POST", "Authorization", "Bearer "+goodToken(t, nil)),
		"key":   send("POST", "X-API-Key", issueKey(t, c, 3)),
	} {
		if _, err := c.Claim(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABadCookieIsABadCredentialBeforeItIsAForgedRequest(t *testing.T) {
	_, err := newCredentials(t).Claim(send("POST", "Cookie", "access_token=eyJh.b.c"))
	wantCode(t, err, problem.KindUnauthenticated, problem.CodeInvalidToken)
}

func TestWithoutConfigurationNobodyIsAccepted(t *testing.T) {
	c := newCredentials(t)
	var none identity.Credentials
	for _, r := range []*http.Request{
		send("GET"),
		send("GET", "Cookie", "access_token="+goodToken(t, nil)),
		send("GET", "Authorization", "Bearer "+goodToken(t, nil)),
		send("GET", "X-API-Key", issueKey(t, c, 3)),
		send("GET", "Authorization", "Bearer "+issueKey(t, c, 3)),
	} {
		if claim, err := none.Claim(r); err == nil || claim.Org() != 0 {
			t.Errorf("got organisation %v, %v", claim.Org(), err)
		}
	}
}

func FuzzRequestClaim(f *testing.F) {
	c := newCredentials(f)
	token := goodToken(f, nil)
	forged := sign(f, jwt.SigningMethodRS256, evilKey(), header{"kid": "rsa"}, goodClaims(nil))
	foreign, err := keys.NewRing(bytes.Repeat([]byte{2}, 32))
	if err != nil {
		f.Fatal(err)
	}
	key, _, err := foreign.Issue(3, tenant.Admin, rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("POST", "access_token="+forged+"; owai_csrf=a", "a", "Bearer "+forged, key)
	f.Add("GET", "", "", "Bearer "+key, "")
	f.Add("GET", "access_token=", "", "", token[:len(token)/2])
	f.Add("", ";;=;", "\x00", "bearer", "owkai_")
	f.Add("GET", "", "", "Bearer "+b64([]byte(`{"alg":"RS256","kid":"rsa","crit":null}`))+"."+b64([]byte(`{"exp":1e999}`))+".AAAA", "")
	f.Fuzz(func(t *testing.T, method, cookie, csrf, authorization, key string) {
		r := &http.Request{Method: method, Header: http.Header{
			"Cookie": {cookie}, "X-Csrf-Token": {csrf}, "Authorization": {authorization}, "X-Api-Key": {key},
		}}
		claim, err := c.Claim(r)
		if err == nil || claim.Org() != 0 {
			t.Fatalf("accepted for organisation %v", claim.Org())
		}
		if p := problem.As(err); p.Kind != problem.KindUnauthenticated && p.Kind != problem.KindForbidden {
			t.Fatalf("kind %d: %v", p.Kind, err)
		}
	})
}

func BenchmarkRequestClaim(b *testing.B) {
	c := newCredentials(b)
	key := issueKey(b, c, 3)
	for name, r := range map[string]*http.Request{
		"key twice": send("POST", "X-API-Key", key, "Authorization", "Bearer "+key),
		"token":     send("POST", "Authorization", "Bearer "+goodToken(b, nil)),
		"cookie":    send("POST", "Cookie", "access_token="+goodToken(b, nil)+"; owai_csrf=a", "X-CSRF-Token", "a"),
		"nothing":   send("POST"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Claim(r); (err == nil) == (name == "nothing") {
					b.Fatal(err)
				}
			}
		})
	}
}
