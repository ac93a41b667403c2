package functions_test

import (
	"fmt"
	"slices"
	"testing"

	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// touched is what calls of the store need a right to.
type touched struct{ reads, writes map[store.Table]bool }

// add enters the calls that answered one request. What an operation only
// checks in a group of writes counts as read.
func (u touched) add(t testing.TB, r endpoint.Route, a answer) {
	t.Helper()
	for _, call := range a.calls {
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
				if table := store.KeyOf(op).Table; !slices.Contains(r.Writes, table) {
					u.reads[table] = true
				}
			default:
				t.Errorf("%s makes a %T, which no role allows (infra/data.go)", r.ID, op)
			}
		}
	}
}

// The roles of the functions allow what Reads and Writes say, and nothing else:
// a table that is missing there is a refused call on AWS, which no emulator
// shows, and one too many is a right too many.
func TestOperationsUseExactlyTheTablesThatTheySay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	used := map[string]touched{}
	ask := func(r endpoint.Route, who string, x target, headers ...string) {
		if _, ok := used[r.ID]; !ok {
			used[r.ID] = touched{map[store.Table]bool{}, map[store.Table]bool{}}
		}
		path, query, body := x.about(t, r)
		used[r.ID].add(t, r, h.as(who, r.Method, join(path, query), body, headers...))
	}
	// Each alone on a target of its own, by everybody, and once more.
	for _, r := range h.routes {
		for _, who := range []string{"admin", "manager", "user", "viewer", "key admin", "key user", "other admin"} {
			x := h.target("")
			ask(r, who, x)
			ask(r, who, x)
			ask(r, who, strange)
		}
	}
	// One after the other on one target, so that each finds states that others
	// leave, with keys that are repeated.
	for round := range 2 {
		x := h.target("")
		routes := slices.Clone(h.routes)
		if round == 1 {
			slices.Reverse(routes)
		}
		for last := range 2 {
			for _, r := range routes {
				if r.ID == "agents-delete" && last == 0 {
					continue // the others need the agent
				}
				for range 2 {
					ask(r, "admin", x, "Idempotency-Key", fmt.Sprint(r.ID, round))
				}
			}
		}
	}
	for _, r := range h.routes {
		use := used[r.ID]
		for table := range use.reads {
			if !slices.Contains(r.Reads, table) {
				t.Errorf("%s reads %s and does not say so", r.ID, table)
			}
		}
		for table := range use.writes {
			if !slices.Contains(r.Writes, table) {
				t.Errorf("%s writes %s and does not say so", r.ID, table)
			}
		}
		for _, table := range r.Reads {
			// A command's memory is read where two requests of it meet.
			seldom := table == store.Commands && slices.Contains(r.Writes, table)
			if !use.reads[table] && !seldom && !slices.Contains(spare[r.ID], table) {
				t.Errorf("%s says that it reads %s, and did not", r.ID, table)
			}
		}
		for _, table := range r.Writes {
			if !use.writes[table] && !slices.Contains(spare[r.ID], table) {
				t.Errorf("%s says that it writes %s, and did not", r.ID, table)
			}
		}
		for _, table := range spare[r.ID] {
			if use.reads[table] || use.writes[table] {
				t.Errorf("%s has a use for %s", r.ID, table)
			}
		}
	}
}

// spare are rights that operations share with their siblings and have no use
// for: approval checks the agent and rejection does not; of an agent's
// settings only limits and status are in table counters too.
var spare = map[string][]store.Table{
	"actions-reject":    {store.Agents},
	"agents-escalation": {store.Counters},
	"agents-update":     {store.Counters},
}
