package optest

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/functions/optest/documented"
	"ascend/shared/endpoint"
	"ascend/shared/store/faulty"
)

// Answer is what came back, and what was logged and asked of the store for it.
type Answer struct {
	Status  int
	Header  http.Header
	Body    jsontext.Value
	Route   *endpoint.Route // which operation answered; nil: none
	Calls   []faulty.Call
	Log     []byte
	Request string // in short
	t       testing.TB
}

// Want ends the test unless the answer has that status.
func (a Answer) Want(status int) Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("%s: answered %d, want %d: %s", a.Request, a.Status, status, a.Body)
	}
	return a
}

// Has holds members of the answer, by JSON pointer, against JSON values; "absent" is for
// those that must not be there.
func (a Answer) Has(members map[string]string) Answer {
	a.t.Helper()
	for pointer, want := range members {
		if got := a.At(pointer); got != want && (got != "" || want != "absent") {
			a.t.Errorf("%s: %s is %s, want %s, in %s", a.Request, pointer, got, want, a.Body)
		}
	}
	return a
}

// Documents holds the answer against its documented example.
func (a Answer) Documents(name string) {
	a.t.Helper()
	want, err := documented.Load(os.DirFS(filepath.Join(testdata(), "documented")), name)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, difference := range documented.Shape(want, a.Body) {
		a.t.Errorf("%s: %s", name, difference)
	}
}

// At returns the value at a JSON pointer as its JSON; "" when it is absent.
func (a Answer) At(pointer string) string {
	v := a.Body
	for token := range jsontext.Pointer(pointer).Tokens() {
		var m map[string]jsontext.Value
		var l []jsontext.Value
		switch v.Kind() {
		case '{':
			_ = json.Unmarshal(v, &m)
			v = m[token]
		case '[':
			_ = json.Unmarshal(v, &l)
			i, err := strconv.Atoi(token)
			if err != nil || i >= len(l) {
				return ""
			}
			v = l[i]
		default:
			return ""
		}
	}
	return string(v)
}

// Text returns the string at a JSON pointer; "" when there is none.
func (a Answer) Text(pointer string) string {
	var s string
	_ = json.Unmarshal([]byte(a.At(pointer)), &s)
	return s
}

// Documented returns a documented request, such as "agents-register.request".
func Documented(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(testdata(), "documented", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// testdata finds the repository's folder of that name from a test's.
var testdata = sync.OnceValue(func() string {
	root := "."
	for range 8 {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		root += "/.."
	}
	return strings.TrimPrefix(root+"/testdata", "./")
})
