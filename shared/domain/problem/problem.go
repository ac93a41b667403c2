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

// The kinds and the HTTP status each is answered with. KindInvalid is 400 or
// 422, as the operation documents.
const (
	KindInternal         Kind = iota // 500, the zero value: a mistake of ours
	KindInvalid                      // 400 or 422: a request that cannot be understood or allowed
	KindUnauthenticated              // 401: no credential, or a bad one
	KindForbidden                    // 403: a good credential without the right
	KindNotFound                     // 404: unknown, or another organisation's
	KindMethodNotAllowed             // 405
	KindConflict                     // 409: an Idempotency-Key in flight
	KindInvalidState                 // 400 INVALID_STATE: the record is in another state
	KindTimeout                      // 408: the request did not arrive in time
	KindTooLarge                     // 413
	KindUnsupportedMedia             // 415
	KindMismatch                     // 422: an Idempotency-Key used with another body
	KindTooMany                      // 429: the API's own rate limit
	KindUnavailable                  // 503: a dependency failed; nothing was decided
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
	CodeTimeout          = "REQUEST_TIMEOUT"
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

// Error returns the text for logs, with the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Detail, e.Err)
	}
	return e.Detail
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of a kind, for the few kinds without a constructor.
func New(k Kind, code, format string, args ...any) *Error {
	return &Error{Kind: k, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Invalid returns a validation failure of the request as a whole. Use
// InvalidFields where a part of it is to blame.
func Invalid(format string, args ...any) *Error {
	return New(KindInvalid, CodeValidation, format, args...)
}

// InvalidFields returns a validation failure that names each offending field.
// Its detail is that of the first field, because most callers read no further.
func InvalidFields(fields ...Field) *Error {
	e := Invalid("the request is not valid")
	e.Fields = fields
	if len(fields) > 0 {
		e.Detail = fields[0].Detail
	}
	return e
}

// InvalidField returns a validation failure of one field. The pointer "" is the
// whole request.
func InvalidField(pointer, format string, args ...any) *Error {
	return InvalidFields(Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// InvalidState returns the refusal of a change that the record's present state
// does not allow.
func InvalidState(format string, args ...any) *Error {
	return New(KindInvalidState, CodeInvalidState, format, args...)
}

// Unauthenticated returns the refusal of a missing or bad credential.
func Unauthenticated(code, format string, args ...any) *Error {
	return New(KindUnauthenticated, code, format, args...)
}

// Forbidden returns the refusal of a good credential that lacks a right.
func Forbidden(format string, args ...any) *Error {
	return New(KindForbidden, CodeForbidden, format, args...)
}

// NotFound returns the answer for a record that does not exist or belongs to
// another organisation; both read the same.
func NotFound(code, format string, args ...any) *Error {
	return New(KindNotFound, code, format, args...)
}

// TooLarge returns the refusal of a request, or of a record that it would make.
func TooLarge(format string, args ...any) *Error {
	return New(KindTooLarge, CodeTooLarge, format, args...)
}

// Unavailable returns the failure of a dependency that did not answer: nothing
// was decided, and the caller may retry soon. The published clients wait out
// Retry-After in full, so it is short (clients.md §5). An err that already is
// an Error keeps its kind: the dependency did answer, and a retry would not help.
func Unavailable(doing string, err error) *Error {
	e := &Error{
		Kind: KindUnavailable, Code: CodeUnavailable, RetryAfter: time.Second,
		Detail: "a dependency is not available; nothing was decided, try again",
	}
	if said, ok := errors.AsType[*Error](err); ok {
		copied := *said
		e = &copied
	}
	e.Err = fmt.Errorf("%s: %w", doing, err)
	return e
}

// ErrUnavailable matches every Error of KindUnavailable, anywhere in a chain or
// among joined errors.
var ErrUnavailable = errors.New("unavailable")

// Is implements what errors.Is asks of ErrUnavailable.
func (e *Error) Is(target error) bool { return target == ErrUnavailable && e.Kind == KindUnavailable }

// ErrCorrupt is in the chain of every error that Corrupt returns.
var ErrCorrupt = errors.New("corrupt record")

// Corrupt returns the failure to decode a stored record, such as "an agent".
// No retry helps, so it is a 500; the log line says "corrupt record".
func Corrupt(record string, err error) *Error {
	return &Error{
		Kind: KindInternal, Code: CodeInternal, Detail: "a stored record cannot be read; the failure was recorded",
		Err: fmt.Errorf("%w: decode %s: %w", ErrCorrupt, record, err),
	}
}

// Internal returns a mistake of ours, such as a record that cannot be encoded.
func Internal(doing string, err error) *Error {
	return &Error{
		Kind: KindInternal, Code: CodeInternal, Detail: "the service failed to answer; the failure was recorded",
		Err: fmt.Errorf("%s: %w", doing, err),
	}
}

// As returns the Error in err's chain, or an internal failure that wraps err.
func As(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: KindInternal, Code: CodeInternal, Detail: "the service failed to answer; the failure was recorded", Err: err}
}
