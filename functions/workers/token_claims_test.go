package workers_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ascend/functions/workers"
	"ascend/shared/app"
	"ascend/shared/domain/tenant"
	"ascend/shared/identity"
)

// signIn is a PreTokenGeneration event, version 2, as Cognito sends it.
const signIn = `{
  "version": "2", "triggerSource": "TokenGeneration_Authentication", "region": "us-east-1", "userPoolId": "us-east-1_x",
  "userName": "u", "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "client"},
  "request": {
    "userAttributes": %s,
    "groupConfiguration": {"groupsToOverride": %s, "iamRolesToOverride": [], "preferredRole": null},
    "clientMetadata": {"organization_id": "666", "custom:organization_id": "666", "role": "admin"},
    "scopes": ["aws.cognito.signin.user.admin", "organization_id:666"]
  },
  "response": {"claimsAndScopeOverrideDetails": null}
}`

// claimsOf runs the trigger and returns the claims that the access token gets.
func claimsOf(t *testing.T, attributes, groups string, mfaRequired bool) map[string]any {
	t.Helper()
	a := app.New(nil, app.Options{MFARequired: mfaRequired})
	answer, err := workers.TokenClaims().Run(t.Context(), a, fmt.Appendf(nil, signIn, attributes, groups))
	if err != nil {
		t.Fatal(err)
	}
	var event struct {
		UserPoolID string `json:"userPoolId"`
		Response   struct {
			Details map[string]map[string]map[string]any `json:"claimsAndScopeOverrideDetails"`
		} `json:"response"`
	}
	if err := json.Unmarshal(answer, &event); err != nil {
		t.Fatal(err)
	}
	access := event.Response.Details["accessTokenGeneration"]
	if event.UserPoolID != "us-east-1_x" || len(event.Response.Details) != 1 || len(access) != 1 {
		t.Fatalf("the trigger changes more than the access token's claims: %s", answer)
	}
	return access["claimsToAddOrOverride"]
}

func TestAccessTokensNameWhoThePoolSays(t *testing.T) {
	const known = `{"sub": "s-1", "email": "m@example.com", "email_verified": "true", "custom:organization_id": "7"`
	for _, c := range []struct {
		name, attributes, groups string
		mfa                      bool
		want                     tenant.Principal // the zero one: the token is refused
	}{
		{
			"a manager", known + `}`, `["manager"]`, false,
			tenant.Principal{Org: 7, Email: "m@example.com", Role: tenant.Manager},
		},
		{
			"the most trusted of the groups", known + `}`, `["viewer", "people", "admin"]`, true,
			tenant.Principal{Org: 7, Email: "m@example.com", Role: tenant.Admin, MFA: true},
		},
		{
			"a federated user shows no second factor of ours", known + `, "identities": "[{}]"}`, `["manager"]`, true,
			tenant.Principal{Org: 7, Email: "m@example.com", Role: tenant.Manager},
		},
		{
			"an address that is not proven is none", `{"email": "m@example.com", "email_verified": "false", "custom:organization_id": "7"}`, `["user"]`, true,
			tenant.Principal{Org: 7, Role: tenant.User, MFA: true},
		},
		{
			"an address of which nothing is said is none", `{"email": "m@example.com", "custom:organization_id": "7"}`, `["user"]`, true,
			tenant.Principal{Org: 7, Role: tenant.User, MFA: true},
		},
		{
			"without a group there is no role", known + `}`, `[]`, true,
			tenant.Principal{Org: 7, Email: "m@example.com", MFA: true},
		},
		{
			"an unknown group is no role", known + `}`, `["Admin", "root"]`, true,
			tenant.Principal{Org: 7, Email: "m@example.com", MFA: true},
		},
		{"no organisation", `{"email": "m@example.com", "email_verified": "true"}`, `["admin"]`, true, tenant.Principal{}},
		{"an organisation of another form", `{"custom:organization_id": "07"}`, `["admin"]`, true, tenant.Principal{}},
		{"a negative organisation", `{"custom:organization_id": "-7"}`, `["admin"]`, true, tenant.Principal{}},
		{"an organisation too large", `{"custom:organization_id": "9007199254740992"}`, `["admin"]`, true, tenant.Principal{}},
		{"an attribute of a similar name", `{"organization_id": "7", "dev:custom:organization_id": "7"}`, `["admin"]`, true, tenant.Principal{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims := claimsOf(t, c.attributes, c.groups, c.mfa)
			got, err := verify(t, claims)
			if c.want == (tenant.Principal{}) {
				if err == nil {
					t.Fatalf("a token of %v is believed", claims)
				}
				if claims["organization_id"] != nil || claims["role"] != nil {
					t.Errorf("the claims are %v", claims)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c.want.Kind, c.want.Subject, c.want.UserID = tenant.Person, "s-1", got.UserID
			if got != c.want {
				t.Errorf("the token %v speaks for %+v, want %+v", claims, got, c.want)
			}
		})
	}
}

// verify reads an access token as Cognito makes it, with the trigger's claims,
// the way the service does.
func verify(t *testing.T, added map[string]any) (tenant.Principal, error) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x"
	now := time.Now()
	all := jwt.MapClaims{
		"iss": issuer, "sub": "s-1", "client_id": "client", "token_use": "access", "username": "u",
		"scope": "aws.cognito.signin.user.admin", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": "j",
	}
	for name, value := range added {
		if _, own := all[name]; own {
			t.Errorf("the trigger sets Cognito's own claim %q", name)
		}
		all[name] = value
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, all)
	token.Header["kid"] = "k"
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	base64url := base64.RawURLEncoding.EncodeToString
	v, err := identity.New(identity.Config{
		Issuer: issuer, Audience: "client", Environment: "prod",
		JWKS: fmt.Appendf(nil, `{"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"k","n":%q,"e":%q}]}`,
			base64url(key.N.Bytes()), base64url(big.NewInt(int64(key.E)).Bytes())),
	})
	if err != nil {
		t.Fatal(err)
	}
	return v.Verify(t.Context(), signed)
}
