package app_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ascend/shared/app/approvals"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/approval"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// stateMachine is the state machine of infra/approval.asl.json, without time: tests
// say when functions run and when stages time out. It fails by plan.
type stateMachine struct {
	mu    sync.Mutex
	runs  map[action.ID]*run
	waits int
	calls int
	fault func() faulty.Fault // nil: none
	now   func() time.Time
	gate  func(context.Context)
}

// run is one execution. Its state is Await, Escalate (or Pause before it) or Ended.
type run struct {
	state    string
	wait     approvals.Opening   // the present one, while in Await
	openings []approvals.Opening // each call that ApprovalOpen is to get, or has got
	output   approvals.Ended
}

func (m *stateMachine) enter(r *run, w approvals.Wait) {
	m.waits++
	r.state = "Await"
	r.wait = approvals.Opening{Wait: w, Token: fmt.Sprintf("token-%d", m.waits), EnteredAt: m.now().Add(time.Duration(m.waits) * time.Microsecond)}
	r.openings = append(r.openings, r.wait)
}

// call does what a request asks, unless it is lost.
func (m *stateMachine) call(ctx context.Context, do func()) error {
	if m.gate != nil {
		m.gate(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	fault := faulty.None
	if m.fault != nil {
		fault = m.fault()
	}
	if fault != faulty.RequestLost {
		do()
	}
	if fault != faulty.None {
		return problem.Unavailable("call the machine", errors.New(fault.String()))
	}
	return nil
}

func (m *stateMachine) Start(ctx context.Context, in approvals.Wait) error {
	return m.call(ctx, func() {
		if m.runs[in.Action] == nil {
			m.runs[in.Action] = new(run)
			m.enter(m.runs[in.Action], in)
		}
	})
}

func (m *stateMachine) Succeed(ctx context.Context, token string, end approvals.Ended) error {
	return m.call(ctx, func() {
		if r := m.waiting(end.Action, token); r != nil {
			r.state, r.output = "Ended", end
		}
	})
}

func (m *stateMachine) NextStage(ctx context.Context, token string, next approvals.Wait) error {
	return m.call(ctx, func() {
		if r := m.waiting(next.Action, token); r != nil {
			m.enter(r, next)
		}
	})
}

// waiting is the execution that waits under a token; nil where it is spent.
func (m *stateMachine) waiting(id action.ID, token string) *run {
	if r := m.runs[id]; r != nil && r.state == "Await" && r.wait.Token == token {
		return r
	}
	return nil
}

// recorder keeps the changes of a store as its stream would tell them.
type recorder struct {
	store.Store
	mu      sync.Mutex
	changes []store.Change
}

func (r *recorder) Write(ctx context.Context, op store.Op) (*store.Item, error) {
	put, ok := op.(store.Put)
	if !ok {
		return r.Store.Write(ctx, op)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before, err := r.Store.Get(ctx, put.Item.Key)
	if err != nil {
		return nil, err
	}
	item, err := r.Store.Write(ctx, op)
	if err == nil {
		r.changes = append(r.changes, store.Change{Key: put.Item.Key, Old: before[0], New: &put.Item})
	}
	return item, err
}

// clockDesk is a desk with a state machine and a stream.
type clockDesk struct {
	*desk
	*stateMachine
	stream *recorder
}

func newClockDesk(t testing.TB) *clockDesk {
	stream := &recorder{Store: openEmbedded(t)}
	d := newDesk(t, stream)
	m := &stateMachine{runs: map[action.ID]*run{}, now: d.Now}
	d.Approvals.Executions = m
	return &clockDesk{d, m, stream}
}

var clockIDs atomic.Int64

// pending stores an action that awaits so many stages of 10 s each.
func (d *clockDesk) pending(stages int) action.ID {
	now := d.Now()
	id := action.ID(1<<52 + clockIDs.Add(1))
	way := &action.Approval{RequestID: id.RequestID(), Kind: workflow.MultiStage, OpenedAt: now}
	for range stages {
		way.Stages = append(way.Stages, action.Stage{Stage: workflow.Stage{
			Approvers: []workflow.Approver{{Role: tenant.Manager}}, TimeoutSeconds: 10, MinApprovers: 1,
		}})
	}
	way.Enter(0, now)
	d.commit(&action.Action{Org: 1, ID: id, Status: governance.Pending, Approval: way, CreatedAt: now, UpdatedAt: now})
	return id
}

// commit writes an action's next revision.
func (d *clockDesk) commit(act *action.Action) {
	d.t.Helper()
	act.Revision++
	put, err := record.PutAction(act)
	if err == nil {
		_, err = d.stream.Write(context.Background(), put)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *clockDesk) read(id action.ID) *action.Action {
	d.t.Helper()
	items, err := d.stream.Get(context.Background(), store.ActionKey(1, id))
	if err != nil || items[0] == nil {
		d.t.Fatal(items, err)
	}
	act, err := action.Decode(items[0].Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return act
}

// decide denies a pending action.
func (d *clockDesk) decide(id action.ID) {
	if act := d.read(id); act.Pending() {
		act.Status = governance.Denied
		act.Outcome = &action.Outcome{Status: governance.Denied, DecidedBy: approval.ByApprover, At: d.Now()}
		d.commit(act)
	}
}

// nextStage approves the present stage of a pending action that has another one.
func (d *clockDesk) nextStage(id action.ID) {
	if act := d.read(id); act.Pending() && act.Approval.Stage+1 < len(act.Approval.Stages) {
		act.Approval.Enter(act.Approval.Stage+1, d.Now())
		d.commit(act)
	}
}

// changesOf lists what the stream tells of one action.
func (d *clockDesk) changesOf(id action.ID) []store.Change {
	d.stream.mu.Lock()
	defer d.stream.mu.Unlock()
	var all []store.Change
	for _, c := range d.stream.changes {
		if c.Key.PK == store.ActionKey(1, id).PK {
			all = append(all, c)
		}
	}
	return all
}
