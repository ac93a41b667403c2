package app_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/events"
	"ascend/shared/app/approvals"
	"ascend/shared/bus/bustest"
	"ascend/shared/domain/action"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// taped records what is written as a change stream would tell it.
type taped struct {
	store.Store
	mu   sync.Mutex
	tape []store.Change
}

func (s *taped) Write(ctx context.Context, op store.Op) (item *store.Item, err error) {
	err = s.record(ctx, []store.Op{op}, func() error {
		item, err = s.Store.Write(ctx, op)
		return err
	})
	return item, err
}

func (s *taped) WriteAll(ctx context.Context, ops ...store.Op) error {
	return s.record(ctx, ops, func() error { return s.Store.WriteAll(ctx, ops...) })
}

func (s *taped) record(ctx context.Context, ops []store.Op, write func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	keys := make([]store.Key, len(ops))
	for i, op := range ops {
		keys[i] = store.KeyOf(op)
	}
	before, err := s.Store.Get(ctx, keys...)
	if err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	after, err := s.Store.Get(ctx, keys...)
	if err != nil {
		return err
	}
	for i, key := range keys {
		if !reflect.DeepEqual(before[i], after[i]) {
			s.tape = append(s.tape, store.Change{Key: key, Old: before[i], New: after[i], Sequence: fmt.Sprintf("%06d", len(s.tape)+1)})
		}
	}
	return nil
}

// since lists the changes after the first n.
func (s *taped) since(n int) []store.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tape[n:])
}

// seam numbers the calls to everything outside of the relay and fails them by plan.
type seam struct {
	mu    sync.Mutex
	calls []string
	plan  func(n int) faulty.Fault // of the n-th call, from 1
	// dies is the call at which the process ends: that call fails as planned,
	// and every later one before it does anything.
	dies int
	kill context.CancelFunc
}

func (s *seam) next(name string) faulty.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, name)
	n := len(s.calls)
	if s.dies > 0 && n >= s.dies {
		s.kill()
	}
	switch {
	case s.dies > 0 && n > s.dies:
		return faulty.RequestLost
	case s.plan == nil:
		return faulty.None
	}
	return s.plan(n)
}

func (s *seam) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.plan, s.dies = nil, nil, 0
}

// through makes a call whose request or answer may be lost.
func (s *seam) through(name string, do func()) error {
	fault := s.next(name)
	if fault != faulty.RequestLost && fault != faulty.Throttled {
		do()
	}
	if fault != faulty.None {
		return problem.Unavailable(name, fmt.Errorf("%w: %v", faulty.ErrInjected, fault))
	}
	return nil
}

// town is a desk whose committed changes are relayed to a state machine and a bus.
type town struct {
	*desk
	tape    *taped
	seam    *seam
	machine *clockwork
	bridge  *bustest.EventBridge
	relayed int // changes of the tape that were
}

func newTown(t testing.TB, raw store.Store) *town {
	tape, s := &taped{Store: raw}, &seam{}
	w := &town{desk: newDesk(t, tape), tape: tape, seam: s}
	w.freshWorld()
	return w
}

// freshWorld forgets what happened outside of the store.
func (w *town) freshWorld() {
	w.machine = &clockwork{seam: w.seam, begun: map[action.ID]int{}, ended: map[action.ID]approvals.Ended{}}
	w.bridge = &bustest.EventBridge{T: w.t}
	w.Approvals.Executions, w.App.Relay.Bus = w.machine, w.bridge.Publisher()
}

// faultyWorld lets the seam fail whatever the relay calls.
func (w *town) faultyWorld() {
	w.faults.Reset(func(c faulty.Call) faulty.Fault { return w.seam.next("store " + c.Method) })
	var answer faulty.Fault
	w.bridge.Before = func(int) error {
		answer = w.seam.next("PutEvents")
		if answer == faulty.RequestLost || answer == faulty.Throttled {
			return faulty.ErrInjected
		}
		return nil
	}
	w.bridge.After = func(int) error {
		if answer != faulty.None {
			return faulty.ErrInjected
		}
		return nil
	}
}

// calmWorld lets everything succeed from now on.
func (w *town) calmWorld() {
	w.seam.reset()
	w.faults.Reset(nil)
	w.bridge.Reset()
}

// deliver gives a batch to the relay as Lambda does: from the first failed
// change on, again and again, at most so many times.
func (w *town) deliver(ctx context.Context, batch []store.Change, times int) bool {
	for range times {
		failed := w.Relay.Deliver(ctx, batch)
		if len(failed) == 0 {
			return true
		}
		first := len(batch)
		for i := range failed {
			first = min(first, i)
		}
		batch = batch[first:]
	}
	return false
}

// settle relays what is on the tape, and what that makes, and runs the clocks.
func (w *town) settle() {
	w.t.Helper()
	for {
		batch := w.tape.since(w.relayed)
		if len(batch) > 0 && !w.deliver(context.Background(), batch, 3) {
			w.t.Fatalf("changes after %d cannot be relayed: %v", w.relayed, w.Relay.Deliver(context.Background(), batch))
		}
		w.relayed += len(batch)
		w.machine.tick(w.desk)
		if len(w.tape.since(w.relayed)) == 0 {
			return
		}
	}
}

// tells are the events that tell of an audit entry, but for those that depend
// on the risk.
var tells = map[string][]string{
	"submit action.approved": {"action.submitted", "action.approved"},
	"submit action.blocked":  {"action.submitted", "action.blocked"},
	"submit action.pending":  {"action.submitted", "action.pending", "workflow.started"},
	"action.approved":        {"action.approved", "workflow.completed"},
	"action.denied":          {"action.denied", "workflow.completed"},
	"action.timeout":         {"action.timeout", "workflow.completed"},
	"action.escalated":       {"action.escalated", "workflow.escalated"},
	"approval.recorded":      {},
	"agent.registered":       {"agent.registered"},
	"agent.updated":          {"agent.updated"},
	"agent.activated":        {"agent.activated"},
	"agent.suspended":        {"agent.suspended"},
	"agent.deleted":          {"agent.deleted"},
}

// expected are the ids of the events that tell of everything in the store, with their names.
func (w *town) expected() map[string]string {
	w.t.Helper()
	want := map[string]string{}
	tell := func(e audit.Entry, names []string) {
		for _, name := range names {
			want[events.ID(e, name)] = name
		}
	}
	for _, act := range w.stored() {
		for i, e := range act.Audit {
			key := e.Event
			if i == 0 {
				key = "submit " + key
				if act.Verdict.Risk.Score >= 70 {
					tell(e, []string{"security.high_risk"})
				}
				if act.Verdict.Alert {
					tell(e, []string{"alert.triggered"})
				}
			}
			names, known := tells[key]
			if !known {
				w.t.Fatalf("nothing tells of %q", key)
			}
			tell(e, names)
		}
	}
	page, err := w.raw.Query(context.Background(), store.Query{Table: store.Agents, PK: "1", Prefix: "change#", Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, item := range page.Items {
		var e audit.Entry
		if err := json.Unmarshal(item.Body, &e); err != nil {
			w.t.Fatal(err)
		}
		tell(e, tells[e.Event])
	}
	return want
}

// verify holds the world outside against the store: every event was told and
// nothing else, each time the same; every action that waited has one clock,
// which ended as the action did.
func (w *town) verify() {
	w.t.Helper()
	want, said := w.expected(), map[string]string{}
	for _, e := range w.bridge.Taken() {
		var head struct{ ID, Type string }
		if err := json.Unmarshal([]byte(*e.Detail), &head, json.MatchCaseInsensitiveNames(true)); err != nil {
			w.t.Fatal(err)
		}
		if want[head.ID] != head.Type {
			w.t.Errorf("%s %s tells of nothing in the store", head.Type, head.ID)
		}
		if before, again := said[head.ID]; again && before != *e.Detail {
			w.t.Errorf("%s %s was told as\n%s\nand as\n%s", head.Type, head.ID, before, *e.Detail)
		}
		said[head.ID] = *e.Detail
	}
	for id, name := range want {
		if said[id] == "" {
			w.t.Errorf("%s %s was not told", name, id)
		}
	}
	waited := 0
	for _, act := range w.stored() {
		if act.Approval == nil {
			continue
		}
		waited++
		if n := w.machine.begun[act.ID]; n != 1 {
			w.t.Errorf("action %s has %d clocks", act.ID, n)
		}
		end, over := w.machine.ended[act.ID]
		if over == act.Pending() || over && (end.Status != string(act.Status) || end.DecidedBy != act.DecidedBy()) {
			w.t.Errorf("action %s is %s by %s, its clock ended %t with %+v", act.ID, act.Status, act.DecidedBy(), over, end)
		}
	}
	if len(w.machine.begun) != waited {
		w.t.Errorf("%d clocks for %d actions that waited", len(w.machine.begun), waited)
	}
}

// sixChanges makes six changes: two actions that wait, one of which is
// approved, one that need not, and an agent suspended by a command that died
// before it denied what the agent had asked. Everything before is relayed.
func (w *town) sixChanges() []store.Change {
	w.t.Helper()
	ctx := context.Background()
	w.active("agent-1", `{"display_name": "A"}`)
	w.settle()
	approved := w.submit(w.command(machine), deletion("agent-1"))
	if !approved.Pending() || !w.submit(w.command(machine), deletion("agent-1")).Pending() {
		w.t.Fatal("a deletion does not wait")
	}
	if _, err := w.Approvals.Approve(ctx, w.command(manager), approved.ID, "yes"); err != nil {
		w.t.Fatal(err)
	}
	w.submit(w.command(machine), email("agent-1"))
	w.faults.Reset(func(c faulty.Call) faulty.Fault { // nothing pending is found
		if c.Method == "Query" {
			return faulty.RequestLost
		}
		return faulty.None
	})
	if _, err := w.Agents.Suspend(ctx, w.command(admin), "agent-1", "it loops"); !errors.Is(err, faulty.ErrInjected) {
		w.t.Fatalf("the suspension did not die: %v", err)
	}
	w.faults.Reset(nil)
	var six []store.Change
	for _, c := range w.tape.since(w.relayed) {
		if c.New != nil && (store.IsAction(c.Key) || store.IsAgent(c.Key) || store.IsChange(c.Key)) {
			six = append(six, c)
		}
	}
	if len(six) != 6 {
		w.t.Fatalf("%d changes", len(six))
	}
	w.relayed = len(w.tape.since(0))
	return six
}
