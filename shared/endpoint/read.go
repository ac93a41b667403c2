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

// read takes the query and the body of a request, bounded in size and time. The
// body of a GET is not looked at.
func read(w http.ResponseWriter, r *http.Request, f *found) (*input, error) {
	in := &input{Request: bind.Request{Path: f.values}, url: r.URL, header: r.Header}
	if r.URL.RawQuery != "" {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, badRequest{problem.Invalid("the query string is malformed")}
		}
		in.Query = query
	}
	if f.route.Method == http.MethodGet || r.Body == nil || r.Body == http.NoBody {
		return in, nil
	}
	if r.ContentLength > f.route.MaxBody {
		return nil, tooLarge(f.route.MaxBody)
	}
	// No server at all (in a Lambda) supports deadlines, and none is needed.
	server := http.NewResponseController(w)
	_ = server.SetReadDeadline(time.Now().Add(f.route.Timeout))
	defer func() { _ = server.SetReadDeadline(time.Time{}) }()
	var err error
	if in.Body, err = readAll(r.Body, r.ContentLength, f.route.MaxBody); err != nil {
		return nil, err
	}
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
	return badRequest{&problem.Error{
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
