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
	refreshAfter = time.Hour       // a removed key is trusted for this long
	uselessAfter = 24 * time.Hour  // the last known set outlives an outage of the issuer for this long
	unknownEvery = time.Minute     // between fetches for unknown keys, which anyone can cause
	failureEvery = 3 * time.Second // between fetches after a failed one; longer than fetchTimeout
)

// remote is a key set behind a URL. It fetches on demand, because a frozen
// Lambda runs no background refresh. The storage of package jwkset does not fit:
// it fetches at start, refreshes in a goroutine, and reads without a limit.
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

func (r *remote) find(ctx context.Context, id string, now time.Time) (verificationKey, error) {
	if key, err := r.known(refreshAfter, now).find(ctx, id, now); err == nil {
		return key, nil
	}
	// While somebody else refreshes a set that still serves, do not wait.
	_, unknown := r.known(uselessAfter, now).find(ctx, id, now)
	if unknown != nil {
		r.mu.Lock()
	}
	var failure error
	if unknown != nil || r.mu.TryLock() {
		failure = r.refresh(ctx, id, now)
		r.mu.Unlock()
	}
	key, err := r.known(uselessAfter, now).find(ctx, id, now)
	if err != nil && failure != nil {
		// The key may be a new one that we could not fetch: not the caller's fault.
		return verificationKey{}, problem.Unavailable("fetch the issuer's key set", failure)
	}
	return key, err
}

// known returns the last fetched set, or none when that is older than age.
func (r *remote) known(age time.Duration, now time.Time) keySet {
	if f := r.last.Load(); f != nil && now.Sub(f.at) < age {
		return f.keys
	}
	return nil
}

// refresh fetches the set unless somebody just did. It returns the error of the
// last fetch. The caller holds mu.
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
