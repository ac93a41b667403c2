package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"
)

// proxy passes a client's requests on as they are, and keeps what passed. It
// can lose or delay the answer of the first submission, after the server gave it.
type proxy struct {
	url   string
	fault fault

	mu     sync.Mutex
	passed []passed
	polled chan string // ids of actions that the client was told are pending
}

type fault int

const (
	noFault   fault = iota
	loseFirst       // the connection breaks instead of the first answer
	delayFirst
)

// delay is longer than the time-out of the client that meets it.
const delay = 1500 * time.Millisecond

// passed is a request with its answer's status.
type passed struct {
	method, path string
	header       http.Header
	status       int
}

var (
	errLost    = errors.New("the answer is lost")
	statusPath = regexp.MustCompile(`^/api/(?:v1/actions/(\d+)/status|agent-action/status/(\d+))$`)
	submitPath = regexp.MustCompile(`^/api/(?:v1/actions/submit|authorization/agent-action)$`)
)

// relayTo puts a relay before the server at the address.
func relayTo(t *testing.T, server string, with fault) *proxy {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	r := &proxy{fault: with, polled: make(chan string, 256)}
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(p *httputil.ProxyRequest) { p.SetURL(target) },
		Transport:      transport,
		ModifyResponse: r.keep,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(func() {
		front.Close()
		transport.CloseIdleConnections()
	})
	r.url = front.URL
	return r
}

func (r *proxy) keep(res *http.Response) error {
	req := res.Request
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if id := statusPath.FindStringSubmatch(req.URL.Path); id != nil && bytes.Contains(body, []byte(`"pending_approval"`)) {
		select {
		case r.polled <- id[1] + id[2]:
		default:
		}
	}
	r.mu.Lock()
	r.passed = append(r.passed, passed{req.Method, req.URL.Path, req.Header.Clone(), res.StatusCode})
	now := noFault
	if submitPath.MatchString(req.URL.Path) {
		now, r.fault = r.fault, noFault
	}
	r.mu.Unlock()
	switch now {
	case loseFirst:
		return errLost
	case delayFirst:
		time.Sleep(delay)
	}
	return nil
}

// all is what passed so far.
func (r *proxy) all() []passed {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]passed(nil), r.passed...)
}

// submissions are the submissions that passed.
func (r *proxy) submissions() (sent []passed) {
	for _, p := range r.all() {
		if p.method == http.MethodPost && submitPath.MatchString(p.path) {
			sent = append(sent, p)
		}
	}
	return sent
}
