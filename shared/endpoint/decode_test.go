package endpoint

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
)

type stage struct {
	Name    string   `json:"name" required:"true" maxlen:"5"`
	Seconds *int     `json:"seconds" min:"1" max:"60"`
	Labels  []string `json:"labels" maxlen:"2"`
}

type thing struct {
	ID      string           `json:"agent_id" required:"true" maxlen:"8"`
	Kind    string           `json:"kind" enum:"a,b"`
	Limit   *int64           `json:"auto_approve_below" min:"0" max:"100"`
	Ratio   float64          `json:"ratio"`
	On      bool             `json:"on"`
	At      time.Time        `json:"at"`
	Stages  []stage          `json:"stages"`
	First   *stage           `json:"first"`
	Named   map[string]stage `json:"named"`
	Context map[string]any   `json:"context"`
	Raw     jsontext.Value   `json:"raw"`
}

func thingSpec(u Unknown) Spec {
	return Spec{ID: "things-add", Method: http.MethodPost, Path: "/api/things", Auth: KeyOrTokenWrite, Body: RequiredBody, Unknown: u, InvalidStatus: 422}
}

func TestBodiesAreReadStrictly(t *testing.T) {
	rows := []struct {
		name, body, code, pointers, detail string
	}{
		{"a good one", `{"agent_id":"abc","kind":"a","auto_approve_below":0,"at":"2026-01-02T03:04:05Z"}`, "", "", ""},
		{"space around", " \n{\"agent_id\":\"abc\"}\n ", "", "", ""},
		{"nulls are absent", `{"agent_id":"abc","kind":null,"stages":null,"first":null,"auto_approve_below":null}`, "", "", ""},
		{"nothing", ``, "VALIDATION_ERROR", "", "a JSON body is required. Missing required fields: agent_id"},
		{"only space", "  ", "VALIDATION_ERROR", "", "a JSON body is required. Missing required fields: agent_id"},
		{"an array", `[]`, "VALIDATION_ERROR", "", "the body must be a JSON object"},
		{"null", `null`, "VALIDATION_ERROR", "", "the body must be a JSON object"},
		{"no JSON", `hello`, "INVALID_JSON", "", "the body is not JSON"},
		{"cut off", `{"agent_id":"ab`, "INVALID_JSON", "", "the body is not JSON: malformed at byte 15"},
		{"trailing data", `{"agent_id":"abc"} {}`, "INVALID_JSON", "", "the body is not JSON: malformed at byte 19"},
		{"a name twice", `{"agent_id":"abc","agent_id":"abd"}`, "INVALID_JSON", "/agent_id", "agent_id is given more than once"},
		{"a name twice deep inside", `{"agent_id":"abc","context":{"a":{"b":1,"b":2}}}`, "INVALID_JSON", "/context/a/b", "context/a/b is given more than once"},
		{"a name twice in raw JSON", `{"agent_id":"abc","raw":{"b":1,"b":2}}`, "INVALID_JSON", "/raw/b", "raw/b is given more than once"},
		{"a name twice by escapes", `{"agent_id":"abc","\u0061gent_id":"abd"}`, "INVALID_JSON", "/agent_id", "agent_id is given more than once"},
		{"invalid UTF-8", "{\"agent_id\":\"ab\xff\"}", "INVALID_JSON", "", "the body is not JSON: malformed at byte 15"},
		{"a lone surrogate", `{"agent_id":"ab\ud800"}`, "INVALID_JSON", "", "the body is not JSON: malformed at byte 15"},
		{"another case", `{"Agent_ID":"abc"}`, "VALIDATION_ERROR", "/Agent_ID", "Agent_ID is not a known field"},
		{"a wrong type", `{"agent_id":5}`, "VALIDATION_ERROR", "/agent_id", "agent_id must be a string"},
		{"a fraction", `{"agent_id":"abc","auto_approve_below":1.5}`, "VALIDATION_ERROR", "/auto_approve_below", "auto_approve_below must be an integer"},
		{"a digit string", `{"agent_id":"abc","auto_approve_below":"1"}`, "VALIDATION_ERROR", "/auto_approve_below", "auto_approve_below must be an integer"},
		{"a huge integer", `{"agent_id":"abc","auto_approve_below":99999999999999999999}`, "VALIDATION_ERROR", "/auto_approve_below", "auto_approve_below is out of range"},
		{"a word for a bool", `{"agent_id":"abc","on":"yes"}`, "VALIDATION_ERROR", "/on", "on must be true or false"},
		{"a bad time", `{"agent_id":"abc","at":"yesterday"}`, "VALIDATION_ERROR", "/at", "at must be a time such as 2026-01-02T15:04:05Z"},
		{"an object for a list", `{"agent_id":"abc","stages":{}}`, "VALIDATION_ERROR", "/stages", "stages must be an array"},
		{"a list for an object", `{"agent_id":"abc","first":[]}`, "VALIDATION_ERROR", "/first", "first must be an object"},
		{"unknown fields, all named", `{"agent_id":"abc","a/b":1,"stages":[{"name":"x","nam":2}],"first":{"q":0},"named":{"k":{"z":1}},"context":{"free":1}}`,
			"VALIDATION_ERROR", "/a~1b /stages/0/nam /first/q /named/k/z", "a~1b is not a known field"},
		{"a required field lacks", `{}`, "VALIDATION_ERROR", "/agent_id", "Missing required fields: agent_id"},
		{"required fields lack deep inside", `{"stages":[{"name":"x"},{}]}`, "VALIDATION_ERROR", "/agent_id /stages/1/name", "Missing required fields: agent_id, stages/1/name"},
		{"an empty required field", `{"agent_id":""}`, "VALIDATION_ERROR", "/agent_id", "Missing required fields: agent_id"},
		{"too long", `{"agent_id":"abcdefghi"}`, "VALIDATION_ERROR", "/agent_id", "agent_id must be at most 8 characters"},
		{"characters, not bytes", `{"agent_id":"éééééééé"}`, "", "", ""},
		{"not of the enum", `{"agent_id":"abc","kind":"c"}`, "VALIDATION_ERROR", "/kind", "kind must be one of a, b"},
		{"above the bound", `{"agent_id":"abc","auto_approve_below":101}`, "VALIDATION_ERROR", "/auto_approve_below", "auto_approve_below must be between 0 and 100"},
		{"rules within", `{"agent_id":"abc","first":{"name":"x","seconds":0,"labels":["a","b","c"]}}`,
			"VALIDATION_ERROR", "/first/seconds /first/labels", "first/seconds must be between 1 and 60"},
		{"deep", `{"agent_id":"abc","raw":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`, "", "", ""},
		{"too deep", `{"agent_id":"abc","raw":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, "INVALID_JSON", "", "the body is nested deeper than 32 levels"},
		{"too many elements", `{"agent_id":"abc","raw":[` + strings.Repeat("0,", 10_000) + `0]}`, "INVALID_JSON", "", "the body has more than 10000 elements"},
		{"a number too long", `{"agent_id":"abc","raw":` + strings.Repeat("9", 65) + `}`, "INVALID_JSON", "", "the body has a number that is too long or too large"},
		{"a number too large", `{"agent_id":"abc","raw":1e9999}`, "INVALID_JSON", "", "the body has a number that is too long or too large"},
		{"a number as large as allowed", `{"agent_id":"abc","raw":[1e999,-1.5E-999,1e+999]}`, "", "", ""},
		{"braces in a string", `{"agent_id":"abc","raw":"` + strings.Repeat("[", 99) + `\"[{"}`, "", "", ""},
	}
	k := newKit(t, Define(thingSpec(Refuse), func(context.Context, *app.App, *command.Command, thing) (done, error) { return done{OK: true}, nil }))
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			a := k.send(t, "POST", "/api/things", row.body)
			want := 200
			if row.code != "" {
				want = 422
			}
			a.want(t, want, row.code)
			if a.pointers() != row.pointers || a.problem.Detail != row.detail {
				t.Errorf("pointers %q, detail %q; want %q, %q", a.pointers(), a.problem.Detail, row.pointers, row.detail)
			}
			for _, leak := range []string{"Go ", "struct", "endpoint.", "json:", "int64", "jsontext"} {
				if strings.Contains(a.problem.Detail, leak) {
					t.Errorf("%q shows Go", a.problem.Detail)
				}
			}
		})
	}
}

func TestToleratedFieldsAreIgnored(t *testing.T) {
	var got thing
	k := newKit(t, Define(thingSpec(Tolerate), func(_ context.Context, _ *app.App, _ *command.Command, in thing) (done, error) {
		got = in
		return done{}, nil
	}))
	k.send(t, "POST", "/api/things", `{"agent_id":"abc","extra":{"x":[1]},"first":{"name":"n","y":1}}`).want(t, 200, "")
	if got.ID != "abc" || got.First.Name != "n" {
		t.Errorf("read %+v", got)
	}
	k.send(t, "POST", "/api/things", `{"agent_id":"abc","extra":1,"extra":2}`).want(t, 422, problem.CodeInvalidJSON)
}

func TestNumbersOfFreeFormAreKeptAsSent(t *testing.T) {
	const context_ = `{"amount":12345678901234567890.10,"list":[0.1,{"x":1e2}],"s":"1","t":true,"z":null}`
	k := newKit(t, Define(thingSpec(Refuse), func(_ context.Context, _ *app.App, _ *command.Command, in thing) (any, error) { return in.Context, nil }))
	a := k.send(t, "POST", "/api/things", `{"agent_id":"abc","context":`+context_+`}`)
	if a.body != context_ {
		t.Errorf("came back as %s", a.body)
	}
}

func TestOptionalAndAbsentBodies(t *testing.T) {
	type in struct {
		Reason string `json:"reason" maxlen:"5"`
	}
	optional := Spec{ID: "a-b", Method: "POST", Path: "/optional", Auth: Token, Body: OptionalBody}
	none := Spec{ID: "a-c", Method: "POST", Path: "/none", Auth: Token}
	lax := Spec{ID: "a-d", Method: "DELETE", Path: "/lax", Auth: Token, Unknown: Tolerate}
	k := newKit(t, Define(optional, func(_ context.Context, _ *app.App, _ *command.Command, v in) (in, error) { return v, nil }),
		Define(none, ok), Define(lax, ok))
	for _, row := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/optional", "", 200}, {"POST", "/optional", " ", 200}, {"POST", "/optional", "{}", 200},
		{"POST", "/optional", `{"reason":"ok"}`, 200}, {"POST", "/optional", `{"reason":"too long"}`, 400}, {"POST", "/optional", `null`, 400},
		{"POST", "/none", "", 200}, {"POST", "/none", "{}", 200}, {"POST", "/none", `{"x":1}`, 400}, {"POST", "/none", `{`, 400},
		{"DELETE", "/lax", "", 200}, {"DELETE", "/lax", `{"x":1}`, 200},
	} {
		a := k.send(t, row.method, row.path, row.body, "Content-Type", "application/json")
		if a.StatusCode != row.want {
			t.Errorf("%s with %q: %d, want %d: %s", row.path, row.body, a.StatusCode, row.want, a.body)
		}
	}
}

func TestMediaTypesAndSizes(t *testing.T) {
	s := thingSpec(Refuse)
	s.MaxBody = 60
	k := newKit(t, Define(s, func(context.Context, *app.App, *command.Command, thing) (done, error) { return done{}, nil }))
	const good = `{"agent_id":"abc"}`
	for contentType, want := range map[string]int{
		"": 200, "application/json": 200, "application/json; charset=utf-8": 200, "Application/JSON;charset=UTF-8": 200,
		"application/json; charset=utf-16": 415, "text/plain": 415, "application/jsonx": 415, "application/problem+json": 415, ";": 415,
	} {
		if a := k.send(t, "POST", "/api/things", good, "Content-Type", contentType); a.StatusCode != want {
			t.Errorf("%q: %d, want %d", contentType, a.StatusCode, want)
		}
	}
	k.send(t, "POST", "/api/things", good, "Content-Encoding", "gzip").want(t, 415, problem.CodeUnsupportedMedia)
	large := `{"agent_id":"` + strings.Repeat("a", 60) + `"}`
	k.send(t, "POST", "/api/things", large).want(t, 413, problem.CodeTooLarge)
	r, _ := http.NewRequest(http.MethodPost, "/api/things", struct{ *strings.Reader }{strings.NewReader(large)})
	r.ContentLength = -1
	r.Header.Set("X-Test-Caller", "admin")
	k.serve(t, r).want(t, 413, problem.CodeTooLarge)
	r, _ = http.NewRequest(http.MethodPost, "/api/things", strings.NewReader(good))
	r.ContentLength = 30
	r.Header.Set("X-Test-Caller", "admin")
	k.serve(t, r).want(t, 400, problem.CodeInvalidJSON)
}

func ExampleDefine() {
	type in struct {
		ID    string `path:"thing_id" json:"-"`
		Count int    `query:"count" default:"1" min:"1" max:"9" json:"-"`
		Name  string `json:"name" required:"true"`
	}
	type out struct {
		Said string `json:"said"`
	}
	route := Define(Spec{
		ID: "things-greet", Method: http.MethodPost, Path: "/api/things/{thing_id}/greet",
		Summary: "Greets a thing.", Auth: KeyOrTokenWrite, Body: RequiredBody, Repeats: true,
	}, func(ctx context.Context, a *app.App, c *command.Command, in in) (out, error) {
		return out{Said: fmt.Sprintf("%d times: %s greets %s", in.Count, in.Name, in.ID)}, nil
	})
	fmt.Println(route.Err(), route.Method, route.Path)
	// Output: <nil> POST /api/things/{thing_id}/greet
}
