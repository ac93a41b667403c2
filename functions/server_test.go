package functions_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ascend/functions"
	"ascend/functions/optest"
	"ascend/shared/domain/tenant"
	"ascend/shared/endpoint"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

const (
	ours   = optest.Ours
	others = optest.Others
)

// server is optest's with every operation. It holds each answer against what is
// promised of all, and when its test ends, it looks for secrets in what was logged and
// stored.
type server struct {
	*optest.Server
	failures int
	known    map[string]int // how often each kind of failure was reported
}

// newServer starts one for a test that goes over all operations.
func newServer(t testing.TB) *server {
	t.Helper()
	needExamples(t)
	s := &server{known: map[string]int{}}
	t.TempDir() // is removed last: cleanups run backwards, and the next one reads the store's closed files
	t.Cleanup(func() { s.findNoSecrets() })
	s.Server = optest.New(t)
	s.Check = func(c optest.Caller, a optest.Answer, request string) {
		s.Helper()
		s.examine(a, request)
		s.stayInside(c.Org, a)
	}
	return s
}

// long skips a matrix that takes a second or more where -short is given.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a long matrix: run it without -short")
	}
	t.Parallel()
}

// examples are looked at once, by the first test that needs them.
var examples struct {
	sync.Once
	faults []string
}

// needExamples fails the first test that finds an operation without a request that
// succeeds, and skips the others, which could not say more.
func needExamples(t testing.TB) {
	t.Helper()
	first := false
	examples.Do(func() {
		first, examples.faults = true, []string{"no target could be made"} // unless this ends
		examples.faults = findFaults(t)
	})
	switch faults := strings.Join(examples.faults, "\n"); {
	case faults != "" && first:
		t.Fatal(faults)
	case faults != "":
		t.Skip("another test fails, and this one could not say more: " + faults)
	}
}

// findFaults returns what keeps the matrices from sending each operation a request that succeeds.
func findFaults(t testing.TB) (faults []string) {
	t.Helper()
	for _, r := range functions.Routes() {
		if r.Body == endpoint.RequiredBody && r.Example == "" {
			faults = append(faults, fmt.Sprintf("operation %s takes a body and has no example: set Example in its Spec to a body that succeeds", r.ID))
		}
		if _, rest, ok := strings.Cut(optest.Unknown().In(r.Path), "{"); ok {
			name, _, _ := strings.Cut(rest, "}")
			faults = append(faults, fmt.Sprintf("operation %s has {%s} in its path, which no target has: add an entry to resources in functions/optest/target.go", r.ID, name))
		}
	}
	if len(faults) > 0 {
		return faults
	}
	s := optest.New(t)
	for _, r := range s.Routes {
		path, query, body := s.Target("").About(r)
		if a := s.As("admin", r.Method, optest.Join(path, query), body); !success(r, a.Status) {
			faults = append(faults, fmt.Sprintf("the example of operation %s is answered %d: correct Example in its Spec, or what it does: %s %s %s: %s",
				r.ID, a.Status, r.Method, optest.Join(path, query), body, a.Body))
		}
	}
	return faults
}

// The documentation shows the examples, and the matrices send them.
func TestEveryExampleSucceeds(t *testing.T) { needExamples(t) }

// Errorf counts what it reports.
func (s *server) Errorf(format string, args ...any) {
	s.Helper()
	s.failures++
	s.TB.Errorf(format, args...)
}

// tellNothing fails the test where text holds a secret.
func (s *server) tellNothing(where string, text []byte) {
	s.Helper()
	for _, secret := range s.Secrets {
		if bytes.Contains(text, []byte(secret)) {
			s.Errorf("%s holds the secret %.12s…: %.300s", where, secret, text)
		}
	}
}

// findNoSecrets looks into every file that the store left.
func (s *server) findNoSecrets() {
	files, err := os.ReadDir(s.Dir)
	s.OK(err)
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(s.Dir, f.Name()))
		s.OK(err)
		for _, secret := range s.Secrets {
			if bytes.Contains(content, []byte(secret)) {
				s.Errorf("the file %s holds the secret %.12s…", f.Name(), secret)
			}
		}
	}
}

// stayInside holds every key of an answer's store calls against the one
// organisation that the caller is of; without one, nothing may be asked.
func (s *server) stayInside(org tenant.ID, a optest.Answer) {
	s.Helper()
	for _, call := range a.Calls {
		for _, pk := range partitions(call) {
			if !org.Valid() || pk != org.String() && !strings.HasPrefix(pk, org.String()+"#") {
				s.Errorf("for a caller of organisation %v the store was asked: %s of partition %q", org, call.Method, pk)
			}
		}
	}
}

// partitions returns those that a call names, in tables and indexes.
func partitions(c faulty.Call) []string {
	var list []string
	for _, k := range c.Keys {
		list = append(list, k.PK)
	}
	if c.Method == "Query" {
		list = append(list, c.Query.PK)
	}
	for _, op := range c.Ops {
		list = append(list, store.KeyOf(op).PK)
		if put, ok := op.(store.Put); ok {
			for index, at := range put.Item.Index {
				if index == store.Due { // the system's own: its sort key is <deadline>#<org>#<id>
					_, at.PK, _ = strings.Cut(at.SK, "#")
				}
				list = append(list, at.PK)
			}
		}
	}
	return list
}

// everybody keeps all callers.
func everybody(optest.Caller) bool { return true }

// writes reports whether the operation may change something.
func writes(r endpoint.Route) bool { return len(r.Writes) > 0 }

// success reports whether a status is a success that the operation promises.
func success(r endpoint.Route, status int) bool {
	return status == r.Success || status == 200 && r.AlsoOK
}
