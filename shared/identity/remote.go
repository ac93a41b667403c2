package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"ascend/shared/domain/problem"
)

const (
	fetchTimeout = 2 * time.Second // leaves time to answer within 5 s (clients.md rule 10)
	refreshAfter = time.Hour       // so long a removed key is still trusted
	uselessAfter = 24 * time.Hour  // so long the last known set outlives its issuer's failure
	unknownEvery = time.Minute     // between fetches for unknown keys, which anyone can cause
	failureEvery = 3 * time.Second // between fetches after a failed one; longer than fetchTimeout
)

// remote is a key set behind a URL. It fetches when asked and never by itself:
// a Lambda that sleeps keeps no promise of a background refresh.
type remote struct {
	url    string
	client *http.Client
	last   atomic.Pointer[fetched]

	mu      sync.Mutex // held while fetching
	tried   time.Time
	failure error // of the last try
}

type fetched struct {
	keys keySet
	at   time.Time
}

func newRemote(address string, client *http.Client, local bool) (*remote, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("the key set's URL cannot be read")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !local || !loopback(u.Hostname())) {
		return nil, errors.New("the key set's URL must be https")
	}
	if client == nil {
		client = &http.Client{}
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &remote{url: address, client: &own}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func (r *remote) find(ctx context.Context, id string, now time.Time) (verificationKey, bool, error) {
	if key, ok := r.known(id, now, refreshAfter); ok {
		return key, true, nil
	}
	if _, ok := r.known(id, now, uselessAfter); !ok {
		r.mu.Lock()
	} else if !r.mu.TryLock() {
		// Somebody refreshes a set that still serves: no reason to wait.
		key, ok := r.known(id, now, uselessAfter)
		return key, ok, nil
	}
	failure := r.refresh(ctx, id, now)
	r.mu.Unlock()
	if key, ok := r.known(id, now, uselessAfter); ok {
		return key, true, nil
	}
	if failure != nil {
		// The key may be one that we have not heard of: not the caller's fault.
		return verificationKey{}, false, problem.Unavailable("fetch the issuer's key set", failure)
	}
	return verificationKey{}, false, nil
}

// known looks in the last fetched set, if that is younger than age.
func (r *remote) known(id string, now time.Time, age time.Duration) (verificationKey, bool) {
	f := r.last.Load()
	if f == nil || now.Sub(f.at) >= age {
		return verificationKey{}, false
	}
	key, ok := f.keys[id]
	return key, ok
}

// refresh fetches the set unless somebody just did. It returns why the last
// fetch failed, if it did. The caller holds mu.
func (r *remote) refresh(ctx context.Context, id string, now time.Time) error {
	f := r.last.Load()
	switch {
	case r.failure != nil && now.Sub(r.tried) < failureEvery:
		return r.failure
	case r.failure == nil && f != nil && now.Sub(f.at) < refreshAfter:
		if _, known := f.keys[id]; known || now.Sub(r.tried) < unknownEvery {
			return nil
		}
	}
	r.tried = now
	keys, err := r.fetch(ctx)
	if r.failure = err; err == nil {
		r.last.Store(&fetched{keys: keys, at: now})
	}
	return err
}

// fetch outlives the request that causes it, because others wait for it too.
func (r *remote) fetch(ctx context.Context) (keySet, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer answered %s", answer.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxKeySet+1))
	if err != nil {
		return nil, err
	}
	return parseKeySet(raw)
}
