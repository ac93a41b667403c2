package endpoint

import (
	"io"
	"mime"
	"net/http"
	"strings"

	"ascend/shared/domain/problem"
)

// read takes the query and the body of a request, bounded. The body of a GET
// is not looked at.
func read(r *http.Request, route *Route, req *input) (err error) {
	if req.query, err = query(r.URL.RawQuery); err != nil {
		return err
	}
	if route.Method == http.MethodGet || r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if r.ContentLength > route.MaxBody {
		return tooLarge(route.MaxBody)
	}
	if req.body, err = readAll(r.Body, r.ContentLength, route.MaxBody); err != nil {
		return err
	}
	if len(req.body) > 0 && (!isJSON(r.Header["Content-Type"]) || r.Header["Content-Encoding"] != nil) {
		return problem.New(problem.KindUnsupportedMedia, problem.CodeUnsupportedMedia, "the body must be JSON in UTF-8, not compressed, sent with the header Content-Type: application/json")
	}
	return nil
}

// readAll reads a body of at most most bytes; length is the announced one, or -1.
func readAll(body io.Reader, length, most int64) ([]byte, error) {
	if length >= 0 {
		b := make([]byte, length)
		_, err := io.ReadFull(body, b)
		if err != nil {
			return nil, unreadable(err)
		}
		return b, nil
	}
	b, err := io.ReadAll(io.LimitReader(body, most+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case int64(len(b)) > most:
		return nil, tooLarge(most)
	}
	return b, nil
}

func tooLarge(most int64) error {
	return problem.TooLarge("the body is larger than %d bytes", most)
}

// unreadable is a body that did not arrive in full.
func unreadable(err error) error {
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
