package endpoint

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/problem"
)

// Problem is the one body of every failure: application/problem+json (RFC
// 9457), and a superset of the documented shapes (decision 4). Its type is
// always about:blank, so that the title is the status's phrase; what programs
// match is ErrorCode.
type Problem struct {
	Type          string          `json:"type"`
	Title         string          `json:"title"`
	Status        int             `json:"status"`
	Detail        string          `json:"detail"`
	Instance      string          `json:"instance"`
	ErrorCode     string          `json:"error_code"`
	CorrelationID string          `json:"correlation_id"`
	Timestamp     time.Time       `json:"timestamp"`
	Errors        []problem.Field `json:"errors,omitzero"`
}

// maxRetryAfter bounds Retry-After, which published clients wait out in full
// on each of their attempts (clients.md §5).
const maxRetryAfter = 5

// defaultChallenge is the WWW-Authenticate of a 401 (RFC 6750 §3).
const defaultChallenge = `Bearer realm="ascend"`

// badRequest is a problem that is 400 whatever the operation's validation status.
type badRequest struct{ problem *problem.Error }

func (b badRequest) Error() string { return b.problem.Error() }
func (b badRequest) Unwrap() error { return b.problem }

// statusOf is the status of a problem; invalid is that of kind Invalid.
func statusOf(k problem.Kind, invalid int) int {
	switch k {
	case problem.KindInvalid:
		return invalid
	case problem.KindUnauthenticated:
		return http.StatusUnauthorized
	case problem.KindForbidden:
		return http.StatusForbidden
	case problem.KindNotFound:
		return http.StatusNotFound
	case problem.KindMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case problem.KindConflict:
		return http.StatusConflict
	case problem.KindInvalidState:
		return http.StatusBadRequest
	case problem.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case problem.KindUnsupportedMedia:
		return http.StatusUnsupportedMediaType
	case problem.KindMismatch:
		return http.StatusUnprocessableEntity
	case problem.KindTooMany:
		return http.StatusTooManyRequests
	case problem.KindUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// describe makes the body and sets the headers of a failure. The cause of e
// stays out of both.
func describe(h http.Header, status int, e *problem.Error, path, correlation string, at time.Time) []byte {
	h["Content-Type"] = problemType
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", challenge(e))
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		seconds := int((e.RetryAfter + time.Second - 1) / time.Second)
		h.Set("Retry-After", strconv.Itoa(min(max(seconds, 1), maxRetryAfter)))
	}
	p := Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: text(e.Detail), Instance: clip(path), ErrorCode: e.Code,
		CorrelationID: correlation, Timestamp: at.UTC().Truncate(time.Millisecond),
	}
	if len(e.Fields) > 0 {
		p.Errors = make([]problem.Field, len(e.Fields))
		for i, f := range e.Fields {
			p.Errors[i] = problem.Field{Pointer: text(f.Pointer), Detail: text(f.Detail)}
		}
	}
	body, err := json.Marshal(p)
	if err != nil { // cannot be: every string is UTF-8 now, and the time is this century's
		return []byte(`{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"the service failed to answer","error_code":"INTERNAL_ERROR"}`)
	}
	return body
}

func challenge(e *problem.Error) string {
	switch {
	case e.Challenge != "":
		return e.Challenge
	case e.Code == problem.CodeInvalidToken || e.Code == problem.CodeExpiredToken:
		return defaultChallenge + `, error="invalid_token"`
	}
	return defaultChallenge
}

// text makes s writable as JSON.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "�")
}

// The values of fixed headers, shared by all answers and never changed.
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
	noStore     = []string{"no-store"}
	noSniff     = []string{"nosniff"}
	denyFrames  = []string{"DENY"}
	hsts        = []string{"max-age=31536000; includeSubDomains"}
	policy      = []string{"default-src 'self'; frame-ancestors 'none'"}
	xssBlock    = []string{"1; mode=block"}
)

// secure sets the headers that every answer carries (facts.md §1.1).
func secure(h http.Header) {
	h["Cache-Control"] = noStore
	h["Content-Security-Policy"] = policy
	h["Strict-Transport-Security"] = hsts
	h["X-Content-Type-Options"] = noSniff
	h["X-Frame-Options"] = denyFrames
	h["X-Xss-Protection"] = xssBlock
}
