package keys_test

import (
	"strings"
	"testing"

	"ascend/shared/domain/tenant"
	"ascend/shared/keys"
)

func FuzzClaim(f *testing.F) {
	ring := newRing(f, 1)
	foreign := newRing(f, 2)
	for _, role := range []tenant.Role{tenant.Admin, tenant.Manager, tenant.User} {
		secret, _ := issue(f, foreign, 42, role)
		f.Add(secret)
	}
	f.Add("owkai_")
	f.Add("owkai_user__")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := ring.Claim(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
		if p := keys.Prefix(text); !strings.HasPrefix(text, p) {
			t.Errorf("prefix %q of %q", p, text)
		}
	})
}

func BenchmarkClaim(b *testing.B) {
	ring := newRing(b, 1)
	secret, hash := issue(b, ring, 42, tenant.User)
	i := item(b, record(42, tenant.User), hash)
	b.Run("recognise", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ring.Claim(secret); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("recognise and confirm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			claim, err := ring.Claim(secret)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := claim.Confirm(i, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("refuse a forgery", func(b *testing.B) {
		forged := secret[:11] + swap(secret[11]) + secret[12:]
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ring.Claim(forged); err == nil {
				b.Fatal("accepted")
			}
		}
	})
}
