// Package optest is the fixture of the tests of operations: the service over a store of its
// own, people and keys who call it, and targets that requests can be about.
//
//	s := optest.New(t)
//	s.Want(201, "POST", "/api/registry/agents", `{"agent_id": "my-agent", "display_name": "x"}`)
//	s.As("viewer", "GET", "/api/registry/agents/my-agent", "").Want(200).Has(map[string]string{"/agent/status": `"draft"`})
package optest

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/functions"
	"ascend/shared/app"
	"ascend/shared/app/record"
	"ascend/shared/domain/organization"
	"ascend/shared/domain/tenant"
	"ascend/shared/endpoint"
	"ascend/shared/identity"
	"ascend/shared/keys"
	"ascend/shared/store"
	"ascend/shared/store/embedded"
	"ascend/shared/store/faulty"
)

// The two organisations. The number of the one begins the other's, because a
// prefix is no boundary.
const (
	Ours   tenant.ID = 4
	Others tenant.ID = 42
)

var issuer = sync.OnceValues(identity.NewDevIssuer)

// Server answers operations over a store of its own.
type Server struct {
	testing.TB
	http.Handler
	App     *app.App
	Routes  []endpoint.Route
	Store   *faulty.Store // keeps the calls of the last request
	Faults  faulty.Plan   // what happens to the store's calls
	Dir     string        // of the store's files
	Issuer  *identity.DevIssuer
	Ring    *keys.Ring
	Callers map[string]Caller
	Secrets []string // of the callers and of the examples

	// Check, if any, looks at every answer that As and Send return.
	Check func(c Caller, a Answer, request string)

	log    logbook
	made   int               // targets
	shared map[string]string // the organisations' shared ids
}

// Caller is a credential.
type Caller struct {
	Headers []string  // in pairs
	Kind    string    // "key", "token", "cookie"; "bad" is not accepted; "" is none
	Org     tenant.ID // whose records it may make the service read; 0: nobody's
	Role    tenant.Role
}

// New returns a server of routes, of all operations where none are given. Its callers are
// "admin", "manager", "user", "viewer", "root", whose role is none, "key admin", "key
// manager" and "key user"; those of the other organisation are "other admin" and so on.
func New(t testing.TB, routes ...endpoint.Route) *Server {
	t.Helper()
	if len(routes) == 0 {
		routes = functions.Routes()
	}
	s := &Server{TB: t, Routes: routes, Dir: t.TempDir(), Callers: map[string]Caller{}, Secrets: []string{Password}, shared: map[string]string{}}
	db, err := embedded.Open(filepath.Join(s.Dir, "ascend.db"), embedded.Options{})
	s.OK(err)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Store = faulty.New(db, nil)
	s.App = app.New(s.Store, app.Options{})
	s.Issuer, err = issuer()
	s.OK(err)
	pepper := make([]byte, 32)
	_, _ = rand.Read(pepper) // never fails (crypto/rand)
	s.Ring, err = keys.NewRing(pepper)
	s.OK(err)
	tokens, err := s.Issuer.Verifier(nil)
	s.OK(err)
	s.Serve(identity.Credentials{Tokens: tokens, Keys: s.Ring})
	for _, org := range []tenant.ID{Ours, Others} {
		put, err := record.PutOrganization(organization.Organization{ID: org, Name: "An organisation", CreatedAt: time.Now()}, 1)
		s.OK(err)
		_, err = db.Write(t.Context(), put)
		s.OK(err)
		s.enrol(org)
	}
	return s
}

// Serve lets the server read credentials another way from now on.
func (s *Server) Serve(by endpoint.Claimer) {
	s.Helper()
	h, err := endpoint.New(s.App, by, s.Logger(), s.Routes...)
	s.OK(err)
	s.Handler = h
}

// Logger returns one whose lines become part of the answers.
func (s *Server) Logger() *slog.Logger { return slog.New(slog.NewJSONHandler(&s.log, nil)) }

// OK ends the test when there is an error.
func (s *Server) OK(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// enrol makes the callers of an organisation.
func (s *Server) enrol(org tenant.ID) {
	name, domain := "", "example.com"
	if org == Others {
		name, domain = "other ", "other.example"
	}
	for i, role := range []tenant.Role{tenant.Admin, tenant.Manager, tenant.User, tenant.Viewer, "root"} {
		id := int64(org)*100 + int64(i)
		s.SignIn(name+string(role), tenant.Principal{
			Org: org, Kind: tenant.Person, Subject: fmt.Sprint("person-", id), UserID: id, Email: string(role) + "@" + domain, Role: role, MFA: true,
		}, time.Hour)
		if role != tenant.Viewer && role != "root" { // of which there are no keys
			secret := s.Key(org, role, id, func(*keys.Record) {})
			s.Callers[name+"key "+string(role)] = Caller{Headers: []string{"X-API-Key", secret}, Kind: "key", Org: org, Role: role}
		}
	}
}

// SignIn makes a person a caller of that name.
func (s *Server) SignIn(name string, p tenant.Principal, valid time.Duration) {
	s.Helper()
	token, err := s.Issuer.Token(p, valid, time.Now())
	s.OK(err)
	s.Secrets = append(s.Secrets, token[strings.LastIndexByte(token, '.')+1:]) // without its signature it is none
	s.Callers[name] = Caller{Headers: []string{"Authorization", "Bearer " + token}, Kind: "token", Org: p.Org, Role: p.Role}
}

// Key stores an API key as the local server does, and returns it.
func (s *Server) Key(org tenant.ID, role tenant.Role, id int64, change func(*keys.Record)) string {
	s.Helper()
	secret, hash, err := s.Ring.Issue(org, role, rand.Reader)
	s.OK(err)
	k := keys.Record{
		ID: id, Name: "A key", KeyPrefix: keys.Prefix(secret), Role: role, OrganizationID: org,
		Owner: "somebody else", UserID: 9, IsActive: true, CreatedAt: time.Now().Add(-time.Hour),
	}
	change(&k)
	item, err := k.Item(hash)
	s.OK(err)
	_, err = s.Store.Write(s.Context(), store.Put{Item: item})
	s.OK(err)
	s.Secrets = append(s.Secrets, secret[len(keys.Prefix(secret)):]) // what is never shown of it
	return secret
}

// Names returns those of the callers who are kept, sorted.
func (s *Server) Names(keep func(Caller) bool) []string {
	var list []string
	for name, c := range s.Callers {
		if keep(c) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// Want sends a request as our admin, which must be answered with a status.
func (s *Server) Want(status int, method, target, body string, headers ...string) Answer {
	s.Helper()
	return s.As("admin", method, target, body, headers...).Want(status)
}

// As sends a request as one of the callers; further headers come in pairs.
func (s *Server) As(who, method, target, body string, headers ...string) Answer {
	s.Helper()
	c, ok := s.Callers[who]
	if !ok {
		s.Fatalf("no caller is called %q: there are %q", who, s.Names(func(Caller) bool { return true }))
	}
	return s.Send(c, method, target, body, headers...)
}

// Send sends a request with a credential.
func (s *Server) Send(c Caller, method, target, body string, headers ...string) Answer {
	s.Helper()
	if body != "" {
		headers = append([]string{"Content-Type", "application/json"}, headers...)
	}
	r, err := Request(method, target, body, append(slices.Clone(c.Headers), headers...)...)
	if err != nil {
		s.Fatalf("%s %s: %v", method, target, err)
	}
	a := s.Do(r)
	a.Request = fmt.Sprintf("%s %s %.300q %.80q", method, target, body, headers)
	if s.Check != nil {
		s.Check(c, a, a.Request)
	}
	return a
}

// Request parses a request as net/http does; what that refuses never arrives.
func Request(method, target, body string, headers ...string) (*http.Request, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: ascend.test\r\n", method, target)
	for pair := range slices.Chunk(headers, 2) {
		fmt.Fprintf(&b, "%s: %s\r\n", pair[0], pair[1])
	}
	if body != "" {
		b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n")
	}
	b.WriteString("\r\n" + body)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(b.String())))
	if err == nil {
		r.RemoteAddr = "192.0.2.1:1234"
	}
	return r, err
}

// Do sends a request that is ready.
func (s *Server) Do(r *http.Request) Answer {
	s.Helper()
	return s.Observe(func() Answer {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		a := Answer{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
		if r.Method == http.MethodHead {
			if len(a.Body) > 0 {
				s.Errorf("HEAD %s has a body", r.URL)
			}
			a.Body = nil
		}
		return a
	})
}

// Observe adds to an answer what was logged and asked of the store for it.
func (s *Server) Observe(ask func() Answer) Answer {
	s.Helper()
	s.Store.Reset(s.Faults)
	s.log.take()
	a := ask()
	a.t, a.Calls, a.Log = s.TB, s.Store.Calls(), s.log.take()
	for line := range bytes.Lines(a.Log) {
		var entry struct{ Level, Operation string }
		s.OK(json.Unmarshal(line, &entry, json.MatchCaseInsensitiveNames(true)))
		if entry.Level != "INFO" && s.Faults == nil {
			s.Errorf("logged %s", line)
		}
		if i := slices.IndexFunc(s.Routes, func(r endpoint.Route) bool { return r.ID == entry.Operation }); i >= 0 {
			a.Route = &s.Routes[i]
		}
	}
	return a
}

// logbook keeps what is logged until it is taken.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) take() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	out, _ := io.ReadAll(&l.b)
	return out
}
