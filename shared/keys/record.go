package keys

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Record holds what we store about a key (facts.md §2.3), never the key itself.
type Record struct {
	ID             int64       `json:"id"`
	Name           string      `json:"name"`
	Description    string      `json:"description,omitzero"`
	KeyPrefix      string      `json:"key_prefix"` // the first 20 characters, see Prefix
	Role           tenant.Role `json:"role"`
	OrganizationID tenant.ID   `json:"organization_id"`
	Owner          string      `json:"owner"`   // the subject of the person who created it
	UserID         int64       `json:"user_id"` // that person's integer id
	IsActive       bool        `json:"is_active"`
	CreatedAt      time.Time   `json:"created_at"`
	ExpiresAt      time.Time   `json:"expires_at,omitzero"` // zero: never
	RevokedAt      time.Time   `json:"revoked_at,omitzero"`
	RevokedBy      string      `json:"revoked_by,omitzero"`
	RevokedReason  string      `json:"revoked_reason,omitzero"`
	// Permissions are texts like "category:action", without spaces.
	Permissions []string `json:"permissions,omitzero"`
}

// AttrActive is 1 until the key is revoked, then 0. A revocation makes it a
// condition. A key is valid only if this attribute and the body both say so.
const AttrActive = "active"

// Item returns the record's item, stored under the hash that Issue returned.
func (r Record) Item(hash string) (store.Item, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return store.Item{}, problem.Internal(fmt.Sprintf("encode the record of API key %d", r.ID), err)
	}
	active := int64(1)
	if r.Revoked() {
		active = 0
	}
	return store.Item{
		Key:   store.APIKeyKey(r.OrganizationID, hash),
		Attrs: store.Attrs{AttrActive: store.N(active)},
		Body:  body,
	}, nil
}

// RecordOf returns the record that item stores.
func RecordOf(item store.Item) (Record, error) {
	var r Record
	if err := json.Unmarshal(item.Body, &r); err != nil {
		return Record{}, problem.Corrupt("the record of an API key", err)
	}
	if r.ID <= 0 {
		return Record{}, problem.Corrupt("the record of an API key", fmt.Errorf("its id is %d, not positive", r.ID))
	}
	r.IsActive = r.IsActive && item.Attrs[AttrActive].Num() == 1
	return r, nil
}

// Revoked reports whether the key was revoked.
func (r Record) Revoked() bool { return !r.IsActive || !r.RevokedAt.IsZero() }

// Expired reports whether the key has expired at now.
func (r Record) Expired(now time.Time) bool {
	return !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt)
}

func (r Record) principal() tenant.Principal {
	return tenant.Principal{
		Org:     r.OrganizationID,
		Kind:    tenant.Machine,
		Subject: "key:" + strconv.FormatInt(r.ID, 10),
		UserID:  r.UserID,
		Role:    r.Role,
		Scopes:  strings.Join(r.Permissions, " "),
	}
}
