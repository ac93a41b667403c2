package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"ascend/shared/app"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

// Claimer reads the credential of a request. A request without any fails with
// a problem of code problem.CodeMissingAuth; a bad one with another problem.
type Claimer interface {
	Claim(*http.Request) (app.Claim, error)
}

// ClaimFunc is a function as Claimer.
type ClaimFunc func(*http.Request) (app.Claim, error)

// Claim calls f.
func (f ClaimFunc) Claim(r *http.Request) (app.Claim, error) { return f(r) }

// service is the handler of some routes.
type service struct {
	app   *app.App
	creds Claimer
	log   *slog.Logger
	root  node
}

// New makes the handler of routes: of one in a Lambda, of all in the local
// server. It fails when a route is not defined right, declares no auth class,
// or shares its id or its method and path with another.
func New(a *app.App, creds Claimer, log *slog.Logger, routes ...Route) (http.Handler, error) {
	if a == nil || creds == nil || log == nil {
		return nil, errors.New("endpoint: an app, credentials and a logger are required")
	}
	s := &service{app: a, creds: creds, log: log}
	ids := map[string]bool{}
	var errs []error
	for i := range routes {
		r := &routes[i]
		switch {
		case r.err != nil:
			errs = append(errs, r.err)
			continue
		case r.run == nil:
			errs = append(errs, fmt.Errorf("operation %s was not made by Define", r.ID))
			continue
		case ids[r.ID]:
			errs = append(errs, fmt.Errorf("operation %s is there twice", r.ID))
		}
		ids[r.ID] = true
		if err := s.root.add(r); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// ServeHTTP answers one request and logs it.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	c := &app.Command{
		At: s.app.Now().UTC().Truncate(time.Millisecond), CallerID: callerID(r.Header), SourceIP: sourceIP(r.RemoteAddr),
		Client: app.Client{UserAgent: bounded(r.Header.Get("User-Agent")), SDKVersion: bounded(r.Header.Get("X-Sdk-Version"))},
	}
	c.CorrelationID = correlationID(c.At)
	echo := c.CorrelationID
	if c.CallerID != "" {
		echo = c.CallerID
	}
	h := w.Header()
	secure(h)
	h[headerCorrelation] = []string{echo}

	path := r.URL.EscapedPath()
	f := s.root.find(r.Method, path)
	a, err := s.answer(r, &f, c)
	if err == nil {
		h["Content-Type"] = jsonType
		maps.Copy(h, a.header)
	} else {
		a, err = s.failure(h, &f, err, path, c)
	}
	if c.Replayed && c.Repeat != nil && !c.Repeat.Implied {
		h[headerReplayed] = []string{"true"}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		w.Write(a.body) // a failure to write is the caller's connection; nobody is left to tell
	}
	s.record(r.Context(), f.route, c, a.status, time.Since(start), err)
}

// answer runs a request up to its encoded answer. It never panics.
func (s *service) answer(r *http.Request, f *found, c *app.Command) (a answer, err error) {
	defer func() {
		if v := recover(); v != nil {
			a, err = answer{}, &problem.Error{
				Code: problem.CodeInternal, Detail: "the service failed to answer; the failure was recorded",
				Err: fmt.Errorf("panic: %v\n%s", v, debug.Stack()),
			}
		}
	}()
	if f.route == nil {
		if len(f.allowed) > 0 {
			return answer{}, problem.New(problem.KindMethodNotAllowed, problem.CodeMethodNotAllowed,
				"%s is not possible here; %s is", clip(r.Method), strings.Join(f.allowed, ", "))
		}
		return answer{}, problem.NotFound(problem.CodeNotFound, "there is no such path")
	}
	ctx, cancel := context.WithTimeout(r.Context(), f.route.Timeout)
	defer cancel()
	if err := s.authenticate(ctx, r, f.route, c); err != nil {
		return answer{}, err
	}
	req := &input{path: f.values, url: r.URL, header: r.Header}
	if err := read(r, f.route, req); err != nil {
		return answer{}, s.afterConfirming(ctx, f.route, c, err)
	}
	if err := identify(c, &f.route.Spec, req); err != nil {
		return answer{}, s.afterConfirming(ctx, f.route, c, err)
	}
	a, err = f.route.run(ctx, s.app, c, req)
	if err != nil && !a.done {
		err = s.afterConfirming(ctx, f.route, c, err)
	}
	return a, err
}

// authenticate puts the caller's claim into c and, unless the use case will,
// confirms it and its right.
func (s *service) authenticate(ctx context.Context, r *http.Request, route *Route, c *app.Command) error {
	if route.Auth == Public {
		return nil
	}
	claim, err := s.creds.Claim(r)
	if err != nil {
		if route.Auth == Optional && problem.As(err).Code == problem.CodeMissingAuth {
			return nil
		}
		return err
	}
	c.Claim = claim.Requiring(route.allow)
	if route.ConfirmInBatch {
		return nil
	}
	return s.confirm(ctx, c)
}

// confirm reads the record that the claim needs, if any, and confirms. When
// the record cannot be read, nobody gets through.
func (s *service) confirm(ctx context.Context, c *app.Command) error {
	var record *store.Item
	if key, ok := c.Claim.Record(); ok {
		items, err := s.app.Store.Get(ctx, key)
		if err != nil || len(items) != 1 {
			return problem.Unavailable("confirm a credential", err)
		}
		record = items[0]
	}
	p, err := c.Claim.Confirm(record, c.At)
	if err != nil {
		return err
	}
	c.Principal = p
	return nil
}

// afterConfirming is err, but for those who do not get that far: where the use
// case was to confirm the credential and was not reached, it is confirmed
// first, so that nothing is said to a revoked key.
func (s *service) afterConfirming(ctx context.Context, route *Route, c *app.Command, err error) error {
	if !route.ConfirmInBatch {
		return err
	}
	if refused := s.confirm(ctx, c); refused != nil {
		return refused
	}
	return err
}

// failure makes the answer of an error; the error it returns is for the log.
func (s *service) failure(h http.Header, f *found, err error, path string, c *app.Command) (answer, error) {
	var e *problem.Error
	if !errors.As(err, &e) {
		switch {
		case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			e = problem.Unavailable("answer in time", err)
		default:
			e = problem.As(err)
		}
	}
	invalid := http.StatusBadRequest
	if f.route != nil && !errors.As(err, &badRequest{}) {
		invalid = f.route.InvalidStatus
	}
	status := statusOf(e.Kind, invalid)
	if status == http.StatusMethodNotAllowed && len(f.allowed) > 0 {
		h.Set("Allow", strings.Join(f.allowed, ", "))
	}
	return answer{status: status, body: describe(h, status, e, path, c.CorrelationID, c.At)}, e
}

// sourceIP is the address of "address:port" or of a bare address, else "".
func sourceIP(remote string) string {
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		return ap.Addr().Unmap().WithZone("").String()
	}
	if a, err := netip.ParseAddr(remote); err == nil {
		return a.Unmap().WithZone("").String()
	}
	return ""
}

// bounded keeps the printable beginning of a header that describes a client.
func bounded(s string) string {
	if s = clip(s); clean(s) {
		return s
	}
	return ""
}

// query parses the query as it must be: bad escapes are the caller's mistake.
func query(raw string) (url.Values, error) {
	if raw == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, badRequest{problem.Invalid("the query string is malformed")}
	}
	return values, nil
}
