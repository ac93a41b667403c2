package relay_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ascend/shared/app/apptest"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

func TestTheRelayTellsEverythingThatWasCommitted(t *testing.T) {
	w := newTown(t)
	w.relayed = 0
	w.sixChanges()
	w.relayed = 0 // the whole tape again: agents' registrations, versions, counters, commands
	w.settle()
	w.verify()
	for _, act := range w.Stored() {
		if act.Pending() {
			t.Errorf("action %s waits although its agent is suspended", act.ID)
		}
		if o := act.Outcome; o != nil && o.DecidedBy == "agent_suspended" && !strings.Contains(o.Reason, "suspended by admin@example.com: it loops") {
			t.Errorf("revoked because %q", o.Reason)
		}
	}
}

// TestAllOrdersOfSixChanges relays each order, with the first one a second time
// at the end. The first order also denies what the suspended agent had asked.
func TestAllOrdersOfSixChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("720 orders: 5 s")
	}
	t.Parallel()
	w := newTown(t)
	six := w.sixChanges()
	end, orders := w.relayed, 0
	history := w.tape.Since(0)[:end]
	history = slices.DeleteFunc(history, func(c store.Change) bool { return c.Sequence >= six[0].Sequence })
	permute(six, func(order []store.Change) {
		orders++
		w.freshWorld()
		for _, batch := range [][]store.Change{history, order, order[:1]} {
			if failed := w.Relay.Deliver(t.Context(), batch); len(failed) > 0 {
				t.Fatalf("order %d: %v", orders, failed)
			}
		}
		w.runTasks()
		w.relayed = end // what the first order denied is told again in each
		w.settle()
		w.verify()
		if t.Failed() {
			t.Fatalf("in order %d", orders)
		}
	})
	if orders != 720 {
		t.Errorf("%d orders", orders)
	}
}

func permute(all []store.Change, visit func([]store.Change)) {
	var step func(int)
	step = func(k int) {
		if k == len(all) {
			visit(slices.Clone(all))
			return
		}
		for i := k; i < len(all); i++ {
			all[k], all[i] = all[i], all[k]
			step(k + 1)
			all[k], all[i] = all[i], all[k]
		}
	}
	step(0)
}

// TestAnyDeliveryIsEnough draws orders with duplicates, batches, and faults of
// every call; each change arrives, at the latest when the faults have stopped.
func TestAnyDeliveryIsEnough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := newTown(t)
		six := w.sixChanges()
		deliveries := rapid.Permutation(append(slices.Clone(six), rapid.SliceOfN(rapid.SampledFrom(six), 0, 6).Draw(r, "again")...)).Draw(r, "order")
		faults := rapid.SliceOfN(rapid.SampledFrom(append([]faulty.Fault{faulty.None, faulty.None}, faulty.All...)), 0, 15).Draw(r, "faults")
		w.faultyWorld()
		w.seam.plan = func(n int) faulty.Fault {
			if n <= len(faults) {
				return faults[n-1]
			}
			return faulty.None
		}
		for len(deliveries) > 0 {
			n := rapid.IntRange(1, len(deliveries)).Draw(r, "batch")
			w.deliver(t.Context(), deliveries[:n], 3)
			deliveries = deliveries[n:]
			if rapid.Bool().Draw(r, "tick") {
				w.runTasks()
			}
		}
		w.calmWorld()
		if !w.deliver(t.Context(), six, 1) {
			t.Fatal("a change fails without a fault")
		}
		w.settle()
		w.verify()
		if t.Failed() {
			r.FailNow()
		}
	})
}

// TestAConsumerMayFailAtEachCall learns each call that a consumer makes for six
// changes, then repeats it once per call with a fault there. One that dies makes
// no later call. What failed is given again, and the other consumers get all.
func TestAConsumerMayFailAtEachCall(t *testing.T) {
	t.Parallel()
	learned := newTown(t)
	six := learned.sixChanges()
	learned.faultyWorld()
	var all []string
	for at, consumer := range learned.Relay.Consumers() {
		begin := len(learned.seam.calls)
		if failed := learned.Relay.Handle(t.Context(), consumer, six); len(failed) > 0 {
			t.Fatal(failed)
		}
		calls := slices.Clone(learned.seam.calls[begin:])
		all = append(all, calls...)
		for n, name := range calls {
			for _, fault := range faulty.All {
				for _, dies := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s %d %s %v, dies %t", consumer.Name, n+1, name, fault, dies), func(t *testing.T) {
						t.Parallel()
						failsAt(t, at, n+1, fault, dies)
					})
				}
			}
		}
	}
	for _, name := range []string{"store Get", "store Query", "store Write", "Start", "PutEvents"} {
		if !slices.Contains(all, name) {
			t.Errorf("relaying makes no call %s: %v", name, all)
		}
	}
}

// failsAt has one call of one consumer fail, and looks at the end.
func failsAt(t *testing.T, consumer, n int, fault faulty.Fault, dies bool) {
	w := newTown(t)
	six := w.sixChanges()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.faultyWorld()
	w.seam.kill = cancel
	w.seam.plan = func(call int) faulty.Fault {
		if call == n {
			return fault
		}
		return faulty.None
	}
	if dies {
		w.seam.dies = n
	}
	failed := w.Relay.Handle(ctx, w.Relay.Consumers()[consumer], six)
	if dies && len(failed) == 0 {
		t.Error("a consumer that died reports nothing")
	}
	w.calmWorld()
	again := six
	if !dies { // when it dies its answer is lost: all are given again
		again = six[min(firstOf(failed), len(six)):]
	}
	for at, other := range w.Relay.Consumers() {
		batch := again
		if at != consumer {
			batch = six
		}
		if failed := w.Relay.Handle(t.Context(), other, batch); len(failed) > 0 {
			t.Errorf("%s fails without a fault: %v", other.Name, failed)
		}
	}
	w.settle()
	w.verify()
}

func firstOf(failed map[int]error) int {
	first := 1 << 30
	for i := range failed {
		first = min(first, i)
	}
	return first
}

func TestTwoRelaysAtOnceDoNothingTwice(t *testing.T) {
	w := newTown(t)
	six := w.sixChanges()
	var both sync.WaitGroup
	backwards := slices.Clone(six)
	slices.Reverse(backwards)
	for _, batch := range [][]store.Change{six, backwards} {
		both.Go(func() {
			if failed := w.Relay.Deliver(context.Background(), batch); len(failed) > 0 {
				t.Error(failed)
			}
		})
	}
	both.Wait()
	w.settle()
	w.verify()
}

func TestAPoisonedChangeKeepsNoOtherBack(t *testing.T) {
	item := func(key store.Key, body string) *store.Item { return &store.Item{Key: key, Body: []byte(body)} }
	act, g := store.ActionKey(1, 42), store.AgentKey(1, "agent-1")
	change := store.ChangeKey(1, "agent-1", "aud_1")
	for name, poison := range map[string]store.Change{
		"an action that is no JSON":       {Key: act, New: item(act, "{")},
		"an action without audit":         {Key: act, New: item(act, `{"id":42,"status":"approved"}`)},
		"one that waits without approval": {Key: act, New: item(act, `{"id":42,"status":"pending_approval","verdict":{"outcome":"pending_approval"},"audit":[{"id":"aud_1"}]}`)},
		"a move that has no name":         {Key: act, New: item(act, `{"id":42,"status":"approved","approval":{},"audit":[{"id":"a"},{"id":"b","event_type":"action.moved"}]}`), Old: item(act, `{"audit":[{"id":"a"}]}`)},
		"a move from what is no JSON":     {Key: act, New: item(act, `{"id":42,"audit":[{"id":"a"}]}`), Old: item(act, `[]`)},
		"a change that is no JSON":        {Key: change, New: item(change, "x")},
		"a change that has no name":       {Key: change, New: item(change, `{"id":"aud_1","event_type":"agent.renamed"}`)},
		"an agent that is no JSON":        {Key: g, New: item(g, "{"), Old: item(g, `{"status":"active"}`)},
		"an agent that was no JSON":       {Key: g, New: item(g, `{"status":"draft"}`), Old: item(g, "")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			six := w.sixChanges()
			failed := w.Relay.Deliver(t.Context(), slices.Insert(slices.Clone(six), 3, poison))
			if len(failed) != 1 || failed[3] == nil {
				t.Errorf("failed: %v", failed)
			}
			w.settle()
			w.verify()
		})
	}
}

func TestRefusedEventsFailTheirOwnChangesOnly(t *testing.T) {
	w := newTown(t)
	six := w.sixChanges()
	w.bridge.Refuse = func(_, place int) bool { return place == 0 } // also when it is sent again
	failed := w.Relay.Deliver(t.Context(), six)
	if len(failed) == 0 || len(failed) == len(six) {
		t.Fatalf("failed: %v", failed)
	}
	told := len(w.bridge.Taken())
	w.calmWorld()
	again := []store.Change{}
	for i := range six {
		if failed[i] != nil {
			again = append(again, six[i])
		}
	}
	w.deliver(t.Context(), again, 1)
	if all := len(w.expected()); told == 0 || told >= all {
		t.Errorf("%d of %d events were told at first", told, all)
	}
	w.settle()
	w.verify()
}

func TestWithoutABusEventsFail(t *testing.T) {
	w := newTown(t)
	six := w.sixChanges()
	w.Relay.Bus = nil
	if failed := w.Relay.Deliver(t.Context(), six); len(failed) != 5 { // the agent's record itself is not told
		t.Errorf("failed: %v", failed)
	}
}

func TestWhatNothingFollowsFromCostsNothing(t *testing.T) {
	w := newTown(t)
	w.sixChanges()
	w.faultyWorld()
	var idle []store.Change
	for _, c := range w.tape.Since(0) {
		switch {
		case store.IsAction(c.Key), store.IsChange(c.Key):
			c.Old, c.New = c.New, nil // forgotten
		case store.IsAgent(c.Key):
			c.Old = c.New // changed, but not its status
		}
		idle = append(idle, c)
	}
	if failed := w.Relay.Deliver(t.Context(), idle); len(failed) > 0 || len(w.seam.calls) > 0 {
		t.Errorf("%d changes made the calls %v; failed: %v", len(idle), w.seam.calls, failed)
	}
}

// TestAStopThatComesLateDeniesNothingNewer suspends an agent, activates it again
// and only then relays the suspension.
func TestAStopThatComesLateDeniesNothingNewer(t *testing.T) {
	w := newTown(t)
	w.sixChanges()
	w.relayed = 0
	ctx := t.Context()
	w.Advance(time.Second)
	if _, err := w.Agents.Activate(ctx, w.Command(apptest.Admin), agent.ID("agent-1"), "mended"); err != nil {
		t.Fatal(err)
	}
	w.Advance(time.Second)
	newer := w.Submit(w.Command(apptest.Machine), apptest.Deletion("agent-1"))
	w.settle()
	w.verify()
	for _, act := range w.Stored() {
		if want := act.ID == newer.ID; act.Approval != nil && act.Status != governance.Approved && act.Pending() != want {
			t.Errorf("action %s is %s", act.ID, act.Status)
		}
	}
}
