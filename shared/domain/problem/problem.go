// Package problem is the one error type of the service. An Error carries what
// a caller may be told; its cause stays inside. The HTTP front end alone turns
// it into a problem body (RFC 9457).
package problem

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what went wrong, from the caller's point of view. The set is closed.
type Kind int

// The kinds and the HTTP status each is answered with. Invalid is 400 or 422,
// as the operation documents.
const (
	Internal         Kind = iota // 500, the zero value: a mistake of ours
	Invalid                      // 400 or 422: a request that cannot be understood or allowed
	Unauthenticated              // 401: no credential, or a bad one
	Forbidden                    // 403: a good credential without the right
	NotFound                     // 404: unknown, or another organisation's
	MethodNotAllowed             // 405
	Conflict                     // 409: an Idempotency-Key in flight
	InvalidState                 // 400 INVALID_STATE: the record is in another state
	TooLarge                     // 413
	UnsupportedMedia             // 415
	Mismatch                     // 422: an Idempotency-Key used with another body
	TooMany                      // 429: the API's own rate limit
	Unavailable                  // 503: a dependency failed; nothing was decided
)

// The machine codes of the documentation (facts.md §1.4) and our own.
const (
	CodeValidation       = "VALIDATION_ERROR"
	CodeInvalidJSON      = "INVALID_JSON"
	CodeInvalidState     = "INVALID_STATE"
	CodeInvalidKey       = "INVALID_API_KEY"
	CodeExpiredKey       = "EXPIRED_API_KEY"
	CodeRevokedKey       = "REVOKED_API_KEY"
	CodeInvalidToken     = "INVALID_TOKEN"
	CodeExpiredToken     = "EXPIRED_TOKEN"
	CodeMissingAuth      = "AUTHENTICATION_REQUIRED"
	CodeAmbiguous        = "AMBIGUOUS_CREDENTIALS"
	CodeMFARequired      = "MFA_REQUIRED"
	CodeForbidden        = "INSUFFICIENT_PERMISSIONS"
	CodeCSRF             = "CSRF_FAILED"
	CodeNotFound         = "NOT_FOUND"
	CodeActionNotFound   = "ACTION_NOT_FOUND"
	CodeAgentNotFound    = "AGENT_NOT_FOUND"
	CodeMethodNotAllowed = "METHOD_NOT_ALLOWED"
	CodeTooLarge         = "REQUEST_TOO_LARGE"
	CodeUnsupportedMedia = "UNSUPPORTED_MEDIA_TYPE"
	CodeKeyReused        = "IDEMPOTENCY_KEY_REUSED"
	CodeUnavailable      = "SERVICE_UNAVAILABLE"
	CodeInternal         = "INTERNAL_ERROR"
)

// Field points at one offending part of a request by JSON pointer (RFC 6901),
// such as "/agent_id" or "/query/limit".
type Field struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error is a failure with a caller-safe explanation.
type Error struct {
	Kind       Kind
	Code       string        // machine code, one of the Code constants
	Detail     string        // one sentence for the caller
	Fields     []Field       // what exactly, where that is known
	RetryAfter time.Duration // for Unavailable and TooMany
	Challenge  string        // a WWW-Authenticate value that replaces the default
	Err        error         // the cause, for our logs only
}

// Error is the text for logs: it may hold the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Detail, e.Err)
	}
	return e.Detail
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error of a kind.
func New(k Kind, code, format string, args ...any) *Error {
	return &Error{Kind: k, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// InvalidFields is a validation failure that names each offending field; its
// detail is the first of them, because most callers read no further.
func InvalidFields(fields ...Field) *Error {
	e := &Error{Kind: Invalid, Code: CodeValidation, Detail: "the request is not valid", Fields: fields}
	if len(fields) > 0 {
		e.Detail = fields[0].Detail
	}
	return e
}

// Down is a dependency that did not answer: nothing was decided, try again
// soon. The published clients wait out Retry-After in full, so it is short
// (clients.md §5). An err that is a problem itself stays that one: the
// dependency did answer, and trying again would not help.
func Down(doing string, err error) *Error {
	e := &Error{
		Kind: Unavailable, Code: CodeUnavailable, RetryAfter: time.Second,
		Detail: "a dependency is not available; nothing was decided, try again",
	}
	var said *Error
	if errors.As(err, &said) {
		copied := *said
		e = &copied
	}
	e.Err = fmt.Errorf("%s: %w", doing, err)
	return e
}

// As finds the Error in err's chain. Anything else is an internal failure
// whose cause is kept for the log.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Internal, Code: CodeInternal, Detail: "the service failed to answer; the failure was recorded", Err: err}
}
