// Package lambda serves an HTTP handler in AWS Lambda, behind API Gateway.
package lambda

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"ascend/shared/domain/problem"
	"ascend/shared/endpoint"
	"ascend/shared/endpoint/bind"
)

// Handler returns the Lambda handler that serves API Gateway's proxy events by h.
// It is a wall around httpadapter, which is archived upstream: events are made
// safe first, so that its known faults are not reached, and whatever still
// fails is answered as a problem. It never returns an error and never panics,
// because Lambda would make a bare 502 of either.
func Handler(h http.Handler, log *slog.Logger) func(context.Context, events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	adapter := httpadapter.New(h)
	return func(ctx context.Context, event events.APIGatewayProxyRequest) (response events.APIGatewayProxyResponse, err error) {
		defer func() {
			if v := recover(); v != nil {
				log.ErrorContext(ctx, "panic outside of the service", "error", fmt.Sprint(v))
				response, err = refuse(event.Path, problem.As(nil)), nil
			}
		}()
		safe, detail := safeEvent(event)
		if detail != "" {
			return refuse(event.Path, problem.Invalid("%s", detail)), nil
		}
		response, err = adapter.ProxyWithContext(ctx, safe)
		if err != nil {
			return refuse(event.Path, problem.Invalid("the request cannot be read")), nil
		}
		return response, nil
	}
}

// refuse returns the answer to an event that does not reach the handler.
func refuse(path string, e *problem.Error) events.APIGatewayProxyResponse {
	h := http.Header{}
	status, body := endpoint.Fail(h, path, e)
	return events.APIGatewayProxyResponse{StatusCode: status, MultiValueHeaders: h, Body: string(body)}
}

// safeEvent returns the event as httpadapter can take it, or what is wrong with it.
func safeEvent(event events.APIGatewayProxyRequest) (safe events.APIGatewayProxyRequest, detail string) {
	if event.HTTPMethod == "" || strings.ContainsFunc(event.HTTPMethod, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return safe, "the method is malformed" // httpadapter would take none for GET
	}
	path, err := safePath(event.Path)
	if err != nil {
		return safe, "the path is malformed"
	}
	body := event.Body
	if event.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return safe, "the body is not the base64 that it is said to be"
		}
		body = string(decoded)
	}
	safe = events.APIGatewayProxyRequest{
		HTTPMethod: event.HTTPMethod, Path: path, Body: body,
		MultiValueHeaders:               safeHeaders(event.Headers, event.MultiValueHeaders),
		MultiValueQueryStringParameters: merged(event.QueryStringParameters, event.MultiValueQueryStringParameters, strings.Clone),
	}
	// Of the context only what the gateway alone can know is passed on.
	safe.RequestContext.Identity.SourceIP = event.RequestContext.Identity.SourceIP
	safe.RequestContext.RequestID = event.RequestContext.RequestID
	safe.RequestContext.DomainName = "gateway.invalid"
	return safe, ""
}

// safePath returns the path with escapes for what would end it within a URL,
// and for what a URL cannot hold.
func safePath(path string) (string, error) {
	var b strings.Builder
	b.WriteByte('/')
	for _, c := range []byte(strings.TrimPrefix(path, "/")) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("?#\\\"<>^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	_, err := url.ParseRequestURI(b.String())
	return b.String(), err
}

// safeHeaders returns both header maps of an event joined under canonical names.
// Spellings of one name are taken in sorted order, so that the result never
// depends on a map's order. The headers by which httpadapter passes the
// gateway's context are dropped: a client could forge them.
func safeHeaders(single map[string]string, multi map[string][]string) map[string][]string {
	all := merged(single, multi, textproto.CanonicalMIMEHeaderKey)
	h := make(map[string][]string, len(all))
	for _, sent := range slices.Sorted(maps.Keys(all)) {
		name := textproto.CanonicalMIMEHeaderKey(sent)
		if !isToken(name) || strings.EqualFold(name, core.APIGwContextHeader) || strings.EqualFold(name, core.APIGwStageVarsHeader) {
			continue
		}
		for _, value := range all[sent] {
			if bind.Clean(strings.ReplaceAll(value, "\t", " ")) {
				h[name] = append(h[name], strings.TrimSpace(value))
			}
		}
	}
	return h
}

// merged returns multi plus the entries of single whose canonical names are not
// in multi. The result is not nil.
func merged(single map[string]string, multi map[string][]string, canonical func(string) string) map[string][]string {
	all := make(map[string][]string, len(single)+len(multi))
	seen := make(map[string]bool, len(multi))
	for name, values := range multi {
		all[name] = values
		seen[canonical(name)] = true
	}
	for name, value := range single {
		if !seen[canonical(name)] {
			all[name] = []string{value}
		}
	}
	return all
}

// isToken reports whether s can be a header's name (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}
