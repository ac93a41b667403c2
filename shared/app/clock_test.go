package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

func (d *clockDesk) deliver(t testing.TB, changes ...store.Change) {
	t.Helper()
	for _, c := range changes {
		if err := d.Approvals.KeepClock(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *clockDesk) open(t testing.TB, o approvals.Opening) {
	t.Helper()
	if err := d.Approvals.OpenStage(context.Background(), o); err != nil {
		t.Fatal(err)
	}
}

func TestAPendingActionStartsOneClock(t *testing.T) {
	d := newClockDesk(t)
	id := d.pending(2)
	d.advance(500 * time.Millisecond) // the stream is a little late
	d.deliver(t, d.changesOf(id)...)
	d.deliver(t, d.changesOf(id)...)
	want := approvals.Wait{Org: 1, Action: id, Stage: 1, WaitSeconds: 10}
	if got := d.runs[id]; len(d.runs) != 1 || got.wait.Wait != want || len(got.openings) != 1 {
		t.Errorf("the clock waits for %+v, want %+v once", got, want)
	}
}

func TestADeadlineThatHasPassedIsWaitedForOneSecond(t *testing.T) {
	d := newClockDesk(t)
	id := d.pending(1)
	d.advance(time.Hour)
	d.deliver(t, d.changesOf(id)...)
	if got := d.runs[id].wait.WaitSeconds; got != 1 {
		t.Errorf("waits %d s", got)
	}
}

func TestADecisionEndsTheWait(t *testing.T) {
	d := newClockDesk(t)
	id := d.pending(2)
	d.deliver(t, d.changesOf(id)...)
	d.open(t, d.runs[id].wait)
	d.decide(id)
	d.deliver(t, d.changesOf(id)...)
	want := approvals.Ended{Org: 1, Action: id, Status: "denied", DecidedBy: "approver", Stage: 1}
	if got := d.runs[id]; got.state != "Ended" || got.output != want {
		t.Errorf("the execution is %+v, want %+v", got, want)
	}
}

func TestAnApprovedStageBeginsTheNextWait(t *testing.T) {
	d := newClockDesk(t)
	id := d.pending(2)
	d.deliver(t, d.changesOf(id)...)
	d.open(t, d.runs[id].wait)
	d.advance(4 * time.Second)
	d.nextStage(id)
	d.advance(time.Second)
	d.deliver(t, d.changesOf(id)...)
	want := approvals.Wait{Org: 1, Action: id, Stage: 2, WaitSeconds: 9}
	if got := d.runs[id]; got.wait.Wait != want || len(got.openings) != 2 {
		t.Errorf("the clock waits for %+v, want %+v", got, want)
	}
	d.open(t, d.runs[id].wait)
	d.deliver(t, d.changesOf(id)...)
	if got := d.runs[id]; len(got.openings) != 2 {
		t.Error("a repeat began another wait")
	}
}

func TestWhatTheClockNeedNotKnowAsksNothing(t *testing.T) {
	d := newClockDesk(t)
	id := d.pending(1)
	d.deliver(t, d.changesOf(id)...)
	d.open(t, d.runs[id].wait)
	d.commit(d.read(id)) // a vote of a quorum, say
	vote := d.changesOf(id)[2]
	d.decide(id)
	d.deliver(t, d.changesOf(id)...)
	d.commit(d.read(id)) // completed
	all := d.changesOf(id)
	token := all[1]
	if token.Key != store.ClockKey(1, id) {
		t.Fatalf("the second change is of %v", token.Key)
	}
	gone := all[0]
	gone.New = nil
	agent := store.Change{Key: store.AgentKey(1, "a"), New: &store.Item{Body: []byte("{}")}}

	d.stateMachine.calls = 0
	d.faults.Reset(nil)
	d.deliver(t, vote, token, all[len(all)-1], gone, agent)
	if n := d.faults.Counts().Calls; n != 0 || d.stateMachine.calls != 0 {
		t.Errorf("%d calls of the store, %d of the machine", n, d.stateMachine.calls)
	}
	d.Approvals.Executions = nil
	d.deliver(t, all...)
}

func TestACommonWaitCostsOneWriteAndOneRead(t *testing.T) {
	d := newClockDesk(t)
	id := d.pending(1)
	d.deliver(t, d.changesOf(id)...)
	d.faults.Reset(nil)
	d.open(t, d.runs[id].wait)
	if got, want := d.faults.Counts(), (faulty.Counts{Calls: 2, Writes: 1, Depth: 2}); got != want {
		t.Errorf("opening a stage costs %+v, want %+v", got, want)
	}
	d.decide(id)
	d.faults.Reset(nil)
	d.deliver(t, d.changesOf(id)...)
	if got, want := d.faults.Counts(), (faulty.Counts{Calls: 1, Depth: 1}); got != want {
		t.Errorf("following a decision costs %+v, want %+v", got, want)
	}
}

func TestADecisionWithoutAClockStartsNone(t *testing.T) {
	d := newClockDesk(t)
	id := d.pending(1)
	d.decide(id)
	d.deliver(t, d.changesOf(id)[1])
	if len(d.runs) != 0 {
		t.Error("a clock was started for a decided action")
	}
}

func TestAClockWhoseStartWasLostStartsWithTheNextStage(t *testing.T) {
	d := newClockDesk(t)
	id := d.pending(2)
	d.nextStage(id)
	d.deliver(t, d.changesOf(id)[1])
	if got := d.runs[id]; got == nil || got.wait.Stage != 2 {
		t.Errorf("the clock is %+v", got)
	}
}

func TestTheLatestWaitOfAStageCounts(t *testing.T) {
	d := newClockDesk(t)
	id := d.pending(1)
	d.deliver(t, d.changesOf(id)...)
	first := d.runs[id].wait
	d.open(t, first)
	d.enter(d.runs[id], first.Wait) // the state machine's clock ran ahead of ours
	second := d.runs[id].wait
	d.open(t, second)
	d.open(t, first) // a call that was held up
	d.decide(id)
	d.deliver(t, d.changesOf(id)...)
	if got := d.runs[id]; got.state != "Ended" {
		t.Errorf("the execution is %+v", got)
	}
}

func TestAWaitOfNoActionOfOursIsRefused(t *testing.T) {
	d := newClockDesk(t)
	id := d.pending(1)
	good := approvals.Opening{
		Wait:  approvals.Wait{Org: 1, Action: id, Stage: 1, WaitSeconds: 10},
		Token: "t", EnteredAt: d.Now(),
	}
	d.open(t, good)
	for name, spoil := range map[string]func(*approvals.Opening){
		"no organisation": func(o *approvals.Opening) { o.Org = 0 },
		"no action":       func(o *approvals.Opening) { o.Action = 0 },
		"a large action":  func(o *approvals.Opening) { o.Action = action.MaxID + 1 },
		"no stage":        func(o *approvals.Opening) { o.Stage = 0 },
		"no time":         func(o *approvals.Opening) { o.WaitSeconds = 0 },
		"too much time":   func(o *approvals.Opening) { o.WaitSeconds = 1 << 40 },
		"no token":        func(o *approvals.Opening) { o.Token = "" },
		"a large token":   func(o *approvals.Opening) { o.Token = string(make([]byte, 2049)) },
		"no beginning":    func(o *approvals.Opening) { o.EnteredAt = time.Time{} },
	} {
		bad := good
		spoil(&bad)
		if err := d.Approvals.OpenStage(t.Context(), bad); problem.As(err).Kind != problem.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, other := range []struct {
		org tenant.ID
		id  action.ID
	}{{2, id}, {1, 5}} {
		unknown := good
		unknown.Org, unknown.Action = other.org, other.id
		if err := d.Approvals.OpenStage(t.Context(), unknown); problem.As(err).Kind != problem.KindNotFound {
			t.Errorf("opening %v: %v", other, err)
		}
		if _, err := d.Approvals.Escalate(t.Context(), other.org, other.id); problem.As(err).Kind != problem.KindNotFound {
			t.Errorf("escalating %v: %v", other, err)
		}
	}
}

func TestEscalatingTellsWhereTheActionStands(t *testing.T) {
	d := newClockDesk(t)
	id := d.pending(2)
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
		d.advance(step.after)
		got, err := d.Approvals.Escalate(t.Context(), 1, id)
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
	d := newClockDesk(t)
	id := d.pending(1)
	act := d.read(id)
	act.Status, act.Approval = "approved", nil
	d.commit(act)
	all := d.changesOf(id)
	all[1].Old = nil
	d.deliver(t, all[1])
	o := approvals.Opening{Wait: approvals.Wait{Org: 1, Action: id, Stage: 1, WaitSeconds: 10}, Token: "t", EnteredAt: d.Now()}
	if err := d.Approvals.OpenStage(t.Context(), o); problem.As(err).Kind != problem.KindInvalidState {
		t.Errorf("opening: %v", err)
	}
	if _, err := d.Approvals.Escalate(t.Context(), 1, id); problem.As(err).Kind != problem.KindInvalidState {
		t.Errorf("escalating: %v", err)
	}
	if d.stateMachine.calls != 0 {
		t.Errorf("%d calls of the machine", d.stateMachine.calls)
	}
}
