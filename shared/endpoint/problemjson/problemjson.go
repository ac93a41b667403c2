// Package problemjson renders failures as application/problem+json (RFC 9457).
package problemjson

import (
	"net/http"
	"strconv"
	"strings"
	"time"

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

// Status returns the status of a problem; invalid is that of kind Invalid.
func Status(k problem.Kind, invalid int) int {
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
	case problem.KindTimeout:
		return http.StatusRequestTimeout
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

// Render returns the body and sets the headers of a failure. The cause of e
// stays out of both.
func Render(h http.Header, status int, e *problem.Error, path, correlation string, at time.Time) []byte {
	h["Content-Type"] = contentType
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", challenge(e))
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		seconds := int((e.RetryAfter + time.Second - 1) / time.Second)
		h.Set("Retry-After", strconv.Itoa(min(max(seconds, 1), maxRetryAfter)))
	}
	p := Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: text(e.Detail), Instance: path, ErrorCode: e.Code,
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

// text returns s as UTF-8, which alone can be written as JSON.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

var contentType = []string{"application/problem+json"} // shared by all answers and never changed
