// Package tenant identifies callers: the organisation, the person or machine
// that acts for it, and its role.
package tenant

import (
	"slices"
	"strconv"
)

// ID identifies an organisation. It is positive; the zero value is none.
type ID int64

// Valid reports whether id can name an organisation.
func (id ID) Valid() bool { return id > 0 }

// String returns the decimal form, which begins every key in the store.
func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// Role says what a person or key may do.
type Role string

// The documented roles, from most rights to least.
const (
	Admin   Role = "admin"
	Manager Role = "manager"
	User    Role = "user"
	Viewer  Role = "viewer"
)

// Known reports whether r is one of the documented roles. An unknown role has no rights.
func (r Role) Known() bool {
	return slices.Contains([]Role{Admin, Manager, User, Viewer}, r)
}

// Kind distinguishes people from machines.
type Kind string

const (
	// Person is a subject of the token issuer, known by a JWT or session cookie.
	Person Kind = "user"
	// Machine is an API key. It never decides for people.
	Machine Kind = "api_key"
)

// Principal is a confirmed caller. Every field comes from a verified
// credential, never from a request's body.
type Principal struct {
	Org     ID     `json:"organization_id"`
	Kind    Kind   `json:"kind"`
	Subject string `json:"subject"`          // the issuer's subject, or "key:<key id>"
	UserID  int64  `json:"user_id,omitzero"` // the person's integer id; for a key its creator's
	Email   string `json:"email,omitzero"`   // empty for a key
	Role    Role   `json:"role"`
	MFA     bool   `json:"mfa,omitzero"`    // the token carries a second factor (amr)
	Scopes  string `json:"scopes,omitzero"` // for a key: space-separated permissions beyond its role
}

// Name returns the principal's name in the audit trail and in fields such as
// created_by: the e-mail where it is known, else the subject.
func (p Principal) Name() string {
	if p.Email != "" {
		return p.Email
	}
	return p.Subject
}
