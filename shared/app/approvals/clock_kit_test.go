package approvals_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"ascend/shared/app/apptest"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/approval"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
	"ascend/shared/executions/executionstest"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// clockFixture has a state machine and a stream.
type clockFixture struct {
	*apptest.Fixture
	machine *executionstest.Machine
	stream  *apptest.Stream
}

func newClock(t testing.TB) *clockFixture {
	stream := &apptest.Stream{Store: apptest.Embedded(t)}
	f := apptest.Over(t, stream)
	machine := &executionstest.Machine{Now: f.Now}
	f.Approvals.Executions = machine
	return &clockFixture{f, machine, stream}
}

// lose lets the calls of the machine meet the faults of a plan.
func (f *clockFixture) lose(plan func(call int) faulty.Fault) {
	f.machine.Through = func(_ context.Context, method string, do func()) error {
		fault := plan(len(f.machine.Calls()))
		if fault != faulty.RequestLost {
			do()
		}
		if fault != faulty.None {
			return problem.Unavailable(method, errors.New(fault.String()))
		}
		return nil
	}
}

var ids atomic.Int64

// pending stores an action that awaits so many stages of 10 s each.
func (f *clockFixture) pending(stages int) action.ID {
	now := f.Now()
	id := action.ID(1<<52 + ids.Add(1))
	wait := &action.Approval{RequestID: id.RequestID(), Kind: workflow.MultiStage, OpenedAt: now}
	for range stages {
		wait.Stages = append(wait.Stages, action.Stage{Stage: workflow.Stage{
			Approvers: []workflow.Approver{{Role: tenant.Manager}}, TimeoutSeconds: 10, MinApprovers: 1,
		}})
	}
	wait.Enter(0, now)
	f.commit(&action.Action{Org: 1, ID: id, Status: governance.Pending, Approval: wait, CreatedAt: now, UpdatedAt: now})
	return id
}

// commit writes an action's next revision.
func (f *clockFixture) commit(act *action.Action) {
	f.T.Helper()
	act.Revision++
	f.Put(record.PutAction(act))
}

// decide denies a pending action.
func (f *clockFixture) decide(id action.ID) {
	if act := f.Action(id); act.Pending() {
		act.Status = governance.Denied
		act.Outcome = &action.Outcome{Status: governance.Denied, DecidedBy: approval.ByApprover, At: f.Now()}
		f.commit(act)
	}
}

// nextStage approves the present stage of a pending action that has another one.
func (f *clockFixture) nextStage(id action.ID) {
	if act := f.Action(id); act.Pending() && act.Approval.Stage+1 < len(act.Approval.Stages) {
		act.Approval.Enter(act.Approval.Stage+1, f.Now())
		f.commit(act)
	}
}

// changesOf lists what the stream tells of one action.
func (f *clockFixture) changesOf(id action.ID) []store.Change {
	return f.stream.Partition(store.ActionKey(1, id).PK)
}
