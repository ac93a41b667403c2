package workers

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"ascend/shared/app"
	"ascend/shared/domain/exact"
	"ascend/shared/domain/tenant"
	"ascend/shared/worker"
)

// TokenClaims adds organisation, role, e-mail and second factor to Cognito's
// access tokens (trigger PreTokenGeneration, version V2_0). Package identity
// reads them back.
//
// The organisation is a custom attribute that no app client may write, and
// roles are groups, which only administrators assign. Nothing that a caller
// sends along with a sign-in (client metadata, scopes) is looked at.
func TokenClaims() worker.Worker {
	return worker.Define(worker.Spec{
		ID: "token-claims", Summary: "Put organisation, role, e-mail and second factor into access tokens",
		Trigger: "PreTokenGeneration", Timeout: 4 * time.Second, // Cognito waits five
	}, tokenClaims)
}

// tokenAnswer is the event with what Cognito is to change. It holds no member
// that is empty: an empty list of groups would take a person's groups away.
type tokenAnswer struct {
	events.CognitoEventUserPoolsHeader
	Request  events.CognitoEventUserPoolsPreTokenGenRequestV2_0 `json:"request"`
	Response struct {
		Details struct {
			AccessToken struct {
				Claims accessClaims `json:"claimsToAddOrOverride"`
			} `json:"accessTokenGeneration"`
		} `json:"claimsAndScopeOverrideDetails"`
	} `json:"response"`
}

// accessClaims are the claims that an access token gets. Without an
// organisation and a role the service accepts no token.
type accessClaims struct {
	Email         string      `json:"email,omitzero"`
	EmailVerified bool        `json:"email_verified"`
	Org           tenant.ID   `json:"organization_id,omitzero"`
	Role          tenant.Role `json:"role,omitzero"`
	// Methods stands in for amr (RFC 8176), which Cognito lets no trigger set.
	Methods []string `json:"ascend:amr,omitzero"`
}

func tokenClaims(_ context.Context, a *app.App, in events.CognitoEventUserPoolsPreTokenGenV2_0) (tokenAnswer, error) {
	out := tokenAnswer{CognitoEventUserPoolsHeader: in.CognitoEventUserPoolsHeader, Request: in.Request}
	out.Response.Details.AccessToken.Claims = claimsFor(in.Request, a.MFARequired)
	return out, nil
}

func claimsFor(r events.CognitoEventUserPoolsPreTokenGenRequestV2_0, mfaRequired bool) accessClaims {
	c := accessClaims{Email: r.UserAttributes["email"], EmailVerified: r.UserAttributes["email_verified"] == "true"}
	if org, ok := organization(r.UserAttributes["custom:organization_id"]); ok {
		c.Org, c.Role = org, mostTrusted(r.GroupConfiguration.GroupsToOverride)
	}
	// A person of a federated issuer passed that issuer's sign-in, not ours.
	if _, federated := r.UserAttributes["identities"]; mfaRequired && !federated {
		c.Methods = []string{"mfa"}
	}
	return c
}

// organization reads the decimal form of a positive integer below 2^53, and no other form.
func organization(text string) (tenant.ID, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > exact.MaxInteger || strconv.FormatInt(n, 10) != text {
		return 0, false
	}
	return tenant.ID(n), true
}

// mostTrusted returns the first of the roles, from most to least, that is among a
// person's groups; "" when none is.
func mostTrusted(groups []string) tenant.Role {
	for _, role := range []tenant.Role{tenant.Admin, tenant.Manager, tenant.User, tenant.Viewer} {
		if slices.Contains(groups, string(role)) {
			return role
		}
	}
	return ""
}
