// Package keys issues and verifies API keys.
//
// A key is `owkai_<role>_` followed by 43 characters of [0-9A-Za-z]:
//
//	25  uniformly random, log2(62^25) ≈ 148.9 bits
//	 7  the organisation, in base 62 with leading zeros
//	11  a tag: 64 bits of an HMAC-SHA256 over role, organisation and random part
//
// The tag lets us refuse a forged or mistyped key without a call to the store.
// A genuine key is valid only with its record, which is stored under a keyed
// hash of the whole text. The random part comes first, so that the prefix that
// we show tells keys apart. The hidden part keeps at least 16 random characters,
// 95 bits.
package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

const (
	lead         = "owkai_"
	randomLength = 25
	orgLength    = 7
	tagLength    = 11
	bodyLength   = randomLength + orgLength + tagLength
	prefixLength = 20 // of key_prefix (facts.md §2.3)

	minPepper = 32 // bytes: as long as the hash (RFC 2104 §3)
	maxOrg    = 62*62*62*62*62*62*62 - 1
)

// The first field of each MAC input, so that no tag equals a hash.
const (
	tagDomain  = "ascend api key tag 1"
	hashDomain = "ascend api key hash 1"
)

var roles = []tenant.Role{tenant.Admin, tenant.Manager, tenant.User}

// Looks reports whether s starts like an API key, with "owkai_". It may still be
// masked, mistyped or forged.
func Looks(s string) bool { return strings.HasPrefix(s, lead) }

// Prefix returns the part of a key that we may store and show: its first 20
// characters. It returns "" for a text too short to be a key.
func Prefix(secret string) string {
	if len(secret) < len(lead)+bodyLength {
		return ""
	}
	return secret[:prefixLength]
}

// Ring issues keys and verifies those it issued. It is safe for concurrent use.
// The zero Ring issues none and refuses all.
type Ring struct {
	pepper []byte
	spare  sync.Pool // of *mac, keyed with pepper
}

// mac is an HMAC for reuse, with a buffer for its input and output.
type mac struct {
	hash   hash.Hash
	buffer []byte
}

// NewRing returns a ring whose keys depend on pepper, a secret of at least 32
// random bytes. A new pepper invalidates all earlier keys.
func NewRing(pepper []byte) (*Ring, error) {
	if len(pepper) < minPepper {
		return nil, fmt.Errorf("configure API keys: the pepper has %d bytes; it needs at least %d", len(pepper), minPepper)
	}
	return &Ring{pepper: slices.Clone(pepper)}, nil
}

// Issue returns a new key for org: the secret to show once, and the hash to store
// its record under, 32 bytes in hex. The role is admin, manager or user; random
// is crypto/rand.Reader outside tests.
func (r *Ring) Issue(org tenant.ID, role tenant.Role, random io.Reader) (secret, hash string, err error) {
	switch {
	case r == nil || len(r.pepper) == 0:
		return "", "", errors.New("issue an API key: the ring has no pepper")
	case !slices.Contains(roles, role):
		return "", "", fmt.Errorf("issue an API key: a key cannot have the role %q", role)
	case !org.Valid() || org > maxOrg:
		return "", "", fmt.Errorf("issue an API key: organisation %v is not between 1 and %d", org, int64(maxOrg))
	}
	drawn, err := draw(random)
	if err != nil {
		return "", "", fmt.Errorf("issue an API key: draw its random part: %w", err)
	}
	owner := encode(uint64(org), orgLength)
	secret = lead + string(role) + "_" + drawn + owner + r.tag(string(role), drawn, owner)
	return secret, r.hash(secret), nil
}

// Claim verifies that this ring issued the key, without a call to the store. The
// caller must still confirm the claim with the key's record. For any other text
// it returns a problem of kind Unauthenticated (INVALID_API_KEY).
func (r *Ring) Claim(secret string) (command.Claim, error) {
	role, body, ok := parse(secret)
	if !ok || r == nil || len(r.pepper) == 0 {
		return command.Claim{}, invalid()
	}
	drawn, owner, tag := body[:randomLength], body[randomLength:randomLength+orgLength], body[randomLength+orgLength:]
	if !hmac.Equal([]byte(tag), []byte(r.tag(string(role), drawn, owner))) {
		return command.Claim{}, invalid()
	}
	org := tenant.ID(decode(owner))
	if !org.Valid() {
		return command.Claim{}, invalid()
	}
	key := store.APIKeyKey(org, r.hash(secret))
	return command.Unconfirmed(org, key, func(item *store.Item, now time.Time) (tenant.Principal, error) {
		return confirm(key, org, role, item, now)
	}), nil
}

// confirm returns the principal of a key with its record. Revocation outranks
// expiry, because it tells the owner that somebody acted.
func confirm(key store.Key, org tenant.ID, role tenant.Role, item *store.Item, now time.Time) (tenant.Principal, error) {
	if item == nil || item.Key != key {
		return tenant.Principal{}, invalid()
	}
	record, err := RecordOf(*item)
	if err != nil {
		return tenant.Principal{}, err
	}
	switch {
	case record.OrganizationID != org || record.Role != role:
		return tenant.Principal{}, invalid()
	case record.Revoked():
		return tenant.Principal{}, problem.Unauthenticated(problem.CodeRevokedKey, "the API key has been revoked")
	case record.Expired(now):
		return tenant.Principal{}, problem.Unauthenticated(problem.CodeExpiredKey, "the API key has expired")
	}
	return record.principal(), nil
}

func invalid() error {
	return problem.Unauthenticated(problem.CodeInvalidKey, "the API key is not valid")
}

// parse returns the parts of a key. Each key has exactly one text.
func parse(secret string) (role tenant.Role, body string, ok bool) {
	rest, ok := strings.CutPrefix(secret, lead)
	if !ok {
		return "", "", false
	}
	name, body, ok := strings.Cut(rest, "_")
	if !ok || len(body) != bodyLength || !slices.Contains(roles, tenant.Role(name)) {
		return "", "", false
	}
	for i := range len(body) {
		if strings.IndexByte(alphabet, body[i]) < 0 {
			return "", "", false
		}
	}
	return tenant.Role(name), body, true
}

func (r *Ring) tag(role, drawn, owner string) string {
	sum := r.mac(tagDomain, role, owner, drawn)
	return encode(binary.BigEndian.Uint64(sum[:8]), tagLength)
}

func (r *Ring) hash(secret string) string {
	sum := r.mac(hashDomain, secret)
	return hex.EncodeToString(sum[:])
}

// mac returns the HMAC of the fields. It prefixes each with its length, so that
// no two lists of fields have the same input.
func (r *Ring) mac(fields ...string) [sha256.Size]byte {
	m, ok := r.spare.Get().(*mac)
	if !ok {
		m = &mac{hash: hmac.New(sha256.New, r.pepper)}
	}
	defer r.spare.Put(m)
	input := m.buffer[:0]
	for _, f := range fields {
		input = binary.BigEndian.AppendUint32(input, uint32(len(f)))
		input = append(input, f...)
	}
	m.hash.Reset()
	m.hash.Write(input)
	m.buffer = m.hash.Sum(input[:0])
	return [sha256.Size]byte(m.buffer)
}
