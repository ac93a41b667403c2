package app_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// registry is an App over a store of its own, for the use cases of agents.
type registry struct {
	*app.App
	t     *testing.T
	store *troubled
	now   time.Time
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{t: t, store: &troubled{Store: openEmbedded(t)}, now: time.Date(2026, 1, 20, 14, 30, 52, 0, time.UTC)}
	r.App = app.New(r.store)
	return r
}

var admin = tenant.Principal{Org: 1, Kind: tenant.Person, Subject: "sub-1", Email: "admin@example.com", Role: tenant.Admin}

var commands atomic.Int64

// command is a new command of the admin of organisation 1, or of the principal given.
func (r *registry) command(by ...tenant.Principal) *command.Command {
	p := admin
	if len(by) > 0 {
		p = by[0]
	}
	return &command.Command{
		Claim: command.Confirmed(p), Principal: p, At: r.now, SourceIP: "192.0.2.1",
		ID: fmt.Sprintf("%032x", commands.Add(1)), CorrelationID: "action_20260120_143052_0000000a",
	}
}

// repeat is a command that repeats are told of.
func (r *registry) repeat(key, digest string, implied bool) *command.Command {
	c := r.command()
	c.Repeat = &command.Repeat{Identity: strings.Repeat("0", 60) + key, Digest: digest, Keep: time.Hour, Implied: implied}
	c.ID = c.Repeat.Identity[32:]
	return c
}

// settings reads the settings of a request.
func settings(t *testing.T, body string) agent.Settings {
	t.Helper()
	var s agent.Settings
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (r *registry) register(id agent.ID) agent.Agent {
	r.t.Helper()
	got, err := r.Agents.Register(context.Background(), r.command(), id, settings(r.t, `{"display_name": "Agent", "tags": ["a"]}`))
	if err != nil || !got.Created {
		r.t.Fatalf("register %s: created %v, %v", id, got.Created, err)
	}
	return got.Agent
}

// changes are the audit bodies kept of an agent, oldest first.
func (r *registry) changes(id agent.ID) []audit.Entry {
	r.t.Helper()
	page, err := r.store.Store.Query(context.Background(), store.Query{Table: store.Agents, PK: "1", Prefix: "change#" + string(id) + "#", Limit: 1000})
	if err != nil {
		r.t.Fatal(err)
	}
	entries := make([]audit.Entry, len(page.Items))
	for i, item := range page.Items {
		if err := json.Unmarshal(item.Body, &entries[i]); err != nil {
			r.t.Fatal(err)
		}
	}
	return entries
}

// events are the events of an agent's changes, oldest first.
func (r *registry) events(id agent.ID) string {
	r.t.Helper()
	var names []string
	for _, e := range r.changes(id) {
		names = append(names, e.Event)
	}
	return strings.Join(names, " ")
}

// state is an agent's state item.
func (r *registry) state(id agent.ID) store.Attrs {
	r.t.Helper()
	items, err := r.store.Store.Get(context.Background(), store.StateKey(1, id))
	if err != nil || items[0] == nil {
		r.t.Fatalf("state of %s: %v, %v", id, items, err)
	}
	return items[0].Attrs
}

func kind(err error) problem.Kind { return problem.As(err).Kind }

// troubled is a store whose next group write meets a trouble.
type troubled struct {
	store.Store
	next atomic.Pointer[trouble]
}

// trouble is done instead of a group write, which it may make.
type trouble func(ctx context.Context, s store.Store, ops []store.Op) error

func (s *troubled) meet(t trouble) { s.next.Store(&t) }

func (s *troubled) WriteAll(ctx context.Context, ops ...store.Op) error {
	if t := s.next.Swap(nil); t != nil {
		return (*t)(ctx, s.Store, ops)
	}
	return s.Store.WriteAll(ctx, ops...)
}

// The two rows of every write: failed and not persisted, failed but persisted.
// The third is a client library's own retry, which meets its first attempt.
var troubles = map[string]trouble{
	"the request is lost": func(context.Context, store.Store, []store.Op) error {
		return fmt.Errorf("write: %w", store.ErrUnavailable)
	},
	"the response is lost": func(ctx context.Context, s store.Store, ops []store.Op) error {
		return errors.Join(s.WriteAll(ctx, ops...), store.ErrUnavailable)
	},
	"the response is lost and the write retried": func(ctx context.Context, s store.Store, ops []store.Op) error {
		if err := s.WriteAll(ctx, ops...); err != nil {
			return err
		}
		return s.WriteAll(ctx, ops...)
	},
}
