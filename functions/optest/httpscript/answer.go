package httpscript

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   any // the decoded body, nil unless it is JSON
	url    *url.URL
}

// check holds an answer to what every answer of the service must be.
func (a *answer) check() error {
	if err := json.Unmarshal(a.body, &a.json); err != nil {
		return fmt.Errorf("the answer is not JSON: %w", err)
	}
	media := a.header.Get("Content-Type")
	if a.status < 400 {
		if !strings.HasPrefix(media, "application/json") {
			return fmt.Errorf("the answer's Content-Type is %q", media)
		}
		return nil
	}
	if !strings.HasPrefix(media, "application/problem+json") {
		return fmt.Errorf("the failure's Content-Type is %q", media)
	}
	for _, member := range []struct{ path, kind string }{
		{".type", "string"}, {".title", "string"}, {".status", "integer"}, {".detail", "string"}, {".instance", "string"},
		{".error_code", "string"}, {".correlation_id", "string"}, {".timestamp", "time"},
	} {
		if err := test(lookUp(a.json, member.path), "is", member.kind, a); err != nil {
			return fmt.Errorf("the problem's %s must be a %s: %w", member.path, member.kind, err)
		}
	}
	if err := test(lookUp(a.json, ".status"), "==", strconv.Itoa(a.status), a); err != nil {
		return fmt.Errorf("the problem's .status must be %d: %w", a.status, err)
	}
	for _, field := range lookUp(a.json, ".errors[*]") {
		if len(lookUp(field, ".pointer"))+len(lookUp(field, ".detail")) != 2 {
			return fmt.Errorf("each of the problem's .errors must have pointer and detail: %s", show(field))
		}
	}
	if bytes.Contains(a.body, []byte("goroutine ")) || bytes.Contains(a.body, []byte(".go:")) {
		return fmt.Errorf("the problem shows the service's inside")
	}
	return nil
}
