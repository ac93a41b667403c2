package functions_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	shell "ascend/shared/endpoint/lambda"
)

// response is what the gateway takes of a Lambda's answer.
type response struct {
	Status  int                 `json:"statusCode"`
	Multi   map[string][]string `json:"multiValueHeaders"`
	Single  map[string]string   `json:"headers"`
	Body    string              `json:"body"`
	Encoded bool                `json:"isBase64Encoded"`
}

// event hands raw bytes to the Lambda runtime's own decoding and to the
// service behind it. It reports false for what the runtime cannot read, which
// no gateway sends.
func (h *house) event(raw []byte) (answer, bool) {
	h.Helper()
	h.store.Reset(nil)
	h.log.take()
	handler := lambda.NewHandler(shell.Handler(h, slog.New(slog.NewJSONHandler(h.log, nil))))
	out, err := handler.Invoke(h.Context(), raw)
	if err != nil {
		if !strings.Contains(err.Error(), "json") && !strings.Contains(err.Error(), "EOF") && !strings.Contains(err.Error(), "invalid character") {
			h.Errorf("the event %.300q fails: %v", raw, err)
		}
		return answer{}, false
	}
	var r response
	h.no(json.Unmarshal(out, &r))
	if r.Encoded {
		h.Errorf("the event %.300q is answered in base64", raw)
	}
	a := answer{status: r.Status, header: http.Header{}, body: jsontext.Value(r.Body)}
	for name, values := range r.Multi {
		a.header[http.CanonicalHeaderKey(name)] = values
	}
	for name, value := range r.Single {
		a.header.Set(name, value)
	}
	if len(a.body) == 0 {
		a.body = nil // HEAD
	}
	h.complete(&a)
	return a, true
}

// FuzzHTTP sends any target, header and body to every operation, as every
// caller: no 5xx, no panic, nothing but what the API description promises.
func FuzzHTTP(f *testing.F) {
	h := newHouse(f)
	x := h.target("")
	for i, r := range h.routes {
		path, query, body := x.about(f, r)
		f.Add(uint8(i), uint8(0), join(path, query), "Idempotency-Key: k", body)
	}
	for i, target := range corpus(f, "paths.txt") {
		f.Add(uint8(i), uint8(i), x.in(target), "X-Correlation-ID: c", "")
	}
	for i, line := range corpus(f, "bodies.txt") {
		_, body, _ := strings.Cut(line, " ")
		f.Add(uint8(i), uint8(i), "", "", x.in(body))
	}
	for i, line := range corpus(f, "headers.txt") {
		f.Add(uint8(i), uint8(i), "", line, "{}")
	}
	callers := append(h.names(func(caller) bool { return true }), "nobody")
	f.Fuzz(func(t *testing.T, op, who uint8, target, header, body string) {
		h.TB = t
		r, c := h.routes[int(op)%len(h.routes)], h.callers[callers[int(who)%len(callers)]]
		if target == "" {
			path, query, _ := x.about(t, r)
			target = join(path, query)
		}
		headers := slices.Clone(c.headers)
		if name, value, ok := strings.Cut(header, ": "); ok {
			headers = append(headers, name, value)
		}
		if body != "" && !strings.HasPrefix(header, "Content-Type") {
			headers = append(headers, "Content-Type", "application/json")
		}
		q, err := request(r.Method, target, body, headers...)
		if err != nil {
			return
		}
		a := h.serve(q)
		h.examine(a, r.Method+" "+target)
		if strings.HasPrefix(header, "Authorization") || strings.HasPrefix(header, "X-Api-Key") || strings.HasPrefix(header, "Cookie") {
			return
		}
		h.stayInside(c.org, a)
	})
}

// FuzzLambdaEvent sends raw events through the Lambda runtime's decoding.
func FuzzLambdaEvent(f *testing.F) {
	h := newHouse(f)
	files, err := filepath.Glob(attacks + "events/*.json")
	h.no(err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		h.no(err)
		f.Add(raw)
	}
	g := newGenerator(f, h, 1)
	for range 30 {
		f.Add(g.event(g.next()))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h.TB = t
		if a, ok := h.event(raw); ok {
			h.examine(a, string(raw))
		}
	})
}
