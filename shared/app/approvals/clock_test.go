package approvals_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/executions/executionstest"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

func (f *clockFixture) deliver(t testing.TB, changes ...store.Change) {
	t.Helper()
	for _, c := range changes {
		if err := f.Approvals.SyncClock(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *clockFixture) open(t testing.TB, o approvals.Task) {
	t.Helper()
	if err := f.Approvals.BeginWait(context.Background(), o); err != nil {
		t.Fatal(err)
	}
}

func TestAPendingActionStartsOneClock(t *testing.T) {
	f := newClock(t)
	id := f.pending(2)
	f.Advance(500 * time.Millisecond) // the stream is a little late
	f.deliver(t, f.changesOf(id)...)
	f.deliver(t, f.changesOf(id)...)
	want := approvals.Wait{Org: 1, Action: id, Stage: 1, WaitSeconds: 10}
	if got := f.machine.Run(id); f.machine.Runs() != 1 || got.Wait.Wait != want || len(got.Tasks) != 1 {
		t.Errorf("the clock waits for %+v, want %+v once", got, want)
	}
}

func TestADeadlineThatHasPassedIsWaitedForOneSecond(t *testing.T) {
	f := newClock(t)
	id := f.pending(1)
	f.Advance(time.Hour)
	f.deliver(t, f.changesOf(id)...)
	if got := f.machine.Run(id).Wait.WaitSeconds; got != 1 {
		t.Errorf("waits %d s", got)
	}
}

func TestADecisionEndsTheWait(t *testing.T) {
	f := newClock(t)
	id := f.pending(2)
	f.deliver(t, f.changesOf(id)...)
	f.open(t, f.machine.Run(id).Wait)
	f.decide(id)
	f.deliver(t, f.changesOf(id)...)
	want := approvals.Ended{Org: 1, Action: id, Status: "denied", DecidedBy: "approver", Stage: 1}
	if got := f.machine.Run(id); got.State != executionstest.Ended || got.Output != want {
		t.Errorf("the execution is %+v, want %+v", got, want)
	}
}

func TestAnApprovedStageBeginsTheNextWait(t *testing.T) {
	f := newClock(t)
	id := f.pending(2)
	f.deliver(t, f.changesOf(id)...)
	f.open(t, f.machine.Run(id).Wait)
	f.Advance(4 * time.Second)
	f.nextStage(id)
	f.Advance(time.Second)
	f.deliver(t, f.changesOf(id)...)
	want := approvals.Wait{Org: 1, Action: id, Stage: 2, WaitSeconds: 9}
	if got := f.machine.Run(id); got.Wait.Wait != want || len(got.Tasks) != 2 {
		t.Errorf("the clock waits for %+v, want %+v", got, want)
	}
	f.open(t, f.machine.Run(id).Wait)
	f.deliver(t, f.changesOf(id)...)
	if got := f.machine.Run(id); len(got.Tasks) != 2 {
		t.Error("a repeat began another wait")
	}
}

func TestWhatTheClockNeedNotKnowAsksNothing(t *testing.T) {
	f := newClock(t)
	id := f.pending(1)
	f.deliver(t, f.changesOf(id)...)
	f.open(t, f.machine.Run(id).Wait)
	f.commit(f.Action(id)) // a vote of a quorum, say
	vote := f.changesOf(id)[2]
	f.decide(id)
	f.deliver(t, f.changesOf(id)...)
	f.commit(f.Action(id)) // completed
	all := f.changesOf(id)
	token := all[1]
	if token.Key != store.ClockKey(1, id) {
		t.Fatalf("the second change is of %v", token.Key)
	}
	gone := all[0]
	gone.New = nil
	agent := store.Change{Key: store.AgentKey(1, "a"), New: &store.Item{Body: []byte("{}")}}

	asked := len(f.machine.Calls())
	f.Faults.Reset(nil)
	f.deliver(t, vote, token, all[len(all)-1], gone, agent)
	if n := f.Faults.Counts().Calls; n != 0 || len(f.machine.Calls()) != asked {
		t.Errorf("%d calls of the store, %d of the machine", n, len(f.machine.Calls())-asked)
	}
	f.Approvals.Executions = nil
	f.deliver(t, all...)
}

func TestACommonWaitCostsOneWriteAndOneRead(t *testing.T) {
	f := newClock(t)
	id := f.pending(1)
	f.deliver(t, f.changesOf(id)...)
	f.Faults.Reset(nil)
	f.open(t, f.machine.Run(id).Wait)
	if got, want := f.Faults.Counts(), (faulty.Counts{Calls: 2, Writes: 1, Depth: 2}); got != want {
		t.Errorf("opening a stage costs %+v, want %+v", got, want)
	}
	f.decide(id)
	f.Faults.Reset(nil)
	f.deliver(t, f.changesOf(id)...)
	if got, want := f.Faults.Counts(), (faulty.Counts{Calls: 1, Depth: 1}); got != want {
		t.Errorf("following a decision costs %+v, want %+v", got, want)
	}
}

func TestADecisionWithoutAClockStartsNone(t *testing.T) {
	f := newClock(t)
	id := f.pending(1)
	f.decide(id)
	f.deliver(t, f.changesOf(id)[1])
	if f.machine.Runs() != 0 {
		t.Error("a clock was started for a decided action")
	}
}

func TestAClockWhoseStartWasLostStartsWithTheNextStage(t *testing.T) {
	f := newClock(t)
	id := f.pending(2)
	f.nextStage(id)
	f.deliver(t, f.changesOf(id)[1])
	if got := f.machine.Run(id); got == nil || got.Wait.Stage != 2 {
		t.Errorf("the clock is %+v", got)
	}
}

func TestClocksThatEndedWithTheirProcessAreStartedAgain(t *testing.T) {
	f := newClock(t)
	waits, decided, moved := f.pending(1), f.pending(1), f.pending(2)
	f.Advance(4 * time.Second)
	f.decide(decided)
	f.nextStage(moved)
	f.Advance(time.Second)
	for range 2 {
		if err := f.Approvals.StartClocks(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if f.machine.Runs() != 2 || f.machine.Run(waits).Wait.WaitSeconds != 5 || f.machine.Run(moved).Wait.WaitSeconds != 9 || f.machine.Run(moved).Wait.Stage != 2 {
		t.Errorf("the clocks are %+v, %+v, %+v", f.machine.Run(waits), f.machine.Run(decided), f.machine.Run(moved))
	}
	f.machine.Through = func(context.Context, string, func()) error { return problem.Unavailable("start", errors.New("lost")) }
	if err := f.Approvals.StartClocks(t.Context()); problem.As(err).Kind != problem.KindUnavailable {
		t.Errorf("starts that are lost: %v", err)
	}
}

func TestTheLatestWaitOfAStageCounts(t *testing.T) {
	f := newClock(t)
	id := f.pending(1)
	f.deliver(t, f.changesOf(id)...)
	first := f.machine.Run(id).Wait
	f.open(t, first)
	f.machine.Enter(f.machine.Run(id), first.Wait) // the state machine's clock ran ahead of ours
	second := f.machine.Run(id).Wait
	f.open(t, second)
	f.open(t, first) // a call that was held up
	f.decide(id)
	f.deliver(t, f.changesOf(id)...)
	if got := f.machine.Run(id); got.State != executionstest.Ended {
		t.Errorf("the execution is %+v", got)
	}
}

func TestAWaitOfNoActionOfOursIsRefused(t *testing.T) {
	f := newClock(t)
	id := f.pending(1)
	good := approvals.Task{
		Wait:  approvals.Wait{Org: 1, Action: id, Stage: 1, WaitSeconds: 10},
		Token: "t", EnteredAt: f.Now(),
	}
	f.open(t, good)
	for name, spoil := range map[string]func(*approvals.Task){
		"no organisation": func(o *approvals.Task) { o.Org = 0 },
		"no action":       func(o *approvals.Task) { o.Action = 0 },
		"a large action":  func(o *approvals.Task) { o.Action = action.MaxID + 1 },
		"no stage":        func(o *approvals.Task) { o.Stage = 0 },
		"no time":         func(o *approvals.Task) { o.WaitSeconds = 0 },
		"too much time":   func(o *approvals.Task) { o.WaitSeconds = 1 << 40 },
		"no token":        func(o *approvals.Task) { o.Token = "" },
		"a large token":   func(o *approvals.Task) { o.Token = string(make([]byte, 2049)) },
		"no beginning":    func(o *approvals.Task) { o.EnteredAt = time.Time{} },
	} {
		bad := good
		spoil(&bad)
		if err := f.Approvals.BeginWait(t.Context(), bad); problem.As(err).Kind != problem.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, other := range []struct {
		org tenant.ID
		id  action.ID
	}{{2, id}, {1, 5}} {
		unknown := good
		unknown.Org, unknown.Action = other.org, other.id
		if err := f.Approvals.BeginWait(t.Context(), unknown); problem.As(err).Kind != problem.KindNotFound {
			t.Errorf("opening %v: %v", other, err)
		}
		if _, err := f.Approvals.EndWait(t.Context(), other.org, other.id); problem.As(err).Kind != problem.KindNotFound {
			t.Errorf("escalating %v: %v", other, err)
		}
	}
}

func TestEscalatingTellsWhereTheActionStands(t *testing.T) {
	f := newClock(t)
	id := f.pending(2)
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{9500 * time.Millisecond, `{"organization_id":"1","action_id":"%d","status":"pending_approval","decided_by":"","stage":1,"wait_seconds":1}`},
		{500 * time.Millisecond, `{"organization_id":"1","action_id":"%d","status":"pending_approval","decided_by":"","stage":2,"wait_seconds":10}`},
		{3 * time.Second, `{"organization_id":"1","action_id":"%d","status":"pending_approval","decided_by":"","stage":2,"wait_seconds":7}`},
		{7 * time.Second, `{"organization_id":"1","action_id":"%d","status":"denied","decided_by":"timeout","stage":2}`},
		{time.Hour, `{"organization_id":"1","action_id":"%d","status":"denied","decided_by":"timeout","stage":2}`},
	} {
		f.Advance(step.after)
		got, err := f.Approvals.EndWait(t.Context(), 1, id)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(got)
		if want := fmt.Sprintf(step.want, id); err != nil || string(text) != want {
			t.Errorf("after %v: %s, %v, want %s", step.after, text, err, want)
		}
	}
}

func TestAnActionThatAwaitsNobodyHasNoClock(t *testing.T) {
	f := newClock(t)
	id := f.pending(1)
	act := f.Action(id)
	act.Status, act.Approval = "approved", nil
	f.commit(act)
	all := f.changesOf(id)
	all[1].Old = nil
	f.deliver(t, all[1])
	o := approvals.Task{Wait: approvals.Wait{Org: 1, Action: id, Stage: 1, WaitSeconds: 10}, Token: "t", EnteredAt: f.Now()}
	if err := f.Approvals.BeginWait(t.Context(), o); problem.As(err).Kind != problem.KindInvalidState {
		t.Errorf("opening: %v", err)
	}
	if _, err := f.Approvals.EndWait(t.Context(), 1, id); problem.As(err).Kind != problem.KindInvalidState {
		t.Errorf("escalating: %v", err)
	}
	if len(f.machine.Calls()) != 0 {
		t.Errorf("%d calls of the machine", len(f.machine.Calls()))
	}
}
