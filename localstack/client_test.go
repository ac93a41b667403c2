package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// client calls a server with one credential.
type client struct {
	url, credential string
	http            *http.Client
}

// as is a client of the server; it keeps enough connections for 16 callers.
func (s *server) as(credential string) client {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	s.t.Cleanup(transport.CloseIdleConnections)
	return client{s.url(), credential, &http.Client{Transport: transport, Timeout: 20 * time.Second}}
}

// key and its like are clients with what the server printed.
func (s *server) key() client      { return s.as(s.env["ASCEND_API_KEY"]) }
func (s *server) admin() client    { return s.as(s.env["ASCEND_ADMIN_TOKEN"]) }
func (s *server) approver() client { return s.as(s.env["ASCEND_APPROVER_TOKEN"]) }

// reply is a whole answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// call sends a request and reads the whole answer; idempotencyKey may be empty.
func (c client) call(method, path, idempotencyKey, body string) (reply, error) {
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if strings.HasPrefix(c.credential, "owkai_") {
		req.Header.Set("X-API-Key", c.credential)
	} else {
		req.Header.Set("Authorization", "Bearer "+c.credential)
	}
	if idempotencyKey != "" {
		req.Header.Set("Idempotency-Key", idempotencyKey)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, text}, err
}

// object is a JSON object of any members.
type object = map[string]any

// decodeBody reads an answer's body, which must be JSON.
func decodeBody[T any](r reply) (T, error) {
	var v T
	if err := json.Unmarshal(r.body, &v); err != nil {
		return v, fmt.Errorf("answered %d %s: %w", r.status, r.body, err)
	}
	return v, nil
}

// must makes a call that has to be answered with a status below 300.
func must[T any](t testing.TB, c client, method, path, body string) T {
	t.Helper()
	r, err := c.call(method, path, "", body)
	if err == nil && r.status >= 300 {
		err = fmt.Errorf("answered %d %s", r.status, r.body)
	}
	var v T
	if err == nil {
		v, err = decodeBody[T](r)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return v
}

// next is the reference to the next page, "" on the last.
func (r reply) next() string {
	link, _, _ := strings.Cut(strings.TrimPrefix(r.header.Get("Link"), "<"), ">")
	return link
}
