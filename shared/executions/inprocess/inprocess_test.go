package inprocess_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/executions/inprocess"
)

// record is an action of stages of ten seconds each, as its functions see it.
type record struct {
	mu       sync.Mutex
	began    time.Time
	calls    []string // with the second at which they came
	tokens   []string
	stages   int
	stage    int // from 1; more than stages: denied
	deadline time.Time
	begin    error // of each BeginWait
	end      []error
}

func (r *record) note(format string, args ...any) {
	r.calls = append(r.calls, fmt.Sprintf("%v "+format, append([]any{time.Since(r.began)}, args...)...))
}

func (r *record) BeginWait(_ context.Context, t approvals.Task) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note("begin %d", t.Stage)
	r.tokens = append(r.tokens, t.Token)
	return r.begin
}

func (r *record) EndWait(_ context.Context, org tenant.ID, id action.ID) (approvals.Progress, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note("end")
	if len(r.end) > 0 {
		err := r.end[0]
		r.end = r.end[1:]
		if err != nil {
			return approvals.Progress{}, err
		}
	}
	if !time.Now().Before(r.deadline) {
		r.stage, r.deadline = r.stage+1, time.Now().Add(10*time.Second)
	}
	p := approvals.Progress{Ended: approvals.Ended{Org: org, Action: id, Stage: r.stage}}
	if r.stage <= r.stages {
		p.WaitSeconds = int64(time.Until(r.deadline) / time.Second)
	}
	return p, nil
}

func (r *record) token() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tokens[0]
}

func (r *record) called() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

var wait = approvals.Wait{Org: 1, Action: 42, Stage: 1, WaitSeconds: 10}

// TestAnExecutionGoesThroughItsStates holds the machine against the states of
// infra/approval.asl.json.
func TestAnExecutionGoesThroughItsStates(t *testing.T) {
	down := problem.Unavailable("read", errors.New("down"))
	next := approvals.Wait{Org: 1, Action: 42, Stage: 2, WaitSeconds: 10}
	for name, row := range map[string]struct {
		stages int
		begin  error
		end    []error
		during func(t *testing.T, m *inprocess.Machine, r *record)
		want   []string
	}{
		"nobody answers in any of two stages": {2, nil, nil, nil, []string{"0s begin 1", "10s end", "10s begin 2", "20s end"}},
		"it is decided": {1, nil, nil, func(t *testing.T, m *inprocess.Machine, r *record) {
			m.Succeed(t.Context(), r.token(), approvals.Ended{})
		}, []string{"0s begin 1"}},
		"a stage is approved": {2, nil, nil, func(t *testing.T, m *inprocess.Machine, r *record) {
			r.mu.Lock()
			r.stage, r.deadline = 2, time.Now().Add(10*time.Second)
			r.mu.Unlock()
			m.NextStage(t.Context(), r.token(), next)
			m.NextStage(t.Context(), r.token(), next) // spent
			m.Succeed(t.Context(), r.token(), approvals.Ended{})
			m.Succeed(t.Context(), "another", approvals.Ended{})
		}, []string{"0s begin 1", "4s begin 2", "14s end"}},
		"it is started again while it runs": {1, nil, nil, func(t *testing.T, m *inprocess.Machine, r *record) {
			m.Start(t.Context(), wait)
		}, []string{"0s begin 1", "10s end"}},
		"it is started again after its end": {1, nil, nil, func(t *testing.T, m *inprocess.Machine, r *record) {
			m.Succeed(t.Context(), r.token(), approvals.Ended{})
			m.Start(t.Context(), wait)
		}, []string{"0s begin 1", "4s begin 1", "14s end"}},
		"the token cannot be kept": {1, down, nil, nil, []string{"0s begin 1", "10s end"}},
		"the end fails for good":   {1, nil, []error{problem.Corrupt("an action", errors.New("{"))}, nil, []string{"0s begin 1", "10s end"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &record{began: time.Now(), stages: row.stages, stage: 1, deadline: time.Now().Add(10 * time.Second), begin: row.begin, end: row.end}
				m := inprocess.New()
				m.Bind(r)
				if err := m.Start(t.Context(), wait); err != nil {
					t.Fatal(err)
				}
				time.Sleep(4 * time.Second)
				synctest.Wait()
				if row.during != nil {
					row.during(t, m, r)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if got := r.called(); !slices.Equal(got, row.want) {
					t.Errorf("calls %q, want %q", got, row.want)
				}
				m.Close()
			})
		})
	}
}

func TestAnEndThatFailsForAWhileIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := problem.Unavailable("read", errors.New("down"))
		r := &record{began: time.Now(), stages: 1, stage: 1, deadline: time.Now().Add(10 * time.Second), end: []error{down, down, down}}
		m := inprocess.New()
		m.Bind(r)
		m.Start(t.Context(), wait)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := r.called(); len(got) != 5 || r.stage != 2 {
			t.Errorf("calls %q; the action stands in stage %d", got, r.stage)
		}
		m.Close()
	})
}

func TestAClosedMachineCallsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record{began: time.Now(), stages: 1, stage: 1}
		m := inprocess.New()
		m.Bind(r)
		m.Start(t.Context(), wait)
		synctest.Wait()
		m.Close()
		m.NextStage(t.Context(), r.token(), wait)
		m.Start(t.Context(), approvals.Wait{Org: 1, Action: 43, Stage: 1, WaitSeconds: 1})
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := r.called(); !slices.Equal(got, []string{"0s begin 1"}) {
			t.Errorf("calls %q", got)
		}
	})
}
