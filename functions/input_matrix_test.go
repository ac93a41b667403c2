package functions_test

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ascend/functions/optest"
	"ascend/shared/endpoint"
	"ascend/shared/jsonschema"
)

const attacks = "../testdata/attacks/"

var placeholder = regexp.MustCompile(`\$\{(repeat|hex) ([^}]*)\}`)

// corpus reads the lines of an attack corpus, filled in.
func corpus(t testing.TB, name string) []string {
	t.Helper()
	text, err := os.ReadFile(attacks + name)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		lines = append(lines, placeholder.ReplaceAllStringFunc(line, func(found string) string {
			word, rest, _ := strings.Cut(found[2:len(found)-1], " ")
			if word == "hex" {
				raw, err := hex.DecodeString(rest)
				if err != nil {
					t.Fatalf("%s: %s: %v", name, found, err)
				}
				return string(raw)
			}
			count, what, _ := strings.Cut(rest, " ")
			n, err := strconv.Atoi(count)
			if err != nil || what == "" {
				t.Fatalf("%s: %s is not a count and a text", name, found)
			}
			return strings.Repeat(strings.ReplaceAll(what, `\x7d`, "}"), n)
		}))
	}
	if len(lines) < 10 {
		t.Fatalf("%s has only %d lines", name, len(lines))
	}
	return lines
}

func TestEveryOperationBearsEveryBody(t *testing.T) {
	long(t)
	s := newServer(t)
	bodies, seen := corpus(t, "bodies.txt"), map[reflect.Type]bool{}
	for _, r := range s.Routes {
		x := s.Target("")
		for _, line := range bodies {
			expect, body, _ := strings.Cut(line, " ")
			variants := []string{x.In(body)}
			// Otherwise good requests with the same fault show that it is the fault that is refused.
			if _, _, good := x.About(r); expect == "refused" && strings.HasPrefix(body, `{"`) && strings.HasSuffix(body, "}") && good != "" {
				variants = append(variants, strings.TrimSuffix(good, "}")+","+body[1:])
			}
			for _, body := range variants {
				reads := r.Method != http.MethodGet
				if len(body) > 50_000 && (!reads || seen[r.In()]) {
					continue // another operation of the same type has had it
				}
				path, query, _ := x.About(r)
				a := s.As("admin", r.Method, optest.Join(path, query), body)
				switch {
				case expect == "refused" && reads && a.Status < 400:
					t.Errorf("%s took %.200q: %d %.300s", r.ID, body, a.Status, a.Body)
				case !reads && a.Status != 200:
					t.Errorf("%s, a GET, looked at %.200q: %d %.300s", r.ID, body, a.Status, a.Body)
				case reads && a.Status >= 400 && !slices.Contains([]int{400, 404, 413, 422}, a.Status):
					t.Errorf("%s refused %.200q with %d %.300s", r.ID, body, a.Status, a.Body)
				}
			}
		}
		seen[r.In()] = true
	}
}

// TestEveryMemberRefusesOtherTypes sends every JSON type for every member of
// every body, and wants the wrong ones refused by name.
func TestEveryMemberRefusesOtherTypes(t *testing.T) {
	long(t)
	s := newServer(t)
	values := map[string][]string{
		"string": {`"text"`, `""`, `"1"`}, "boolean": {`true`, `false`}, "array": {`[]`, `[1]`, `[null]`, `[[]]`, `[{}]`},
		"object": {`{}`, `{"a":1}`, `{"agent_id":{}}`}, "integer": {`1`, `0`, `-1`, `9007199254740993`}, "number": {`0.5`, `1e2`, `-0`, `1E400`}, "null": {`null`},
	}
	type decoding struct {
		in      reflect.Type
		invalid int
		unknown endpoint.Unknown
	}
	cells, seen := 0, map[decoding]bool{}
	for _, r := range s.Routes {
		as := decoding{r.In(), r.InvalidStatus, r.Unknown}
		if !r.HasBody() || seen[as] { // an older name of an operation decodes as that does
			continue
		}
		seen[as] = true
		x := s.Target("")
		members, err := jsonschema.Members(r.In())
		s.OK(err)
		for _, m := range members {
			kind := jsonKind(m.Field.Type)
			for sent, texts := range values {
				for _, text := range texts {
					cells++
					path, query, body := x.About(r)
					a := s.As("admin", r.Method, optest.Join(path, query), member(t, body, m.Name, text))
					fits := kind == "any" || sent == kind || sent == "null" || kind == "integer" && sent == "number" || kind == "number" && sent == "integer"
					if fits {
						continue // examine has looked for what may never be
					}
					if a.Status != r.InvalidStatus {
						t.Errorf("%s: %s, of %s, takes %s: %d %.300s", r.ID, m.Name, kind, text, a.Status, a.Body)
					} else if got := a.Text("/errors/0/pointer"); got != "/"+m.Name && !strings.HasPrefix(got, "/"+m.Name+"/") {
						t.Errorf("%s: %s with %s is refused at %q: %.300s", r.ID, m.Name, text, got, a.Body)
					}
				}
			}
		}
	}
	t.Logf("%d cells", cells)
}

// jsonKind is the JSON type that a Go type is read from. A type with a method
// Value, such as agent.Setting, is read as what that returns.
func jsonKind(t reflect.Type) string {
	if m, ok := t.MethodByName("Value"); ok && m.Type.NumIn() == 1 && m.Type.NumOut() == 1 {
		return jsonKind(m.Type.Out(0))
	}
	switch t.Kind() {
	case reflect.Pointer:
		return jsonKind(t.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Interface:
		return "any"
	}
	return "integer"
}

func TestUnknownMembersAreRefusedWhereTheSpecSaysSo(t *testing.T) {
	long(t)
	s := newServer(t)
	for _, r := range s.Routes {
		if r.Method == http.MethodGet {
			continue
		}
		for name, pointer := range map[string]string{"zzz_typo": "/zzz_typo", "Reason": "/Reason", "a/b~c": "/a~1b~0c", "": "/", strings.Repeat("n", 3000): "/" + strings.Repeat("n", 200)} {
			x := s.Target("")
			path, query, body := x.About(r)
			a := s.As("admin", r.Method, optest.Join(path, query), member(t, body, name, "1"))
			switch r.Unknown {
			case endpoint.Tolerate:
				if !success(r, a.Status) {
					t.Errorf("%s refuses the unknown member %.20q: %d %s", r.ID, name, a.Status, a.Body)
				}
			default:
				if got := a.Text("/errors/0/pointer"); a.Status != r.InvalidStatus || got != pointer {
					t.Errorf("%s with the unknown member %.20q: %d at %.20q: %s", r.ID, name, a.Status, got, a.Body)
				}
			}
		}
	}
}

func TestEveryPathAndMethodGetsAProblemOrAnAnswer(t *testing.T) {
	long(t)
	s := newServer(t)
	x := s.Target("")
	refused, answered := 0, 0
	for _, target := range corpus(t, "paths.txt") {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get"} {
			for _, who := range []string{"manager", "key admin"} {
				r, err := optest.Request(method, x.In(target), "", s.Callers[who].Headers...)
				if err != nil {
					refused++ // by net/http, before it reaches us
					continue
				}
				answered++
				a := s.Do(r)
				what := fmt.Sprintf("%s %.200q", method, target)
				s.examine(a, what)
				s.stayInside(ours, a)
				if a.Route == nil && a.Status != 404 && a.Status != 405 {
					t.Errorf("%s: no operation answered %d: %s", what, a.Status, a.Body)
				}
				if a.Header.Get("Location") != "" {
					t.Errorf("%s is sent to %q", what, a.Header.Get("Location"))
				}
			}
		}
	}
	t.Logf("%d answered, %d refused by net/http", answered, refused)
	if answered < 500 {
		t.Errorf("only %d requests got through to the service", answered)
	}
}

func TestEveryParameterBearsEveryValue(t *testing.T) {
	long(t)
	s := newServer(t)
	values := corpus(t, "values.txt")
	for _, r := range s.Routes {
		x := s.Target("")
		for _, p := range r.Params() {
			for _, value := range values {
				value = x.In(value)
				path, query, body := x.About(r)
				switch p.In {
				case "path":
					path = x.In(strings.ReplaceAll(r.Path, "{"+p.Name+"}", escape(value)))
				case "query":
					query = p.Name + "=" + escape(value)
				}
				a := s.As("admin", r.Method, optest.Join(path, query), body)
				if a.Status < 400 && (a.Route == nil || a.Route.ID != r.ID) {
					t.Errorf("%s with the %s %s %.50q was answered by another operation", r.ID, p.In, p.Name, value)
				}
			}
		}
	}
}

// escape escapes every byte that is not a letter or digit.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func TestEveryOperationBearsEveryHeader(t *testing.T) {
	long(t)
	s := newServer(t)
	refused := 0
	for _, r := range s.Routes {
		x := s.Target("")
		for _, line := range corpus(t, "headers.txt") {
			var headers []string
			for one := range strings.SplitSeq(line, " | ") {
				name, value, _ := strings.Cut(one, ":")
				headers = append(headers, name, strings.TrimPrefix(value, " "))
			}
			for _, who := range []string{"admin", "none"} {
				path, query, body := x.About(r)
				own := s.Callers[who].Headers // nobody is called "none"
				if slices.Contains(headers, "Content-Type") {
					own = slices.Clone(own)
				} else if body != "" {
					own = append(slices.Clone(own), "Content-Type", "application/json")
				}
				q, err := optest.Request(r.Method, optest.Join(path, query), body, append(slices.Clone(own), headers...)...)
				if err != nil {
					refused++
					continue
				}
				a := s.Do(q)
				s.examine(a, fmt.Sprintf("%s with %.100q", r.ID, line))
				if who == "none" {
					s.stayInside(0, a)
				} else {
					s.stayInside(ours, a)
				}
				for name, values := range a.Header {
					for _, v := range values {
						if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c == 0x7f }) || len(v) > 4096 {
							t.Errorf("%s with %.100q: the header %s of the answer is %.100q", r.ID, line, name, v)
						}
					}
				}
			}
		}
	}
	t.Logf("%d refused by net/http", refused)
}

func TestEveryRawEventGetsAProblemOrAnAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	files, err := filepath.Glob(attacks + "events/*.json")
	s.OK(err)
	if len(files) < 40 {
		t.Fatalf("only %d events", len(files))
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		s.OK(err)
		a, ok := s.event(raw)
		if !ok {
			continue // not even the runtime can read it
		}
		s.examine(a, filepath.Base(file))
		s.stayInside(0, a)
	}
}
