package functions_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"ascend/functions"
	"ascend/functions/optest"
	"ascend/shared/app"
)

// promises are the compiled schemas of the API description: "<operation>
// <status>" for successes, "problem" for failures.
type promises map[string]*jsonschema.Schema

var documented = sync.OnceValues(func() (promises, error) {
	text, err := functions.OpenAPI(functions.Routes(), app.Version)
	if err != nil {
		return nil, err
	}
	type media struct{ Schema jsontext.Value }
	type response struct{ Content map[string]media }
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string              `json:"operationId"`
			Responses   map[string]response `json:"responses"`
		}
		Components struct{ Responses map[string]response }
	}
	if err := json.Unmarshal(text, &d, json.MatchCaseInsensitiveNames(true)); err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	all := promises{}
	add := func(name string, schema []byte) error {
		schema = bytes.ReplaceAll(schema, []byte(`"#/components`), []byte(`"memory:///openapi.json#/components`))
		parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
		if err != nil {
			return err
		}
		url := "memory:///" + strings.ReplaceAll(name, " ", "/") + ".json"
		if err := c.AddResource(url, parsed); err != nil {
			return err
		}
		all[name], err = c.Compile(url)
		return err
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if err := c.AddResource("memory:///openapi.json", parsed); err != nil {
		return nil, err
	}
	for _, methods := range d.Paths {
		for _, op := range methods {
			for status, r := range op.Responses {
				if m, ok := r.Content["application/json"]; ok {
					if err := add(op.OperationID+" "+status, m.Schema); err != nil {
						return nil, fmt.Errorf("operation %s: %w", op.OperationID, err)
					}
				}
			}
		}
	}
	return all, add("problem", d.Components.Responses["Problem"].Content["application/problem+json"].Schema)
})

// The members of a problem body (decision 4), and no others.
var problemMembers = map[string]bool{
	"type": true, "title": true, "status": true, "detail": true, "instance": true, "error_code": true,
	"correlation_id": true, "timestamp": true, "errors": false,
}

// Traces of our insides that no answer may hold.
var insides = regexp.MustCompile(`goroutine \d|runtime error|\.go:\d|panic:|ascend/(shared|functions)|dynamodb|bbolt|jsontext|reflect\.|0x[0-9a-f]{8}`)

// examine holds an answer against what is promised of all of them.
func (s *server) examine(a optest.Answer, what string) {
	s.Helper()
	fail := func(format string, args ...any) {
		s.Helper()
		reason := fmt.Sprintf(format, args...)
		kind := fmt.Sprint(a.Status, reason)
		if a.Route != nil {
			kind += a.Route.ID
		}
		if s.known[kind] == 2 { // a generator finds one fault a hundred times
			s.Fail()
			return
		}
		s.known[kind]++
		s.Errorf("%s: answered %d, %s: %.600s", what, a.Status, reason, a.Body)
	}
	if a.Status >= 500 || a.Status < 200 || a.Status >= 300 && a.Status < 400 {
		fail("which no request may get")
	}
	s.tellNothing("the answer", a.Body)
	s.tellNothing("the log", a.Log)
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
	} {
		if got := a.Header.Get(name); got != want {
			fail("the header %s is %q", name, got)
		}
	}
	if a.Header.Get("X-Correlation-Id") == "" || a.Header.Get("Set-Cookie") != "" {
		fail("its headers are %v", a.Header)
	}
	if a.Body == nil { // of HEAD
		return
	}
	name, kind := "problem", "application/problem+json"
	if a.Status < 400 {
		if a.Route == nil {
			fail("a success of no operation")
			return
		}
		name, kind = a.Route.ID+" "+strconv.Itoa(a.Status), "application/json"
	} else if found := insides.Find(a.Body); found != nil && !strings.Contains(what, string(found)) {
		fail("which shows %q", found)
	}
	if got := a.Header.Get("Content-Type"); got != kind {
		fail("its type is %q", got)
	}
	all, err := documented()
	s.OK(err)
	if a.Route != nil && a.Route.ID == "openapi" && a.Status == 200 {
		if s.known[string(a.Body)] > 0 {
			return // the very document that was checked before
		}
		s.known[string(a.Body)]++
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.Body))
	if err != nil {
		fail("its body is not JSON: %v", err)
		return
	}
	if all[name] == nil {
		fail("which the API description does not have for %s", name)
		return
	}
	if err := all[name].Validate(value); err != nil {
		fail("not as described: %v", err)
	}
	if a.Status >= 400 {
		s.examineProblem(a, value.(map[string]any), fail)
	}
}

func (s *server) examineProblem(a optest.Answer, p map[string]any, fail func(string, ...any)) {
	s.Helper()
	for name := range p {
		if _, known := problemMembers[name]; !known {
			fail("it has the member %s", name)
		}
	}
	for name, required := range problemMembers {
		if required && p[name] == nil {
			fail("it lacks the member %s", name)
		}
	}
	if fmt.Sprint(p["status"]) != strconv.Itoa(a.Status) || p["type"] != "about:blank" || p["title"] != http.StatusText(a.Status) {
		fail("its type, title or status is another")
	}
	if detail, _ := p["detail"].(string); detail == "" || len(detail) > 2000 {
		fail("its detail has %d bytes", len(detail))
	}
	if code, _ := p["error_code"].(string); !regexp.MustCompile(`^[A-Z][A-Z_]+$`).MatchString(code) {
		fail("its error_code is %q", code)
	}
	if len(a.Body) > 32<<10 {
		fail("it has %d bytes", len(a.Body))
	}
	if (a.Status == 401) != (a.Header.Get("WWW-Authenticate") != "") {
		fail("WWW-Authenticate is %q", a.Header.Get("WWW-Authenticate"))
	}
	if a.Status == 405 && a.Header.Get("Allow") == "" {
		fail("Allow is missing")
	}
}

// TestEveryOperationIsPromised keeps the checks above from being empty: each
// operation has a schema that refuses what it does not answer.
func TestEveryOperationIsPromised(t *testing.T) {
	t.Parallel()
	all, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range functions.Routes() {
		s := all[r.ID+" "+strconv.Itoa(r.Success)]
		if s == nil {
			t.Errorf("operation %s promises nothing for %d", r.ID, r.Success)
		} else if r.ID != "openapi" && s.Validate(map[string]any{"surprise": true}) == nil {
			t.Errorf("operation %s may answer anything", r.ID)
		}
	}
	if all["problem"].Validate(map[string]any{"status": "x"}) == nil {
		t.Error("a problem may be anything")
	}
}

// What differs between two answers to the same question.
var (
	instants     = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	correlations = regexp.MustCompile(`action_\d{8}_\d{6}_[0-9a-f]{8}`)
	drawn        = regexp.MustCompile(`\b[a-z]{2,5}_[0-9a-f]{12,}|\b[0-9a-f]{64}\b|\b\d{12,16}\b`)
	took         = regexp.MustCompile(`"(processing_time_ms|evaluation_time_ms)":\d+`)
	instances    = regexp.MustCompile(`"instance":"[^"]*"`)
)

// masked returns an answer without what is drawn, timed or echoed: the texts given,
// which name the target, each followed by what stands for it.
func masked(a optest.Answer, echoed ...string) string {
	s := fmt.Sprint(a.Status, " ", maskedHeader(a.Header), " ", string(a.Body))
	for i := 0; i+1 < len(echoed); i += 2 {
		s = strings.ReplaceAll(s, echoed[i], echoed[i+1])
	}
	s = instants.ReplaceAllString(s, "<time>")
	s = correlations.ReplaceAllString(s, "<correlation>")
	s = took.ReplaceAllString(s, `"$1":0`)
	s = instances.ReplaceAllString(s, `"instance":"<path>"`)
	return drawn.ReplaceAllString(s, "<drawn>")
}

// difference returns where two texts part, each from a little before that.
func difference(got, want string) string {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	return fmt.Sprintf("\n got …%.400s\nwant …%.400s", got[max(0, at-80):], want[max(0, at-80):])
}

func maskedHeader(h http.Header) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if name != "X-Correlation-Id" && name != "Content-Length" {
			fmt.Fprintf(&b, "%s=%q ", name, h[name])
		}
	}
	return b.String()
}
