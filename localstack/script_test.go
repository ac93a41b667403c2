package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// service answers a little of what the real one does, and shows what it was sent.
func service(t *testing.T) Env {
	t.Helper()
	var polls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/base/echo":
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, `{"method": %q, "uri": %q, "key": %q, "bearer": %q, "type": %q, "x": %q, "length": %d, "body": %q}`, r.Method, r.RequestURI,
				r.Header.Get("X-API-Key"), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get("X-Test"), len(body), strings.ToValidUTF8(string(body), "?"))
		case "/base/things":
			w.Header().Set("Link", `<?cursor=abc>; rel="next"`)
			fmt.Fprintf(w, `{"n": %d, "id": 9007199254740991, "ok": true, "none": null, "at": "2026-01-02T03:04:05Z", "name": "shop", "cursor": %q,
				"list": [{"id": 1, "s": "a"}, {"id": 2, "s": "b"}], "empty": []}`, polls.Add(1), r.URL.Query().Get("cursor"))
		case "/base/status":
			io.WriteString(w, `{"action_id": 1547, "status": "approved", "risk_score": 35, "timestamp": "2025-01-15T10:30:45Z", "decision_ready": true}`)
		case "/base/html":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, `<html>`)
		case "/base/badproblem":
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no", "instance": "/x", "error_code": "NOT_FOUND", "timestamp": "2026-01-02T03:04:05Z"}`)
		case "/base/moved":
			http.Redirect(w, r, "/base/things", http.StatusMovedPermanently)
		default:
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no such path", "instance": "/x", "error_code": "NOT_FOUND",
				"correlation_id": "action_20260102_030405_0a1b2c3d", "timestamp": "2026-01-02T03:04:05Z", "errors": []}`)
		}
	}))
	t.Cleanup(s.Close)
	return Env{
		BaseURL: s.URL + "/base", Examples: os.DirFS("../testdata/documented"),
		Credentials: map[string]string{"key": "owkai_admin_k", "admin": "a.b.c"},
	}
}

func TestAScriptWhoseExpectationsHoldPasses(t *testing.T) {
	script := `
# what is sent
let name = shop-${unique}

POST /echo?q=%zz&path=a%2Fb
as: key
X-Test: ${name}

{"name": "${name}",
 "long": "${repeat 3 ab}"}
=> 200
.method == "POST"
.uri == "/base/echo?q=%zz&path=a%2Fb"
.key == "owkai_admin_k"
.bearer == ""
.type == "application/json"
.x == "${name}"
.x ~ ^shop-[a-z0-9]{12}$
.body ~ "long": "ababab"}$
capture body = .body

GET /echo
as: admin
=> 200
.bearer == "Bearer ${admin}"
.type == ""
.length == 0

POST /echo
Content-Type: text/plain
${hex fffe41}
=> 200
.length == 3
.type == "text/plain"

POST /echo
body: actions-reject.request {"reason": "${name}"}
=> 200
.body == "{\"reason\":\"${name}\"}"

# what is expected
GET /things
=> 200|201
header Content-Type == "application/json"
header Content-Type ~ ^application/json$
header X-Nothing absent
. is object
.id == 9007199254740991
.id is integer|string
.at is time
.none == null
.none exists
.other absent
.name != "other"
.name !~ ^x
.n > 0
.n >= 1
.list length 2
.empty length 0
.list[0].id == 1
.list[-1].s == "b"
.list[id=2].s == "b"
.list[s=a].id == 1
.list[*].id >= 1
.list has {"s": "a", "id": 1}
.list[0].id != .list[1].id
body ~ "shop"
body !~ secret
. == . except nothing
capture id = .id
capture whole = .
capture next = link next

GET ${next}
=> 200
.id == ${id}
.cursor == "abc"
. == ${whole} except n cursor

GET /status
repeat: 2
=> 200
shape actions-status.200

GET /nothing/${id}
=> 404
problem NOT_FOUND
.detail == "no such path"

GET /moved
=> 301 raw

GET /html
=> 200 raw
header Content-Type == "text/html"
`
	if err := Play(t.Context(), "good.http", script, service(t)); err != nil {
		t.Error(err)
	}
}

func TestAnUnmetExpectationFailsWithItsLine(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"another status", "GET /things\n=> 404", "x.http:1: GET /things: answered 200, want [404]"},
		{"another value", "GET /things\n=> 200\n\n.ok == false", "x.http:4: .ok == false: it is true"},
		{"an equal value that should differ", "GET /things\n=> 200\n.ok != true", "x.http:3"},
		{"an absent member", "GET /things\n=> 200\n.gone == 1", "x.http:3: .gone == 1: it is absent"},
		{"an absent member that should exist", "GET /things\n=> 200\n.gone exists", "it is absent"},
		{"a member that should be absent", "GET /things\n=> 200\n.ok absent", "it is there"},
		{"a negative test on an absent member", "GET /things\n=> 200\n.gone != 1", "it is absent"},
		{"another type", "GET /things\n=> 200\n.ok is string|null", "it is true"},
		{"a time that is not one", "GET /things\n=> 200\n.name is time", `it is "shop"`},
		{"an unmatched pattern", "GET /things\n=> 200\n.name ~ ^x", `it is "shop"`},
		{"a matched pattern", "GET /things\n=> 200\n.name !~ ^s", `it is "shop"`},
		{"a word that must not be in the answer", "GET /things\n=> 200\nbody !~ shop", "x.http:3"},
		{"another length", "GET /things\n=> 200\n.list length 3", "x.http:3"},
		{"a length of what is no list", "GET /things\n=> 200\n.name length 4", "x.http:3"},
		{"an element that is not there", "GET /things\n=> 200\n.list has 1", "x.http:3"},
		{"an order that does not hold", "GET /things\n=> 200\n.id < 1", "x.http:3"},
		{"an order of what is no number", "GET /things\n=> 200\n.name >= 1", "x.http:3"},
		{"one of each", "GET /things\n=> 200\n.list[*].id == 1", "it is 2"},
		{"each of none", "GET /things\n=> 200\n.empty[*].id == 1", "it is absent"},
		{"another whole", "GET /things\n=> 200\ncapture w = .\nGET /things\n=> 200\n. == ${w} except id", "x.http:6"},
		{"another header", "GET /things\n=> 200\nheader Content-Type == \"text/html\"", "x.http:3"},
		{"an absent header", "GET /things\n=> 200\nheader X-Nothing exists", "it is absent"},
		{"another error code", "GET /x\n=> 404\nproblem AGENT_NOT_FOUND", `it is "NOT_FOUND"`},
		{"another shape", "GET /things\n=> 200\nshape actions-status.200", "/action_id is missing"},
		{"an unknown example", "GET /things\n=> 200\nshape nothing.200", "nothing.200.json"},
		{"an answer that is not JSON", "GET /html\n=> 200", "not JSON"},
		{"a problem without all its members", "GET /badproblem\n=> 404", "of every problem, .correlation_id is string: it is absent"},
		{"a capture of nothing", "GET /things\n=> 200\ncapture id = .gone", "finds 0 values"},
		{"no next link", "GET /status\n=> 200\ncapture n = link next", "no next link"},
		{"an unknown variable", "GET /things/${nobody}\n=> 200", `no variable or credential "nobody"`},
		{"a missing credential", "GET /things\nas: viewer\n=> 200", `the environment has no credential "viewer"`},
		{"an unknown credential", "GET /things\nas: root\n=> 200", `the environment has no credential "root"`},
		{"a foreign target", "GET http://example.com/\n=> 200", "is not of http://127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Play(t.Context(), "x.http", c.script, service(t))
			if err == nil {
				t.Fatal("the script passes")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
			if strings.Contains(err.Error(), "owkai_admin_k") {
				t.Errorf("error %q shows a credential", err)
			}
		})
	}
}

func TestEveryUnmetExpectationOfARequestIsTold(t *testing.T) {
	err := Play(t.Context(), "x.http", "GET /things\n=> 200\n.ok == false\n.name == 1\nGET /html\n=> 200", service(t))
	if err == nil || !strings.Contains(err.Error(), "x.http:3") || !strings.Contains(err.Error(), "x.http:4") {
		t.Errorf("error %v does not tell lines 3 and 4", err)
	}
	if err != nil && strings.Contains(err.Error(), "x.http:5") {
		t.Errorf("error %v goes on after a failed request", err)
	}
}

func TestNothingIsSentOfAScriptThatIsNotWellFormed(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"nothing", "# only a comment", "line 1: the script is empty"},
		{"an expectation before any request", ".ok == true", "line 1: an expectation before any request"},
		{"no status", "GET /things\n.ok == true", "line 1: the request has no => line"},
		{"a status that is none", "GET /things\n=> OK", "line 2: not a status line"},
		{"an operator that is none", "GET /things\n=> 200\n.ok = true", "line 3: not an expectation"},
		{"an operator without a value", "GET /things\n=> 200\n.ok ==", "line 3"},
		{"exists with a value", "GET /things\n=> 200\n.ok exists true", "line 3: exists takes no value"},
		{"a pattern that is none", "GET /things\n=> 200\n.ok ~ (", "line 3"},
		{"a header after the body", "POST /things\n{}\nrepeat: 2\n=> 200", "line 3: a header after the body"},
		{"two bodies", "POST /things\nbody: x\n{}\n=> 200", "line 3: a body beside body:"},
		{"a misspelt word", "GET /things\nass: key\n=> 200", `line 2: unknown word "ass"`},
		{"a repeat of nothing", "GET /things\nrepeat: 0\n=> 200", "line 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := Env{BaseURL: "http://127.0.0.1:1"} // nobody there: sending fails otherwise
			err := Play(t.Context(), "x.http", c.script, env)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
}
