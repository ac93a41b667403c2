// Package endpoint is the HTTP front end: it turns requests into calls of use
// cases. A Spec with a request and a response type describes an operation;
// Define makes a Route of it and New serves routes. What all operations share
// happens here and in the packages below: authentication, binding (bind),
// idempotency, errors (problemjson), headers and logging. Package lambda serves
// the handler in AWS Lambda.
//
// A request finds its route, is authenticated and authorized, read, identified
// (idempotency), bound to the handler's request type, handled and encoded.
// service.answer is that path.
package endpoint

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"ascend/shared/endpoint/bind"
	"ascend/shared/store"
)

// Unknown says what happens to members of a body that the operation does not
// know. The zero value refuses them.
type Unknown int

const (
	// Refuse answers a validation problem that names each unknown member, and
	// each unknown query parameter of a method other than GET: where governance
	// is configured, a typo would silently weaken a control (decision 5).
	Refuse Unknown = iota
	// Tolerate ignores them, because published clients send extras.
	Tolerate
)

// Body says whether an operation takes a JSON object.
type Body int

const (
	// NoBody takes none; clients may still send an empty one.
	NoBody Body = iota
	// OptionalBody may be left out.
	OptionalBody
	// RequiredBody must be there.
	RequiredBody
)

// Spec is what the documentation of an operation says. ID, Method, Path and
// Auth are required.
type Spec struct {
	ID      string // operation id, such as "actions-submit": also the Lambda's name
	AliasOf string // ID of the operation that this is an older path of: an Idempotency-Key holds for all its paths
	Method  string // GET, POST, PUT, PATCH or DELETE
	Path    string // pattern with {name} segments, such as "/api/v1/actions/{action_id}"
	Summary string
	Tag     string // groups operations in the documentation
	// Example is a body that succeeds, as JSON. The documentation shows it, and
	// tests send it with the ids of what they made in place of its own.
	Example string

	Auth Auth
	// KeyScope is a permission that an API key needs besides its role; "" needs none.
	KeyScope string
	// ConfirmInBatch saves a read: the use case reads the credential's record
	// together with its own and must set Command.Principal to what Claim.Confirm
	// returns, which also checks the rights of Auth. Until then Principal is zero
	// and nobody is authenticated. An answer without it is a 500, and an error
	// from before it reaches only a caller whom the front end confirms first.
	ConfirmInBatch bool

	Reads, Writes []store.Table // for the function's IAM policy; Define adds the directory where keys are read

	Success       int           // status of the answer, default 200
	AlsoOK        bool          // the handler may answer 200 in place of Success
	InvalidStatus int           // status of a validation problem: 400, the default, or 422
	Unknown       Unknown       //
	Body          Body          //
	MaxBody       int64         // bytes, default 256 KiB
	Timeout       time.Duration // default 4.5 s, because clients give up after 5 (clients.md §2.10)
	// Repeats marks an operation that creates or decides: an Idempotency-Key
	// and the repeat rule apply (decision 7). A key is the organisation's;
	// where Auth is TokenApprover it is the person's own.
	Repeats bool
}

// Defaults of Spec.
const (
	DefaultMaxBody = 256 << 10
	DefaultTimeout = 4500 * time.Millisecond
)

// Route is a defined operation. Make one with Define.
type Route struct {
	Spec
	in, out reflect.Type
	others  []reflect.Type
	binder  *bind.Binder
	run     runner
	err     error // a mistake in the definition, reported by New
}

// In returns the type of the request.
func (r Route) In() reflect.Type { return r.in }

// Out returns the type of the answer's body.
func (r Route) Out() reflect.Type { return r.out }

// Others returns further types that the answer's body may have.
func (r Route) Others() []reflect.Type { return r.others }

// Params returns the parameters in the route's path and query.
func (r Route) Params() []bind.Param { return r.binder.Params() }

// HasBody reports whether the operation reads members of a JSON body.
func (r Route) HasBody() bool { return r.binder.HasBody() }

// HasPages reports whether the operation is a list with pagination.
func (r Route) HasPages() bool { return pageOf(r.in) != nil }

// Err returns a mistake in the definition, or nil. New reports it too.
func (r Route) Err() error { return r.err }

// operation returns the id that all paths of the route's operation share.
func (r Route) operation() string { return cmp.Or(r.AliasOf, r.ID) }

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// The characters of names. (A regular expression would cost every cold start.)
const (
	lower      = "abcdefghijklmnopqrstuvwxyz"
	digits     = "0123456789"
	unreserved = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits + "-._~" // RFC 3986 §2.3
)

func madeOf(s, characters string) bool { return s != "" && strings.Trim(s, characters) == "" }

// isID reports whether s is lower-case words joined by dashes.
func isID(s string) bool {
	for word := range strings.SplitSeq(s, "-") {
		if !madeOf(word, lower+digits) {
			return false
		}
	}
	return madeOf(s[:1], lower)
}

// isSegment reports whether s is a segment of a path pattern.
func isSegment(s string) bool {
	if name, ok := strings.CutPrefix(s, "{"); ok {
		name, ok = strings.CutSuffix(name, "}")
		return ok && madeOf(name, lower+digits+"_") && madeOf(name[:1], lower)
	}
	return madeOf(s, unreserved)
}

// check sets the defaults and returns what is wrong with the Spec.
func (s *Spec) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !isID(s.ID) {
		bad("operation id %q is not lower-case words joined by dashes", s.ID)
	}
	if !slices.Contains(methods, s.Method) {
		bad("method %q is not one of %s", s.Method, strings.Join(methods, ", "))
	}
	if segments, ok := strings.CutPrefix(s.Path, "/"); !ok {
		bad("path %q does not start with /", s.Path)
	} else {
		for segment := range strings.SplitSeq(segments, "/") {
			if !isSegment(segment) {
				bad("path %q has the malformed segment %q", s.Path, segment)
			}
		}
	}
	if _, ok := authNames[s.Auth]; !ok {
		bad("no auth class is declared")
	}
	if s.Repeats && (s.Auth == Public || s.Auth == Optional || s.Method == http.MethodGet) {
		bad("repeats need an authenticated caller and a method other than GET")
	}
	if s.ConfirmInBatch && (s.Auth == Public || s.Auth == Optional) {
		bad("there is nothing to confirm in a batch")
	}
	if s.Body != NoBody && s.Method == http.MethodGet {
		bad("a GET takes no body")
	}
	s.Success = cmp.Or(s.Success, http.StatusOK)
	s.InvalidStatus = cmp.Or(s.InvalidStatus, http.StatusBadRequest)
	s.MaxBody = cmp.Or(s.MaxBody, DefaultMaxBody)
	s.Timeout = cmp.Or(s.Timeout, DefaultTimeout)
	if s.InvalidStatus != http.StatusBadRequest && s.InvalidStatus != http.StatusUnprocessableEntity {
		bad("validation problems are 400 or 422, not %d", s.InvalidStatus)
	}
	if s.Success < 200 || s.Success > 299 || s.Success == http.StatusNoContent {
		bad("success is a 2xx with a body, not %d", s.Success)
	}
	if s.MaxBody < 0 || s.Timeout < 0 {
		bad("bounds are positive")
	}
	if s.Auth != Public && !slices.Contains(s.Reads, store.Directory) {
		s.Reads = append(slices.Clone(s.Reads), store.Directory)
	}
	if len(errs) > 0 {
		return fmt.Errorf("operation %s: %w", s.ID, errors.Join(errs...))
	}
	return nil
}
