package functions_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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
	ours   tenant.ID = 4
	others tenant.ID = 42
)

// password stands in for what agents' arguments hold and nobody may keep.
const password = "canary-hunter2-correct-horse"

var issuer = sync.OnceValues(identity.NewDevIssuer)

// house is every operation over a store of its own. When its test ends, it
// looks for secrets in what was logged and stored.
type house struct {
	http.Handler
	testing.TB
	routes []endpoint.Route
	app    *app.App
	store  *faulty.Store // keeps every call
	log    *logbook
	issuer *identity.DevIssuer
	ring   *keys.Ring

	callers   map[string]caller
	secrets   []string          // that no log, problem or file may hold
	made      int               // targets
	workflows map[string]string // of each organisation, one
	folder    string
	plan      faulty.Plan // what happens to the store's calls
	down      bool        // the store is made to fail: errors may be logged
	failures  int
	known     map[string]int // how often each kind of failure was reported
}

// Errorf counts what it reports.
func (h *house) Errorf(format string, args ...any) {
	h.Helper()
	h.failures++
	h.TB.Errorf(format, args...)
}

// caller is a credential as headers, in pairs.
type caller struct {
	headers []string
	kind    string    // "key", "token", "cookie"; "bad" is not accepted; "" is none
	org     tenant.ID // whose records it may make the service read; 0: nobody's
	role    tenant.Role
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{TB: t, routes: functions.Routes(), log: &logbook{}, callers: map[string]caller{}, known: map[string]int{}, workflows: map[string]string{}}
	h.folder = t.TempDir()
	db, err := embedded.Open(filepath.Join(h.folder, "ascend.db"), embedded.Options{})
	h.no(err)
	t.Cleanup(func() {
		h.no(db.Close())
		h.findNoSecrets()
	})
	h.store = faulty.New(db, nil)
	h.app = app.New(h.store)
	h.issuer, err = issuer()
	h.no(err)
	pepper := make([]byte, 32)
	_, _ = rand.Read(pepper) // never fails (crypto/rand)
	h.ring, err = keys.NewRing(pepper)
	h.no(err)
	tokens, err := h.issuer.Verifier(nil)
	h.no(err)
	h.Handler, err = endpoint.New(h.app, identity.Credentials{Tokens: tokens, Keys: h.ring}, slog.New(slog.NewJSONHandler(h.log, nil)), h.routes...)
	h.no(err)
	h.secrets = append(h.secrets, password)
	for _, org := range []tenant.ID{ours, others} {
		put, err := record.PutOrganization(organization.Organization{ID: org, Name: "house", CreatedAt: time.Now()}, 1)
		h.no(err)
		_, err = db.Write(t.Context(), put)
		h.no(err)
		h.enrol(org)
	}
	h.store.Reset(nil)
	return h
}

func (h *house) no(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// enrol makes the callers of an organisation; those of the others' are named
// with "other " before.
func (h *house) enrol(org tenant.ID) {
	name := map[tenant.ID]string{ours: "", others: "other "}[org]
	for i, role := range []tenant.Role{tenant.Admin, tenant.Manager, tenant.User, tenant.Viewer, "root"} {
		p := tenant.Principal{
			Org: org, Kind: tenant.Person, Subject: fmt.Sprintf("person-%d-%d", org, i), UserID: int64(org)*100 + int64(i),
			Email: fmt.Sprintf("%s@%d.example", role, org), Role: role, MFA: true,
		}
		token, err := h.issuer.Token(p, time.Hour, time.Now())
		h.no(err)
		h.secrets = append(h.secrets, token[strings.LastIndexByte(token, '.')+1:]) // without its signature it is none
		h.callers[name+string(role)] = caller{[]string{"Authorization", "Bearer " + token}, "token", org, role}
		if role == tenant.Admin || role == tenant.Manager || role == tenant.User {
			secret := h.key(org, role, int64(org)*100+int64(i), func(*keys.Record) {})
			h.callers[name+"key "+string(role)] = caller{[]string{"X-API-Key", secret}, "key", org, role}
		}
	}
}

// key stores an API key as the local server does.
func (h *house) key(org tenant.ID, role tenant.Role, id int64, change func(*keys.Record)) string {
	secret, hash, err := h.ring.Issue(org, role, rand.Reader)
	h.no(err)
	record := keys.Record{
		ID: id, Name: "A key", KeyPrefix: keys.Prefix(secret), Role: role, OrganizationID: org,
		Owner: "somebody else", UserID: 9, IsActive: true, CreatedAt: time.Now().Add(-time.Hour),
	}
	change(&record)
	item, err := record.Item(hash)
	h.no(err)
	_, err = h.store.Write(h.Context(), store.Put{Item: item})
	h.no(err)
	h.secrets = append(h.secrets, secret[len(keys.Prefix(secret)):]) // what is never shown of it
	return secret
}

// answer is what came back, and what was asked of the store for it.
type answer struct {
	status int
	header http.Header
	body   jsontext.Value
	route  *endpoint.Route // which operation answered; nil: none
	calls  []faulty.Call
}

// as sends a request as one of the callers; further headers come in pairs.
func (h *house) as(who, method, target, body string, headers ...string) answer {
	h.Helper()
	c, ok := h.callers[who]
	if !ok {
		h.Fatalf("nobody is called %q", who)
	}
	return h.send(c, method, target, body, headers...)
}

// send makes one request and looks at everything that came of it.
func (h *house) send(c caller, method, target, body string, headers ...string) answer {
	h.Helper()
	if body != "" {
		headers = append([]string{"Content-Type", "application/json"}, headers...)
	}
	r, err := request(method, target, body, append(slices.Clone(c.headers), headers...)...)
	if err != nil {
		h.Fatalf("%s %s: %v", method, target, err)
	}
	a := h.serve(r)
	h.examine(a, fmt.Sprintf("%s %s %.300q %.80q", method, target, body, headers))
	h.stayInside(c.org, a)
	return a
}

// request parses a request as net/http does; what it refuses never arrives.
func request(method, target, body string, headers ...string) (*http.Request, error) {
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

func (h *house) serve(r *http.Request) answer {
	h.Helper()
	h.store.Reset(h.plan)
	h.log.take()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), body: w.Body.Bytes()}
	h.complete(&a)
	if r.Method == http.MethodHead {
		if len(a.body) > 0 {
			h.Errorf("HEAD %s has a body", r.URL)
		}
		a.body = nil
	}
	return a
}

// complete adds to an answer what was logged and asked of the store.
func (h *house) complete(a *answer) {
	h.Helper()
	a.calls = h.store.Calls()
	for line := range bytes.Lines(h.log.take()) {
		var said struct{ Level, Operation string }
		h.no(json.Unmarshal(line, &said, json.MatchCaseInsensitiveNames(true)))
		if said.Level != "INFO" && !h.down {
			h.Errorf("logged %s", line)
		}
		h.tellNothing("the log", line)
		if i := slices.IndexFunc(h.routes, func(r endpoint.Route) bool { return r.ID == said.Operation }); i >= 0 {
			a.route = &h.routes[i]
		}
	}
}

// tellNothing fails the test where text holds a secret.
func (h *house) tellNothing(where string, text []byte) {
	h.Helper()
	for _, secret := range h.secrets {
		if bytes.Contains(text, []byte(secret)) {
			h.Errorf("%s holds the secret %.12s…: %.300s", where, secret, text)
		}
	}
}

// findNoSecrets looks into every file that the store left.
func (h *house) findNoSecrets() {
	files, err := os.ReadDir(h.folder)
	h.no(err)
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(h.folder, f.Name()))
		h.no(err)
		for _, secret := range h.secrets {
			if bytes.Contains(content, []byte(secret)) {
				h.Errorf("the file %s holds the secret %.12s…", f.Name(), secret)
			}
		}
	}
}

// stayInside holds every key of an answer's store calls against the one
// organisation that the caller is of; without one, nothing may be asked.
func (h *house) stayInside(org tenant.ID, a answer) {
	h.Helper()
	for _, call := range a.calls {
		for _, pk := range partitions(call) {
			if !org.Valid() || pk != org.String() && !strings.HasPrefix(pk, org.String()+"#") {
				h.Errorf("for a caller of organisation %v the store was asked: %s of partition %q", org, call.Method, pk)
			}
		}
	}
}

// partitions are those that a call names, in tables and indexes.
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

// names lists the callers for whom keep holds, sorted.
func (h *house) names(keep func(caller) bool) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(h.callers)) {
		if keep(h.callers[name]) {
			list = append(list, name)
		}
	}
	return list
}

// unconfigured is the handler of the same routes that was given no keys to
// check credentials with.
func unconfigured(t testing.TB, h *house) http.Handler {
	t.Helper()
	handler, err := endpoint.New(h.app, identity.Credentials{}, slog.New(slog.NewJSONHandler(h.log, nil)), h.routes...)
	h.no(err)
	return handler
}
