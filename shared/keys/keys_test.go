package keys_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/keys"
	"ascend/shared/store"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newRing(t testing.TB, pepper byte) *keys.Ring {
	t.Helper()
	ring, err := keys.NewRing(bytes.Repeat([]byte{pepper}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func issue(t testing.TB, ring *keys.Ring, org tenant.ID, role tenant.Role) (secret, hash string) {
	t.Helper()
	secret, hash, err := ring.Issue(org, role, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return secret, hash
}

func record(org tenant.ID, role tenant.Role) keys.Record {
	return keys.Record{
		ID: 17, Name: "ci", Role: role, OrganizationID: org, Owner: "alice", UserID: 5,
		IsActive: true, CreatedAt: now, Permissions: []string{"audit:read", "audit:export"},
	}
}

func item(t testing.TB, r keys.Record, hash string) *store.Item {
	t.Helper()
	i, err := r.Item(hash)
	if err != nil {
		t.Fatal(err)
	}
	return &i
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if err == nil {
		t.Fatalf("succeeded, want %s", code)
	}
	if p := problem.As(err); p.Kind != problem.KindUnauthenticated || p.Code != code {
		t.Fatalf("got kind %d code %q (%v), want unauthenticated %s", p.Kind, p.Code, err, code)
	}
}

func TestAnIssuedKeyHasTheDocumentedForm(t *testing.T) {
	form := regexp.MustCompile(`^owkai_(admin|manager|user)_[A-Za-z0-9]{43}$`)
	hashForm := regexp.MustCompile(`^[0-9a-f]{64}$`)
	ring := newRing(t, 1)
	seen := map[string]bool{}
	for _, role := range []tenant.Role{tenant.Admin, tenant.Manager, tenant.User} {
		for range 100 {
			secret, hash := issue(t, ring, 42, role)
			if !form.MatchString(secret) || !strings.HasPrefix(secret, "owkai_"+string(role)+"_") {
				t.Errorf("key %q", secret)
			}
			if !hashForm.MatchString(hash) || seen[hash] {
				t.Errorf("hash %q (seen before: %v)", hash, seen[hash])
			}
			if p := keys.Prefix(secret); len(p) != 20 || seen[p] {
				t.Errorf("prefix %q (seen before: %v)", p, seen[p])
			}
			seen[hash], seen[keys.Prefix(secret)] = true, true
		}
	}
}

func TestAValidKeyIsConfirmedByItsRecord(t *testing.T) {
	ring := newRing(t, 1)
	for _, org := range []tenant.ID{1, 42, 61, 62, 3521614606207} {
		secret, hash := issue(t, ring, org, tenant.Manager)
		claim, err := ring.Claim(secret)
		if err != nil {
			t.Fatal(err)
		}
		key, ok := claim.Record()
		if !ok || key != store.APIKeyKey(org, hash) || claim.Org() != org {
			t.Errorf("organisation %v: claim of %v needs %v (%v)", org, claim.Org(), key, ok)
		}
		got, err := claim.Confirm(item(t, record(org, tenant.Manager), hash), now)
		want := tenant.Principal{
			Org: org, Kind: tenant.Machine, Subject: "key:17", UserID: 5,
			Role: tenant.Manager, Scopes: "audit:read audit:export",
		}
		if err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	}
}

func TestARecordDecidesWhetherAGenuineKeyIsValid(t *testing.T) {
	ring := newRing(t, 1)
	secret, hash := issue(t, ring, 42, tenant.User)
	_, otherHash := issue(t, ring, 42, tenant.User)
	with := func(change func(*keys.Record)) *store.Item {
		r := record(42, tenant.User)
		change(&r)
		return item(t, r, hash)
	}
	inactive := with(func(*keys.Record) {})
	inactive.Attrs[keys.AttrActive] = store.N(0)
	bare := with(func(*keys.Record) {})
	bare.Attrs = nil
	tests := map[string]struct {
		item *store.Item
		code string
	}{
		"no record":                              {nil, problem.CodeInvalidKey},
		"the record of another key":              {item(t, record(42, tenant.User), otherHash), problem.CodeInvalidKey},
		"the record of another organisation":     {item(t, record(43, tenant.User), hash), problem.CodeInvalidKey},
		"a record that grants another role":      {with(func(r *keys.Record) { r.Role = tenant.Admin }), problem.CodeInvalidKey},
		"a record that names another org inside": {forgedOrg(t, hash), problem.CodeInvalidKey},
		"revoked":                                {with(func(r *keys.Record) { r.RevokedAt = now.Add(-time.Hour) }), problem.CodeRevokedKey},
		"not active":                             {with(func(r *keys.Record) { r.IsActive = false }), problem.CodeRevokedKey},
		"not active by its attribute alone":      {inactive, problem.CodeRevokedKey},
		"without the attribute":                  {bare, problem.CodeRevokedKey},
		"revoked and expired":                    {with(func(r *keys.Record) { r.IsActive, r.ExpiresAt = false, now }), problem.CodeRevokedKey},
		"expired":                                {with(func(r *keys.Record) { r.ExpiresAt = now.Add(-time.Second) }), problem.CodeExpiredKey},
		"expiring this instant":                  {with(func(r *keys.Record) { r.ExpiresAt = now }), problem.CodeExpiredKey},
		"expiring in a second":                   {with(func(r *keys.Record) { r.ExpiresAt = now.Add(time.Second) }), ""},
		"without expiry":                         {with(func(*keys.Record) {}), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			claim, err := ring.Claim(secret)
			if err != nil {
				t.Fatal(err)
			}
			p, err := claim.Confirm(test.item, now)
			if test.code == "" {
				if err != nil || p.Org != 42 {
					t.Errorf("got %+v, %v", p, err)
				}
				return
			}
			wantCode(t, err, test.code)
			if p != (tenant.Principal{}) {
				t.Errorf("a refused key has the principal %+v", p)
			}
		})
	}
}

// forgedOrg is a record under the right key that names another organisation.
func forgedOrg(t *testing.T, hash string) *store.Item {
	i := item(t, record(43, tenant.User), hash)
	i.Key = store.APIKeyKey(42, hash)
	return i
}

func TestADamagedRecordNeverConfirms(t *testing.T) {
	ring := newRing(t, 1)
	secret, hash := issue(t, ring, 42, tenant.User)
	claim, err := ring.Claim(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"", "{", "null", "[]", "{}", `{"id":0}`, `{"id":1,"id":1}`} {
		i := item(t, record(42, tenant.User), hash)
		i.Body = []byte(body)
		if p, err := claim.Confirm(i, now); !errors.Is(err, problem.ErrCorrupt) || problem.As(err).Kind != problem.KindInternal {
			t.Errorf("body %q confirmed %+v: %v", body, p, err)
		}
	}
}

func TestAnythingButAnIssuedKeyIsRefusedWithoutTheStore(t *testing.T) {
	ring := newRing(t, 1)
	secret, _ := issue(t, ring, 42, tenant.User)
	foreign, _ := issue(t, newRing(t, 2), 42, tenant.User)
	body := strings.TrimPrefix(secret, "owkai_user_")
	other, _ := issue(t, ring, 43, tenant.User)
	org43 := strings.TrimPrefix(other, "owkai_user_")[25:32]
	tests := map[string]string{
		"empty":                               "",
		"the lead alone":                      "owkai_",
		"no body":                             "owkai_user_",
		"a role raised to admin":              "owkai_admin_" + body,
		"a role raised to manager":            "owkai_manager_" + body,
		"a role no key has":                   "owkai_viewer_" + body,
		"an unknown role":                     "owkai_root_" + body,
		"no role":                             "owkai__" + body,
		"an upper-case role":                  "owkai_USER_" + body,
		"an upper-case lead":                  "OWKAI_user_" + body,
		"one character less":                  secret[:len(secret)-1],
		"one character more":                  secret + "0",
		"a space before":                      " " + secret,
		"a newline after":                     secret + "\n",
		"a key twice":                         secret + secret,
		"masked":                              "owkai_" + strings.Repeat("*", 43),
		"a character outside the alphabet":    "owkai_user_" + body[:42] + "-",
		"letters that only look like letters": "owkai_user_" + body[:41] + "é",
		"zeros":                               "owkai_user_" + strings.Repeat("0", 43),
		"another organisation's number":       "owkai_user_" + body[:25] + org43 + body[32:],
		"a key of another pepper":             foreign,
		"the documented sample":               "owkai_admin_aBcDeFgHiJkLmNoPqRsTuVwXyZ123456789",
		"very long":                           "owkai_user_" + strings.Repeat("a", 1<<20),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ring.Claim(text)
			wantCode(t, err, problem.CodeInvalidKey)
			if text != "" && strings.Contains(err.Error(), text) {
				t.Error("the error repeats the key")
			}
		})
	}
}

func TestAnyOneCharacterChangedMakesAKeyInvalid(t *testing.T) {
	ring := newRing(t, 1)
	secret, _ := issue(t, ring, 42, tenant.Admin)
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
	for i := range len(secret) {
		for _, c := range []byte(alphabet) {
			if c == secret[i] {
				continue
			}
			if _, err := ring.Claim(secret[:i] + string(c) + secret[i+1:]); err == nil {
				t.Fatalf("position %d changed to %q is still accepted", i, c)
			}
		}
	}
}

func TestARingWithoutAPepperKnowsNobody(t *testing.T) {
	secret, _ := issue(t, newRing(t, 1), 42, tenant.User)
	for _, ring := range []*keys.Ring{nil, {}} {
		_, err := ring.Claim(secret)
		wantCode(t, err, problem.CodeInvalidKey)
		if _, _, err := ring.Issue(42, tenant.User, rand.Reader); err == nil {
			t.Error("issued a key")
		}
	}
	for _, n := range []int{0, 1, 31} {
		if _, err := keys.NewRing(make([]byte, n)); err == nil {
			t.Errorf("a pepper of %d bytes is accepted", n)
		}
	}
}

func TestTheRingKeepsItsOwnCopyOfThePepper(t *testing.T) {
	pepper := bytes.Repeat([]byte{1}, 32)
	ring, err := keys.NewRing(pepper)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := issue(t, ring, 42, tenant.User)
	clear(pepper)
	if _, err := ring.Claim(secret); err != nil {
		t.Error(err)
	}
}

func TestKeysAreRecognisedSideBySide(t *testing.T) {
	ring := newRing(t, 1)
	var all sync.WaitGroup
	for org := range tenant.ID(8) {
		secret, hash := issue(t, ring, org+1, tenant.User)
		all.Go(func() {
			for range 500 {
				claim, err := ring.Claim(secret)
				if key, _ := claim.Record(); err != nil || key != store.APIKeyKey(org+1, hash) {
					t.Errorf("organisation %v: claim of %v, %v", org+1, key, err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestIssueRefusesWhatAKeyCannotSay(t *testing.T) {
	ring := newRing(t, 1)
	for _, role := range []tenant.Role{"", tenant.Viewer, "root"} {
		if _, _, err := ring.Issue(42, role, rand.Reader); err == nil {
			t.Errorf("role %q is accepted", role)
		}
	}
	for _, org := range []tenant.ID{0, -1, 3521614606208} {
		if _, _, err := ring.Issue(org, tenant.User, rand.Reader); err == nil {
			t.Errorf("organisation %v is accepted", org)
		}
	}
	broken := errors.New("no entropy")
	if _, _, err := ring.Issue(42, tenant.User, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

func TestTheRandomPartIsUniform(t *testing.T) {
	// 2,000 keys of 25 digits: 806 of each digit expected, σ ≈ 28.
	ring := newRing(t, 1)
	count := map[byte]int{}
	for range 2000 {
		secret, _ := issue(t, ring, 42, tenant.User)
		for _, c := range []byte(secret[len("owkai_user_"):][:25]) {
			count[c]++
		}
	}
	if len(count) != 62 {
		t.Errorf("%d different digits, want 62", len(count))
	}
	for c, n := range count {
		if n < 806-7*28 || n > 806+7*28 {
			t.Errorf("digit %q occurs %d times, want about 806", c, n)
		}
	}
}

func TestARecordSurvivesItsItem(t *testing.T) {
	want := record(42, tenant.Admin)
	want.Description, want.KeyPrefix, want.ExpiresAt = "for the build", "owkai_admin_abcdefgh", now.Add(time.Hour)
	want.IsActive, want.RevokedAt, want.RevokedBy, want.RevokedReason = false, now, "bob", "leaked"
	got, err := keys.RecordOf(*item(t, want, "aa"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func swap(c byte) string {
	if c == 'a' {
		return "b"
	}
	return "a"
}
