package identity_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/identity"
)

var development = sync.OnceValue(func() *identity.DevIssuer { return must(identity.NewDevIssuer()) })

var alice = tenant.Principal{
	Org: 42, Kind: tenant.Person, Subject: "alice", UserID: 7, Email: "alice@example.com", Role: tenant.Admin, MFA: true,
}

func TestADevelopmentTokenSpeaksForItsPersonLocally(t *testing.T) {
	v := must(development().Verifier(func() time.Time { return now }))
	token := must(development().Token(alice, time.Hour, now))
	got, err := v.Verify(context.Background(), token)
	if err != nil || got != alice {
		t.Errorf("got %+v, %v; want %+v", got, err, alice)
	}
	later := must(development().Verifier(func() time.Time { return now.Add(time.Hour) }))
	_, err = later.Verify(context.Background(), token)
	wantCode(t, err, problem.KindUnauthenticated, problem.CodeExpiredToken)
}

func TestADevelopmentTokenIsRefusedElsewhere(t *testing.T) {
	token := must(development().Token(alice, time.Hour, now))
	set := must(development().JWKS())
	clock := func() time.Time { return now }
	for name, c := range map[string]identity.Config{
		"by a verifier of another issuer": {Issuer: issuer, Audience: audience, JWKS: keySet(), Environment: "prod", Now: clock},
		"even where its keys are trusted": {Issuer: issuer, Audience: identity.DevelopmentAudience, JWKS: set, Environment: "prod", Now: clock},
		"by a local one of another name":  {Issuer: issuer, Audience: identity.DevelopmentAudience, JWKS: set, Environment: identity.Local, Now: clock},
		"by a local one of another key": {Issuer: identity.DevelopmentIssuer, Audience: identity.DevelopmentAudience,
			JWKS: must(must(identity.NewDevIssuer()).JWKS()), Environment: identity.Local, Now: clock},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := identity.New(c)
			if err != nil {
				t.Fatal(err)
			}
			_, err = v.Verify(context.Background(), token)
			wantCode(t, err, problem.KindUnauthenticated, problem.CodeInvalidToken)
		})
	}
}

func TestADevelopmentIssuerSurvivesARestart(t *testing.T) {
	kept := must(development().Marshal())
	again, err := identity.LoadDevIssuer(kept)
	if err != nil {
		t.Fatal(err)
	}
	v := must(development().Verifier(func() time.Time { return now }))
	if got, err := v.Verify(context.Background(), must(again.Token(alice, time.Hour, now))); err != nil || got != alice {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, damaged := range [][]byte{nil, []byte("x"), kept[:len(kept)/2], append([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n"), kept...)[:60]} {
		if _, err := identity.LoadDevIssuer(damaged); err == nil {
			t.Errorf("%q is accepted", damaged)
		}
	}
}

func TestADevelopmentIssuerSignsOnlyForPeopleAndAMonth(t *testing.T) {
	if _, err := development().Token(tenant.Principal{Org: 42, Kind: tenant.Machine, Subject: "key:1"}, time.Hour, now); err == nil {
		t.Error("signed for an API key")
	}
	if _, err := development().Token(tenant.Principal{Org: 42}, time.Hour, now); err == nil {
		t.Error("signed for nobody")
	}
	for _, valid := range []time.Duration{0, -time.Second, 30*24*time.Hour + 1} {
		if _, err := development().Token(alice, valid, now); err == nil {
			t.Errorf("signed for %v", valid)
		}
	}
}
