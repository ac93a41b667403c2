package command

import (
	"time"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Claim is a caller whose credential is genuine by its own cryptography. A
// token is confirmed by that; a key is confirmed only by its record, which may
// say revoked.
type Claim struct {
	principal tenant.Principal
	record    store.Key
	confirm   func(*store.Item, time.Time) (tenant.Principal, error)
	allow     func(tenant.Principal) error
}

// Confirmed returns the claim of a credential that needs no record.
func Confirmed(p tenant.Principal) Claim { return Claim{principal: p} }

// Unconfirmed returns the claim of a key of org that its record must confirm.
func Unconfirmed(org tenant.ID, record store.Key, confirm func(*store.Item, time.Time) (tenant.Principal, error)) Claim {
	return Claim{principal: tenant.Principal{Org: org}, record: record, confirm: confirm}
}

// Org returns the organisation that the credential was made for. It is genuine, so it
// may choose what to read, but nothing is answered before Confirm.
func (c Claim) Org() tenant.ID { return c.principal.Org }

// Record returns the key of the item that confirms the claim; ok is false when none is needed.
func (c Claim) Record() (key store.Key, ok bool) { return c.record, c.confirm != nil }

// Credential returns the name of the credential within its organisation before it is
// confirmed: a person's subject, or the key of the record that would confirm.
func (c Claim) Credential() string {
	if c.confirm != nil {
		return c.record.String()
	}
	return c.principal.Subject
}

// Requiring returns the same claim, whose Confirm also fails with the error of
// allow. The front end puts an operation's required rights on it so.
func (c Claim) Requiring(allow func(tenant.Principal) error) Claim {
	c.allow = allow
	return c
}

// Confirm returns the principal, or a problem of kind Unauthenticated, or one of
// kind Forbidden where Requiring refuses. The zero Claim is nobody.
func (c Claim) Confirm(record *store.Item, now time.Time) (tenant.Principal, error) {
	p := c.principal
	if c.confirm != nil {
		confirmed, err := c.confirm(record, now)
		if err != nil {
			return tenant.Principal{}, err
		}
		p = confirmed
	}
	if !p.Org.Valid() {
		return tenant.Principal{}, problem.Unauthenticated(problem.CodeMissingAuth, "authentication is required")
	}
	if c.allow != nil {
		if err := c.allow(p); err != nil {
			return tenant.Principal{}, err
		}
	}
	return p, nil
}
