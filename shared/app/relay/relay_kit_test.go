package relay_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/events"
	"ascend/shared/app/approvals"
	"ascend/shared/app/apptest"
	"ascend/shared/bus/bustest"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/problem"
	"ascend/shared/executions/executionstest"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

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
func (s *seam) through(_ context.Context, name string, do func()) error {
	fault := s.next(name)
	if fault != faulty.RequestLost && fault != faulty.Throttled {
		do()
	}
	if fault != faulty.None {
		return problem.Unavailable(name, fmt.Errorf("%w: %v", faulty.ErrInjected, fault))
	}
	return nil
}

// relayFixture is a fixture whose committed changes are relayed to a state machine and a bus.
type relayFixture struct {
	*apptest.Fixture
	tape    *apptest.Stream
	seam    *seam
	machine *executionstest.Machine
	bridge  *bustest.EventBridge
	relayed int // changes of the tape that were
}

func newTown(t testing.TB) *relayFixture {
	tape := &apptest.Stream{Store: apptest.Embedded(t)}
	w := &relayFixture{Fixture: apptest.Over(t, tape), tape: tape, seam: &seam{}}
	w.freshWorld()
	return w
}

// freshWorld forgets what happened outside of the store.
func (w *relayFixture) freshWorld() {
	w.Advance(time.Millisecond) // its waits begin after those of the world before
	w.machine = &executionstest.Machine{Now: w.Now, Through: w.seam.through}
	w.bridge = &bustest.EventBridge{T: w.T}
	w.Approvals.Executions, w.Relay.Bus = w.machine, w.bridge.Publisher()
}

// runTasks lets the machine open the waits that have begun.
func (w *relayFixture) runTasks() {
	w.machine.RunTasks(func(o approvals.Task) error { return w.Approvals.BeginWait(context.Background(), o) })
}

// faultyWorld lets the seam fail whatever the relay calls.
func (w *relayFixture) faultyWorld() {
	w.Faults.Reset(func(c faulty.Call) faulty.Fault { return w.seam.next("store " + c.Method) })
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
func (w *relayFixture) calmWorld() {
	w.seam.reset()
	w.Faults.Reset(nil)
	w.bridge.Reset()
}

// deliver gives a batch to the relay as Lambda does: from the first failed
// change on, again and again, at most so many times.
func (w *relayFixture) deliver(ctx context.Context, batch []store.Change, times int) bool {
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
func (w *relayFixture) settle() {
	w.T.Helper()
	for {
		batch := w.tape.Since(w.relayed)
		if len(batch) > 0 && !w.deliver(context.Background(), batch, 3) {
			w.T.Fatalf("changes after %d cannot be relayed: %v", w.relayed, w.Relay.Deliver(context.Background(), batch))
		}
		w.relayed += len(batch)
		w.runTasks()
		if len(w.tape.Since(w.relayed)) == 0 {
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
func (w *relayFixture) expected() map[string]string {
	w.T.Helper()
	want := map[string]string{}
	tell := func(e audit.Entry, names []string) {
		for _, name := range names {
			want[events.ID(e, name)] = name
		}
	}
	for _, act := range w.Stored() {
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
				w.T.Fatalf("nothing tells of %q", key)
			}
			tell(e, names)
		}
	}
	for _, e := range w.Audited(store.Agents, "change#") {
		tell(e, tells[e.Event])
	}
	return want
}

// verify holds the world outside against the store: every event was told and
// nothing else, each time the same; every action that waited has one clock,
// which ended as the action did.
func (w *relayFixture) verify() {
	w.T.Helper()
	want, said := w.expected(), map[string]string{}
	for _, e := range w.bridge.Taken() {
		var head struct{ ID, Type string }
		if err := json.Unmarshal([]byte(*e.Detail), &head, json.MatchCaseInsensitiveNames(true)); err != nil {
			w.T.Fatal(err)
		}
		if want[head.ID] != head.Type {
			w.T.Errorf("%s %s tells of nothing in the store", head.Type, head.ID)
		}
		if before, again := said[head.ID]; again && before != *e.Detail {
			w.T.Errorf("%s %s was told as\n%s\nand as\n%s", head.Type, head.ID, before, *e.Detail)
		}
		said[head.ID] = *e.Detail
	}
	for id, name := range want {
		if said[id] == "" {
			w.T.Errorf("%s %s was not told", name, id)
		}
	}
	waited := 0
	for _, act := range w.Stored() {
		if act.Approval == nil {
			continue
		}
		waited++
		run := w.machine.Run(act.ID)
		if run == nil {
			w.T.Errorf("action %s has no clock", act.ID)
			continue
		}
		over, end := run.State == executionstest.Ended, run.Output
		if over == act.Pending() || over && (end.Status != string(act.Status) || end.DecidedBy != act.DecidedBy()) {
			w.T.Errorf("action %s is %s by %s, its clock ended %t with %+v", act.ID, act.Status, act.DecidedBy(), over, end)
		}
	}
	if n := w.machine.Runs(); n != waited {
		w.T.Errorf("%d clocks for %d actions that waited", n, waited)
	}
}

// sixChanges makes six changes: two actions that wait, one of which is
// approved, one that need not, and an agent suspended by a command that died
// before it denied what the agent had asked. Everything before is relayed.
func (w *relayFixture) sixChanges() []store.Change {
	w.T.Helper()
	ctx := context.Background()
	w.Active("agent-1", `{"display_name": "A"}`)
	w.settle()
	approved := w.Submit(w.Command(apptest.Machine), apptest.Deletion("agent-1"))
	if !approved.Pending() || !w.Submit(w.Command(apptest.Machine), apptest.Deletion("agent-1")).Pending() {
		w.T.Fatal("a deletion does not wait")
	}
	if _, err := w.Approvals.Approve(ctx, w.Command(apptest.Manager), approved.ID, "yes"); err != nil {
		w.T.Fatal(err)
	}
	w.Submit(w.Command(apptest.Machine), apptest.Email("agent-1"))
	w.Faults.Reset(func(c faulty.Call) faulty.Fault { // nothing pending is found
		if c.Method == "Query" {
			return faulty.RequestLost
		}
		return faulty.None
	})
	if got, err := w.Agents.Suspend(ctx, w.Command(apptest.Admin), "agent-1", "it loops"); err != nil || !got.Pending.AtLeast || got.Pending.Revoked > 0 {
		w.T.Fatalf("the suspension denied what was pending: %+v, %v", got.Pending, err)
	}
	w.Faults.Reset(nil)
	var six []store.Change
	for _, c := range w.tape.Since(w.relayed) {
		if c.New != nil && (store.IsAction(c.Key) || store.IsAgent(c.Key) || store.IsChange(c.Key)) {
			six = append(six, c)
		}
	}
	if len(six) != 6 {
		w.T.Fatalf("%d changes", len(six))
	}
	w.relayed = len(w.tape.Since(0))
	return six
}
