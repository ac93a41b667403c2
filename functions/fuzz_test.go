package functions_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/functions/optest"
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
func (s *server) event(raw []byte) (a optest.Answer, ok bool) {
	s.Helper()
	handler := lambda.NewHandler(shell.Handler(s, s.Logger()))
	return s.Observe(func() (a optest.Answer) {
		out, err := handler.Invoke(s.Context(), raw)
		if ok = err == nil; !ok {
			if !strings.Contains(err.Error(), "json") && !strings.Contains(err.Error(), "EOF") && !strings.Contains(err.Error(), "invalid character") {
				s.Errorf("the event %.300q fails: %v", raw, err)
			}
			return a
		}
		var r response
		s.OK(json.Unmarshal(out, &r))
		if r.Encoded {
			s.Errorf("the event %.300q is answered in base64", raw)
		}
		a = optest.Answer{Status: r.Status, Header: http.Header{}, Body: jsontext.Value(r.Body)}
		for name, values := range r.Multi {
			a.Header[http.CanonicalHeaderKey(name)] = values
		}
		for name, value := range r.Single {
			a.Header.Set(name, value)
		}
		if len(a.Body) == 0 {
			a.Body = nil // HEAD
		}
		return a
	}), ok
}

// FuzzHTTP sends any target, header and body to every operation, as every
// caller: no 5xx, no panic, nothing but what the API description promises.
func FuzzHTTP(f *testing.F) {
	s := newServer(f)
	x := s.Target("")
	for i, r := range s.Routes {
		path, query, body := x.About(r)
		f.Add(uint8(i), uint8(0), optest.Join(path, query), "Idempotency-Key: k", body)
	}
	for i, target := range corpus(f, "paths.txt") {
		f.Add(uint8(i), uint8(i), x.In(target), "X-Correlation-ID: c", "")
	}
	for i, line := range corpus(f, "bodies.txt") {
		_, body, _ := strings.Cut(line, " ")
		f.Add(uint8(i), uint8(i), "", "", x.In(body))
	}
	for i, line := range corpus(f, "headers.txt") {
		f.Add(uint8(i), uint8(i), "", line, "{}")
	}
	callers := append(s.Names(everybody), "nobody")
	f.Fuzz(func(t *testing.T, op, who uint8, target, header, body string) {
		s.TB = t
		r, c := s.Routes[int(op)%len(s.Routes)], s.Callers[callers[int(who)%len(callers)]]
		if target == "" {
			path, query, _ := x.About(r)
			target = optest.Join(path, query)
		}
		headers := slices.Clone(c.Headers)
		if name, value, ok := strings.Cut(header, ": "); ok {
			headers = append(headers, name, value)
		}
		if body != "" && !strings.HasPrefix(header, "Content-Type") {
			headers = append(headers, "Content-Type", "application/json")
		}
		q, err := optest.Request(r.Method, target, body, headers...)
		if err != nil {
			return
		}
		a := s.Do(q)
		s.examine(a, r.Method+" "+target)
		if strings.HasPrefix(header, "Authorization") || strings.HasPrefix(header, "X-Api-Key") || strings.HasPrefix(header, "Cookie") {
			return
		}
		s.stayInside(c.Org, a)
	})
}

// FuzzLambdaEvent sends raw events through the Lambda runtime's decoding.
func FuzzLambdaEvent(f *testing.F) {
	s := newServer(f)
	files, err := filepath.Glob(attacks + "events/*.json")
	s.OK(err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		s.OK(err)
		f.Add(raw)
	}
	g := newGenerator(f, s, 1)
	for range 30 {
		f.Add(g.event(g.next()))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s.TB = t
		if a, ok := s.event(raw); ok {
			s.examine(a, string(raw))
		}
	})
}
