package endpoint

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"ascend/shared/domain/problem"
	"ascend/shared/endpoint/bind"
)

// input is a request as read: what bind needs, and beside it.
type input struct {
	bind.Request
	url    *url.URL
	header http.Header
}

// hasBody reports whether a request has a body that read looks at.
func hasBody(r *http.Request, route *Route) bool {
	return route.Method != http.MethodGet && r.Body != nil && r.Body != http.NoBody
}

// limitReading bounds how long the body of a request may take to arrive, also
// where nobody reads it: net/http answers only when it has seen the body's end.
// In a Lambda the body is there, and a deadline is not supported.
func limitReading(w http.ResponseWriter, r *http.Request, route *Route) {
	if hasBody(r, route) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(route.Timeout))
	}
}

// read takes the query and the body of a request, bounded in size. The body of
// a GET is not looked at.
func read(w http.ResponseWriter, r *http.Request, f *found) (*input, error) {
	in := &input{Request: bind.Request{Path: f.values}, url: r.URL, header: r.Header}
	if r.URL.RawQuery != "" {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, badRequestError{problem.Invalid("the query string is malformed")}
		}
		in.Query = query
	}
	if !hasBody(r, f.route) {
		return in, nil
	}
	if r.ContentLength > f.route.MaxBody {
		return nil, tooLarge(f.route.MaxBody)
	}
	var err error
	if in.Body, err = readAll(r.Body, r.ContentLength, f.route.MaxBody); err != nil {
		return nil, err
	}
	// net/http waits for the end of the connection from now on, to tell the handler.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if len(in.Body) > 0 && (!isJSON(r.Header["Content-Type"]) || r.Header["Content-Encoding"] != nil) {
		return nil, problem.New(problem.KindUnsupportedMedia, problem.CodeUnsupportedMedia, "the body must be JSON in UTF-8, not compressed, sent with the header Content-Type: application/json")
	}
	return in, nil
}

// readAll reads a body of no more than limit bytes; length is the announced one, or -1.
func readAll(body io.Reader, length, limit int64) ([]byte, error) {
	if length >= 0 {
		b := make([]byte, length)
		if _, err := io.ReadFull(body, b); err != nil {
			return nil, unreadable(err)
		}
		return b, nil
	}
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case int64(len(b)) > limit:
		return nil, tooLarge(limit)
	}
	return b, nil
}

func tooLarge(limit int64) error {
	return problem.TooLarge("the body is larger than %d bytes", limit)
}

// unreadable returns the failure of a body that did not arrive in full.
func unreadable(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return &problem.Error{Kind: problem.KindTimeout, Code: problem.CodeTimeout, Detail: "the body did not arrive in time", Err: err}
	}
	return badRequestError{&problem.Error{
		Kind: problem.KindInvalid, Code: problem.CodeInvalidJSON, Detail: "the body did not arrive in full", Err: err,
	}}
}

// isJSON reports whether the Content-Type is JSON in UTF-8. None at all is
// tolerated.
func isJSON(values []string) bool {
	if len(values) == 0 || len(values) == 1 && (values[0] == "application/json" || values[0] == "") {
		return true
	}
	if len(values) > 1 {
		return false
	}
	kind, params, err := mime.ParseMediaType(values[0])
	if err != nil || kind != "application/json" {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}
