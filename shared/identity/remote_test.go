package identity_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ascend/shared/domain/problem"
	"ascend/shared/identity"
)

// publisher is an issuer's key set over https, and a verifier that reads it.
type publisher struct {
	fetches  atomic.Int64
	answer   atomic.Pointer[http.HandlerFunc]
	clock    atomic.Int64
	verifier *identity.Verifier
}

func publish(t *testing.T) *publisher {
	t.Helper()
	p := &publisher{}
	p.serve(keySet())
	p.clock.Store(now.UnixNano())
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fetches.Add(1)
		(*p.answer.Load())(w, r)
	}))
	t.Cleanup(server.Close)
	var err error
	p.verifier, err = identity.New(identity.Config{
		Issuer: issuer, Audience: audience, JWKSURL: server.URL, Environment: "prod", Client: server.Client(),
		Now: func() time.Time { return time.Unix(0, p.clock.Load()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *publisher) serve(set []byte) {
	p.does(func(w http.ResponseWriter, _ *http.Request) { w.Write(set) })
}

func (p *publisher) does(h http.HandlerFunc) { p.answer.Store(&h) }

func (p *publisher) later(d time.Duration) { p.clock.Add(int64(d)) }

// verify signs a token that lives long and verifies it.
func (p *publisher) verify(t *testing.T, kid string) error {
	t.Helper()
	token := sign(t, jwt.SigningMethodRS256, rsaKey(), header{"kid": kid}, goodClaims(jwt.MapClaims{"exp": now.AddDate(1, 0, 0).Unix()}))
	_, err := p.verifier.Verify(context.Background(), token)
	return err
}

func (p *publisher) want(t *testing.T, fetches int64) {
	t.Helper()
	if got := p.fetches.Load(); got != fetches {
		t.Errorf("%d fetches, want %d", got, fetches)
	}
}

func TestThePublishedKeySetIsFetchedWhenFirstNeededAndHourly(t *testing.T) {
	p := publish(t)
	p.want(t, 0)
	for range 3 {
		if err := p.verify(t, "rsa"); err != nil {
			t.Fatal(err)
		}
	}
	p.want(t, 1)
	p.later(time.Hour)
	if err := p.verify(t, "rsa"); err != nil {
		t.Fatal(err)
	}
	p.want(t, 2)
}

func TestUnknownKeysCauseAtMostOneFetchAMinute(t *testing.T) {
	p := publish(t)
	for range 5 {
		wantCode(t, p.verify(t, "unknown"), problem.KindUnauthenticated, problem.CodeInvalidToken)
	}
	p.want(t, 1)
	p.later(time.Minute)
	p.serve(jwks(rsaJWK("unknown", "", &rsaKey().PublicKey)))
	if err := p.verify(t, "unknown"); err != nil {
		t.Errorf("a key published since is not found: %v", err)
	}
	p.want(t, 2)
	wantCode(t, p.verify(t, "rsa"), problem.KindUnauthenticated, problem.CodeInvalidToken)
}

func TestTokensThatNoKeyCouldVerifyCauseNoFetch(t *testing.T) {
	p := publish(t)
	nameless := sign(t, jwt.SigningMethodRS256, rsaKey(), nil, goodClaims(nil))
	for _, token := range []string{"", "garbage", "eyJ..", strings.Repeat("x", 9<<10), nameless} {
		if _, err := p.verifier.Verify(context.Background(), token); err == nil {
			t.Errorf("%.20q is accepted", token)
		}
	}
	p.want(t, 0)
}

func TestAnIssuerThatFailsIsAnOutageAndNotABadToken(t *testing.T) {
	for name, fail := range map[string]http.HandlerFunc{
		"500":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"404":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) },
		"an empty body": func(http.ResponseWriter, *http.Request) {},
		"no JSON":       func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"no usable key": func(w http.ResponseWriter, _ *http.Request) { w.Write(jwks()) },
		"far too much":  func(w http.ResponseWriter, _ *http.Request) { w.Write(append(keySet(), make([]byte, 1<<20)...)) },
		"a redirect":    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"a cut line": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			w.Write([]byte("{"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := publish(t)
			p.does(fail)
			for range 5 {
				wantCode(t, p.verify(t, "rsa"), problem.KindUnavailable, problem.CodeUnavailable)
			}
			p.want(t, 1) // a failing issuer is left alone for a while
			p.later(3 * time.Second)
			p.serve(keySet())
			if err := p.verify(t, "rsa"); err != nil {
				t.Errorf("after the issuer's recovery: %v", err)
			}
		})
	}
}

func TestTheLastKnownKeysOutliveAnOutageForADay(t *testing.T) {
	p := publish(t)
	if err := p.verify(t, "rsa"); err != nil {
		t.Fatal(err)
	}
	p.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	p.later(24*time.Hour - time.Second)
	if err := p.verify(t, "rsa"); err != nil {
		t.Errorf("within the day: %v", err)
	}
	wantCode(t, p.verify(t, "unknown"), problem.KindUnavailable, problem.CodeUnavailable)
	p.later(3 * time.Second)
	wantCode(t, p.verify(t, "rsa"), problem.KindUnavailable, problem.CodeUnavailable)
}

func TestAKeyTakenOutOfTheSetIsTrustedForAnHourAtMost(t *testing.T) {
	p := publish(t)
	if err := p.verify(t, "rsa"); err != nil {
		t.Fatal(err)
	}
	p.serve(jwks(ecJWK("ec", "", &ecKey().PublicKey)))
	p.later(time.Hour)
	wantCode(t, p.verify(t, "rsa"), problem.KindUnauthenticated, problem.CodeInvalidToken)
}

func TestManyTokensAtOnceCauseOneFetch(t *testing.T) {
	p := publish(t)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if err := p.verify(t, "rsa"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	p.want(t, 1)
}

func TestARequestThatGoesAwayDoesNotSpoilTheFetch(t *testing.T) {
	p := publish(t)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.verifier.Verify(gone, goodToken(t, nil)); err != nil {
		t.Error(err)
	}
	if err := p.verify(t, "rsa"); err != nil {
		t.Error(err)
	}
	p.want(t, 1)
}

func TestASlowRefreshDelaysOnlyTheTokenThatCausesIt(t *testing.T) {
	p := publish(t)
	if err := p.verify(t, "rsa"); err != nil {
		t.Fatal(err)
	}
	fetching, answer := make(chan struct{}), make(chan struct{})
	p.does(func(w http.ResponseWriter, _ *http.Request) {
		close(fetching)
		<-answer
		w.Write(keySet())
	})
	p.later(time.Hour)
	first := make(chan error, 1)
	token := sign(t, jwt.SigningMethodRS256, rsaKey(), header{"kid": "rsa"}, goodClaims(jwt.MapClaims{"exp": now.AddDate(1, 0, 0).Unix()}))
	go func() {
		_, err := p.verifier.Verify(context.Background(), token)
		first <- err
	}()
	select {
	case <-fetching:
	case err := <-first:
		close(answer)
		t.Fatalf("the set is not refreshed: %v", err)
	}
	begun := time.Now()
	if err := p.verify(t, "rsa"); err != nil {
		t.Error(err)
	}
	if waited := time.Since(begun); waited > time.Second { // the fetch would end after two
		t.Errorf("another token waited %v for the refresh", waited)
	}
	close(answer)
	if err := <-first; err != nil {
		t.Error(err)
	}
	p.want(t, 2)
}
