// Package tenant names who is asking: the organisation, the person or machine
// that acts for it, and what that person or machine may do.
package tenant

import (
	"slices"
	"strconv"
)

// ID is an organisation. It is a positive integer; the zero value names nobody.
type ID int64

// Valid reports whether id can name an organisation.
func (id ID) Valid() bool { return id > 0 }

// String is the decimal form, as it leads every key in the store.
func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// Role is what a person or key is trusted with, from most to least.
type Role string

// The documented roles.
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

// Kind tells a person from a machine.
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
	Role    Role   `json:"role"`             //
	MFA     bool   `json:"mfa,omitzero"`     // the token carries a second factor (amr)
	Owner   string `json:"owner,omitzero"`   // for a key: the subject of the person who created it
	Scopes  string `json:"scopes,omitzero"`  // for a key: space-separated permissions beyond its role
}

// Name is how the audit trail and `created_by` fields call the principal:
// a person's e-mail where known, else the subject.
func (p Principal) Name() string {
	if p.Email != "" {
		return p.Email
	}
	return p.Subject
}
