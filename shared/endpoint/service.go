package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/endpoint/bind"
	"ascend/shared/endpoint/idempotency"
	"ascend/shared/endpoint/problemjson"
	"ascend/shared/store"
)

// Claimer reads the credential of a request. A request without any fails with
// a problem of code problem.CodeMissingAuth; a bad one with another problem.
type Claimer interface {
	Claim(*http.Request) (command.Claim, error)
}

// ClaimFunc is a function as Claimer.
type ClaimFunc func(*http.Request) (command.Claim, error)

// Claim calls f.
func (f ClaimFunc) Claim(r *http.Request) (command.Claim, error) { return f(r) }

// service is the handler of some routes.
type service struct {
	app   *app.App
	creds Claimer
	log   *slog.Logger
	router
}

// New returns the handler of routes: of one in a Lambda, of all in the local
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
		if err := s.add(r); err != nil {
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
	c := &command.Command{
		At: s.app.Now().UTC().Truncate(time.Millisecond), ClientCorrelationID: callerID(r.Header), SourceIP: sourceIP(r.RemoteAddr),
		Client: command.Client{UserAgent: bounded(r.Header.Get("User-Agent")), SDKVersion: bounded(r.Header.Get("X-Sdk-Version"))},
	}
	c.CorrelationID = correlationID(c.At)
	echo := c.CorrelationID
	if c.ClientCorrelationID != "" {
		echo = c.ClientCorrelationID
	}
	h := w.Header()
	secure(h)
	h[headerCorrelation] = []string{echo}

	path := r.URL.EscapedPath()
	f := s.find(r.Method, path)
	a, err := s.answer(w, r, &f, c)
	if err == nil {
		h["Content-Type"] = jsonType
		maps.Copy(h, a.header)
	} else {
		a, err = s.failure(h, &f, err, path, c)
	}
	if c.Replayed && c.Repeat != nil && !c.Repeat.Implied {
		h[idempotency.HeaderReplayed] = []string{"true"}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // a failure is the caller's connection: there is nobody to tell
	}
	s.record(r.Context(), f.route, c, a.status, time.Since(start), err)
}

// answer runs a request up to its encoded answer. It never panics.
func (s *service) answer(w http.ResponseWriter, r *http.Request, f *found, c *command.Command) (a answer, err error) {
	defer func() {
		if v := recover(); v != nil {
			a, err = answer{}, problem.Internal("panic", fmt.Errorf("%v\n%s", v, debug.Stack()))
		}
	}()
	if f.route == nil {
		if f.allow != "" {
			return answer{}, problem.New(problem.KindMethodNotAllowed, problem.CodeMethodNotAllowed,
				"the method %s is not allowed here; use %s", bind.Clip(r.Method), strings.ReplaceAll(f.allow, ", ", " or "))
		}
		return answer{}, problem.NotFound(problem.CodeNotFound, "there is no such path")
	}
	ctx, cancel := context.WithTimeout(r.Context(), f.route.Timeout)
	defer cancel()
	limitReading(w, r, f.route)
	if err := s.authenticate(ctx, r, f.route, c); err != nil {
		return answer{}, err
	}
	deadline, _ := ctx.Deadline()
	began := time.Now()
	req, err := read(w, r, f)
	// What the caller took to send the body is not taken from the time to answer.
	ctx, cancel = context.WithDeadline(r.Context(), deadline.Add(time.Since(began)))
	defer cancel()
	if err == nil {
		a, err = s.run(ctx, f.route, c, req)
	}
	if f.route.ConfirmInBatch {
		err = s.confirmed(ctx, c, err)
	}
	return a, err
}

// run identifies the command and runs the handler.
func (s *service) run(ctx context.Context, route *Route, c *command.Command, req *input) (answer, error) {
	err := idempotency.Identify(c, idempotency.Request{
		Operation: route.operation(), Path: req.Path, Query: req.Query, Body: req.Body, Header: req.header,
		Repeats: route.Repeats, Personal: route.Auth == TokenApprover,
	})
	if err != nil {
		return answer{}, badRequestError{err}
	}
	return route.run(ctx, s.app, c, req)
}

// authenticate puts the caller's claim into c and, unless the use case will,
// confirms it and its right.
func (s *service) authenticate(ctx context.Context, r *http.Request, route *Route, c *command.Command) error {
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
func (s *service) confirm(ctx context.Context, c *command.Command) error {
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

// confirmed returns the result of a request whose use case was to confirm the
// credential. Where an error came before that, it is confirmed now, so that a
// revoked key or one without the right learns nothing else. An answer to
// nobody is a mistake of the use case.
func (s *service) confirmed(ctx context.Context, c *command.Command, err error) error {
	if c.Principal != (tenant.Principal{}) {
		return err
	}
	if err == nil {
		return problem.Internal("confirm a credential", errors.New("the use case did not set Command.Principal"))
	}
	if kind := problem.As(err).Kind; kind == problem.KindUnauthenticated || kind == problem.KindForbidden {
		return err
	}
	if refused := s.confirm(ctx, c); refused != nil {
		return refused
	}
	return err
}

// badRequestError is a problem that is 400 whatever the operation's validation status.
type badRequestError struct{ error }

func (b badRequestError) Unwrap() error { return b.error }

// failure returns the answer to an error; the error it returns is for the log.
func (s *service) failure(h http.Header, f *found, err error, path string, c *command.Command) (answer, error) {
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
	if f.route != nil && !errors.As(err, &badRequestError{}) {
		invalid = f.route.InvalidStatus
	}
	status := problemjson.Status(e.Kind, invalid)
	if f.allow != "" {
		h.Set("Allow", f.allow)
	}
	if status == http.StatusRequestTimeout {
		h.Set("Connection", "close") // the rest of the body may still come
	}
	return answer{status: status, body: problemjson.Render(h, status, e, bind.Clip(path), c.CorrelationID, c.At)}, e
}

// Fail sets the headers of a request that never reaches a handler of New, and
// returns the status and body of its answer.
func Fail(h http.Header, path string, e *problem.Error) (status int, body []byte) {
	now := time.Now().UTC()
	id := correlationID(now)
	secure(h)
	h[headerCorrelation] = []string{id}
	status = problemjson.Status(e.Kind, http.StatusBadRequest)
	return status, problemjson.Render(h, status, e, bind.Clip(path), id, now)
}

// sourceIP returns the address of "address:port" or of a bare address, else "".
func sourceIP(remote string) string {
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		return ap.Addr().Unmap().WithZone("").String()
	}
	if a, err := netip.ParseAddr(remote); err == nil {
		return a.Unmap().WithZone("").String()
	}
	return ""
}

// bounded returns the beginning of a header that describes a client, "" when it is not printable.
func bounded(s string) string {
	if s = bind.Clip(s); bind.Clean(s) {
		return s
	}
	return ""
}
