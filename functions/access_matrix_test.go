package functions_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"ascend/events"
	"ascend/functions"
	"ascend/functions/optest"
	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/endpoint"
	"ascend/shared/executions/executionstest"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// touched lists what calls of the store need a right to.
type touched struct{ reads, writes map[store.Table]bool }

func untouched() touched { return touched{map[store.Table]bool{}, map[store.Table]bool{}} }

// add enters the calls that answered one request. What an operation only
// checks in a group of writes counts as read.
func (u touched) add(t testing.TB, id string, writes []store.Table, calls []faulty.Call) {
	t.Helper()
	for _, call := range calls {
		for _, key := range call.Keys {
			u.reads[key.Table] = true
		}
		if call.Query.Table != "" {
			u.reads[call.Query.Table] = true
		}
		for _, op := range call.Ops {
			switch op.(type) {
			case store.Put, store.Update:
				u.writes[store.KeyOf(op).Table] = true
			case store.Check:
				if table := store.KeyOf(op).Table; !slices.Contains(writes, table) {
					u.reads[table] = true
				}
			default:
				t.Errorf("%s makes a %T, which no role allows (infra/data.go)", id, op)
			}
		}
	}
}

// The roles of the functions allow what Reads and Writes say, and nothing else:
// a table that is missing there is a refused call on AWS, which no emulator
// shows, and one too many is a right too many.
func TestOperationsUseExactlyTheTablesThatTheySay(t *testing.T) {
	long(t)
	s := newServer(t)
	used := map[string]touched{}
	ask := func(r endpoint.Route, who string, x optest.Target, headers ...string) {
		if _, ok := used[r.ID]; !ok {
			used[r.ID] = untouched()
		}
		path, query, body := x.About(r)
		used[r.ID].add(t, r.ID, r.Writes, s.As(who, r.Method, optest.Join(path, query), body, headers...).Calls)
	}
	// Each alone on a target of its own, by everybody, and once more.
	for _, r := range s.Routes {
		for _, who := range []string{"admin", "manager", "user", "viewer", "key admin", "key user", "other admin"} {
			x := s.Target("")
			ask(r, who, x)
			ask(r, who, x)
			ask(r, who, optest.Unknown())
		}
	}
	// One after the other on one target, so that each finds states that others
	// leave, with keys that are repeated.
	for round := range 2 {
		x := s.Target("")
		routes := slices.Clone(s.Routes)
		if round == 1 {
			slices.Reverse(routes)
		}
		for last := range 2 {
			for _, r := range routes {
				if r.Method == http.MethodDelete && last == 0 {
					continue // the others need what it deletes
				}
				for range 2 {
					ask(r, "admin", x, "Idempotency-Key", fmt.Sprint(r.ID, round))
				}
			}
		}
	}
	for _, r := range s.Routes {
		used[r.ID].compare(t, r.ID, r.Reads, r.Writes)
	}
}

// compare holds what was touched against what is said.
func (u touched) compare(t *testing.T, id string, reads, writes []store.Table) {
	t.Helper()
	for table := range u.reads {
		if !slices.Contains(reads, table) {
			t.Errorf("%s reads %s: add it to Reads in its Spec", id, table)
		}
	}
	for table := range u.writes {
		if !slices.Contains(writes, table) {
			t.Errorf("%s writes %s: add it to Writes in its Spec", id, table)
		}
	}
	for _, table := range reads {
		// A command's memory is read where two requests of it meet.
		seldom := table == store.Commands && slices.Contains(writes, table)
		if !u.reads[table] && !seldom {
			t.Errorf("%s never read %s: remove it from Reads in its Spec, or send requests that do", id, table)
		}
	}
	for _, table := range writes {
		if !u.writes[table] {
			t.Errorf("%s never wrote %s: remove it from Writes in its Spec, or send requests that do", id, table)
		}
	}
}

// The same for the workers, through the use cases that they call.
func TestWorkersUseExactlyTheTablesThatTheySay(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	clock := new(executionstest.Machine)
	s.App.Approvals.Executions, s.App.Relay.Bus = clock, unheard{}
	used := map[string]touched{}
	does := func(id string, do func()) {
		s.Store.Reset(nil)
		do()
		for _, w := range functions.Workers() {
			if w.ID == id {
				if _, ok := used[id]; !ok {
					used[id] = untouched()
				}
				used[id].add(t, id, w.Writes, s.Store.Calls())
			}
		}
	}
	read := func(key store.Key) *store.Item {
		items, err := s.Store.Get(t.Context(), key)
		s.OK(err)
		return items[0]
	}
	relay := func(old *store.Item, key store.Key) {
		change := store.Change{Key: key, Old: old, New: read(key)}
		does("stream-relay", func() {
			if failed := s.App.Relay.Deliver(t.Context(), []store.Change{change}); len(failed) > 0 {
				t.Error(failed)
			}
		})
	}

	decided, stopped, overdue := s.Target(""), s.Target(""), s.Target("")
	key := func(x optest.Target) store.Key { return store.ActionKey(ours, s.actionID(x)) }
	for _, x := range []optest.Target{decided, stopped, overdue} {
		relay(nil, key(x))
		does("approval-open", func() {
			s.OK(s.App.Approvals.BeginWait(t.Context(), clock.Run(s.actionID(x)).Wait))
		})
	}
	before := read(key(decided))
	s.As("manager", "POST", "/api/v1/actions/"+decided.ID("action_id")+"/approve", "").Want(200)
	relay(before, key(decided))
	// The agent stops without its pending actions, as if whoever stopped it had died.
	agentKey := store.AgentKey(ours, agent.ID(stopped.ID("agent_id")))
	active, pending := read(agentKey), read(key(stopped))
	s.As("admin", "POST", "/api/registry/agents/"+stopped.ID("agent_id")+"/suspend", "").Want(200)
	pending.Index = store.ActionIndex(ours, s.actionID(stopped), time.Now().Add(time.Hour))
	_, err := s.Store.Write(t.Context(), store.Put{Item: *pending})
	s.OK(err)
	relay(active, agentKey)

	late := time.Now().Add(30 * 24 * time.Hour)
	s.App.Now = func() time.Time { return late }
	does("approval-escalate", func() {
		_, err := s.App.Approvals.EndWait(t.Context(), ours, s.actionID(overdue))
		s.OK(err)
	})
	s.App.Now = func() time.Time { return time.Now().UTC() }
	s.Target("")
	s.App.Now = func() time.Time { return late }
	does("approval-sweep", func() {
		if n, err := s.App.Approvals.ExpireDue(t.Context()); n == 0 || err != nil {
			t.Errorf("the sweep closed %d, %v", n, err)
		}
	})
	for _, w := range functions.Workers() {
		if w.Trigger == "" {
			used[w.ID].compare(t, w.ID, w.Reads, w.Writes)
		}
	}
}

func (s *server) actionID(x optest.Target) action.ID {
	id, ok := action.ParseID(x.ID("action_id"))
	if !ok {
		s.Fatalf("%q is no action", x.ID("action_id"))
	}
	return id
}

// unheard is a bus whose events nobody gets.
type unheard struct{}

func (unheard) Publish(context.Context, []events.Event) map[int]error { return nil }
