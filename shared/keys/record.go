package keys

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Record is what is stored of a key (facts.md §2.3), never the key itself.
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
	// Permissions are "category:action" texts without spaces.
	Permissions []string `json:"permissions,omitzero"`
}

// AttrActive is 1 while the key is not revoked, else 0: what the condition of
// a revocation names. A key is valid only if attribute and body both say so.
const AttrActive = "active"

// Item is the record as it is stored under hash, the hash that Issue returned.
func (r Record) Item(hash string) (store.Item, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return store.Item{}, fmt.Errorf("encode the record of API key %d: %w", r.ID, err)
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

// RecordOf reads a stored record.
func RecordOf(item store.Item) (Record, error) {
	var r Record
	if err := json.Unmarshal(item.Body, &r); err != nil {
		return Record{}, fmt.Errorf("decode the record of an API key: %w", err)
	}
	if r.ID <= 0 {
		return Record{}, fmt.Errorf("decode the record of an API key: it has the id %d", r.ID)
	}
	r.IsActive = r.IsActive && item.Attrs[AttrActive].Num() == 1
	return r, nil
}

// Revoked reports whether the key was taken back.
func (r Record) Revoked() bool { return !r.IsActive || !r.RevokedAt.IsZero() }

// Expired reports whether the key's time is over at now.
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
