package endpoint

import (
	"net/http"
	"slices"
	"strings"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// Auth is who may call an operation. The set is closed, and an operation that
// declares none is not served. A missing or bad credential is answered 401; a
// good one without the right 403 (decision 36).
type Auth int

const (
	// Public needs no credential and reads none.
	Public Auth = iota + 1
	// Optional needs no credential, but refuses a bad one.
	Optional
	// KeyOrToken is anyone of the organisation.
	KeyOrToken
	// KeyOrTokenWrite is anyone but those of role viewer.
	KeyOrTokenWrite
	// KeyOrTokenAdmin is a person or key of role admin.
	KeyOrTokenAdmin
	// KeyAdminOrToken is a key of role admin or a person; where the method
	// changes state, a person of another role than viewer.
	KeyAdminOrToken
	// Token is a person; where the method changes state, of another role than viewer.
	Token
	// TokenAdmin is a person of role admin.
	TokenAdmin
	// TokenApprover is a person of role admin or manager who decides in their
	// own name: nobody else's Idempotency-Key answers for them.
	TokenApprover
)

var authNames = map[Auth]string{
	Public: "public", Optional: "optional", KeyOrToken: "key_or_token", KeyOrTokenWrite: "key_or_token_write",
	KeyOrTokenAdmin: "key_or_token_admin", KeyAdminOrToken: "key_admin_or_token",
	Token: "token", TokenAdmin: "token_admin", TokenApprover: "token_approver",
}

// String returns the class's name in the API description (x-ascend-auth).
func (a Auth) String() string { return authNames[a] }

// TakesKeys reports whether an API key can be enough.
func (a Auth) TakesKeys() bool {
	switch a {
	case Optional, KeyOrToken, KeyOrTokenWrite, KeyOrTokenAdmin, KeyAdminOrToken:
		return true
	}
	return false
}

// allow returns nil when the confirmed caller may call the operation, else a
// problem of kind Forbidden that says what is missing.
func (s *Spec) allow(p tenant.Principal) error {
	if s.Auth == Optional {
		return nil
	}
	if !p.Role.Known() {
		return problem.Forbidden("the credential has no known role")
	}
	machine := p.Kind != tenant.Person
	if machine && !s.Auth.TakesKeys() {
		if s.Auth == TokenApprover {
			return problem.Forbidden("an API key cannot approve or reject; a person of role admin or manager must sign in to decide")
		}
		return problem.Forbidden("an API key cannot do this; a person must sign in")
	}
	if machine && s.KeyScope != "" && !slices.Contains(strings.Fields(p.Scopes), s.KeyScope) {
		return problem.Forbidden("the API key needs the permission %s", s.KeyScope)
	}
	writes := s.Method != http.MethodGet
	switch s.Auth {
	case KeyOrToken:
		return nil
	case KeyOrTokenWrite:
		return notViewer(p)
	case KeyOrTokenAdmin, TokenAdmin:
		return needs(p, tenant.Admin)
	case KeyAdminOrToken:
		if machine {
			return needs(p, tenant.Admin)
		}
		if writes {
			return notViewer(p)
		}
		return nil
	case Token:
		if writes {
			return notViewer(p)
		}
		return nil
	case TokenApprover:
		return needs(p, tenant.Admin, tenant.Manager)
	}
	return problem.Forbidden("the operation declares no auth class")
}

func notViewer(p tenant.Principal) error {
	return needs(p, tenant.Admin, tenant.Manager, tenant.User)
}

func needs(p tenant.Principal, roles ...tenant.Role) error {
	names := make([]string, len(roles))
	for i, r := range roles {
		if r == p.Role {
			return nil
		}
		names[i] = string(r)
	}
	return problem.Forbidden("this needs the role %s; the credential has the role %s", strings.Join(names, " or "), p.Role)
}
