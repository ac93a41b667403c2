package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
	"ascend/shared/domain/tenant"
	"ascend/shared/executions"
	"ascend/shared/store"
)

// TestApprovalsOnTheDeployedStack plays every scenario through API Gateway, the
// stream, the relay and the state machine.
func TestApprovalsOnTheDeployedStack(t *testing.T) {
	t.Parallel() // beside the sweep, which mostly waits
	s := deployed(t)
	p := place{data: s.data, emulator: s.emulator}
	db, err := deployedStore(p)
	if err != nil {
		t.Fatal(err)
	}
	playAll(t, newScene(s, func(org tenant.ID, _ client) clock { return stateMachine{stateMachines(p), db, org} }))
}

// stateMachine is the clock of the deployed stack, as Step Functions and the
// clock items in the store tell of it.
type stateMachine struct {
	*sfn.Client
	store store.Store
	org   tenant.ID
}

const machineARN = "arn:aws:states:" + emulatedRegion + ":" + emulatedAccount + ":stateMachine:" + stackName + "-approval"

func (m stateMachine) execution(id action.ID) *string {
	name := strings.Replace(machineARN, ":stateMachine:", ":execution:", 1) + ":" + executions.Name(m.org, id)
	return &name
}

// ended waits for the end of the action's execution and holds its output
// against how the action ended.
func (m stateMachine) ended(t *testing.T, id action.ID, status, decidedBy string) {
	t.Helper()
	e := m.awaits(t, id, func(e *sfn.DescribeExecutionOutput) bool { return e.Status != types.ExecutionStatusRunning })
	if e == nil {
		return
	}
	var out approvals.Ended
	if e.Output != nil {
		if err := json.Unmarshal([]byte(*e.Output), &out); err != nil {
			t.Errorf("the output of the execution of action %d is %q: %v", id, *e.Output, err)
		}
	}
	if e.Status != types.ExecutionStatusSucceeded || out.Status != status || out.DecidedBy != decidedBy {
		t.Errorf("the execution of action %d is %s with %s, want %s by %s", id, e.Status, aws.ToString(e.Output), status, decidedBy)
	}
	states := m.history(t, id) // the sweep may have been first, and then the relay ends the wait
	if end := aws.ToString(states[len(states)-1].Name); decidedBy == "timeout" && end != "DeniedByTimeout" && end != "Await" {
		t.Errorf("the execution of action %d, denied by timeout, ended in %s", id, end)
	}
}

// awaits describes the action's execution until it is as wanted.
func (m stateMachine) awaits(t *testing.T, id action.ID, wanted func(*sfn.DescribeExecutionOutput) bool) *sfn.DescribeExecutionOutput {
	t.Helper()
	var e *sfn.DescribeExecutionOutput
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(200 * time.Millisecond) {
		found, err := m.DescribeExecution(context.Background(), &sfn.DescribeExecutionInput{ExecutionArn: m.execution(id)})
		if absent := new(types.ExecutionDoesNotExist); errors.As(err, &absent) {
			continue
		}
		if err != nil {
			t.Errorf("describe the execution of action %d: %v", id, err)
			return nil
		}
		if e = found; wanted(e) {
			return e
		}
	}
	t.Errorf("after %v the execution of action %d is %+v", patience, id, e)
	return nil
}

// startAgain starts an execution of the same name, as a record that the stream
// delivers twice would. Step Functions refuses it, or takes it for the first.
func (m stateMachine) startAgain(t *testing.T, id action.ID) {
	t.Helper()
	e := m.awaits(t, id, func(*sfn.DescribeExecutionOutput) bool { return true })
	if e == nil {
		return
	}
	arn, name := machineARN, executions.Name(m.org, id)
	_, err := m.StartExecution(context.Background(), &sfn.StartExecutionInput{StateMachineArn: &arn, Name: &name, Input: e.Input})
	if exists := new(types.ExecutionAlreadyExists); err != nil && !errors.As(err, &exists) {
		t.Errorf("a second start of action %d: %v", id, err)
	}
}

// hold takes the token of the present wait, and sends it late, with a lie.
func (m stateMachine) hold(t *testing.T, id action.ID) func() {
	t.Helper()
	var token string
	for limit := time.Now().Add(patience); token == "" && time.Now().Before(limit); time.Sleep(50 * time.Millisecond) {
		items, err := m.store.Get(t.Context(), store.ClockKey(m.org, id))
		if err != nil {
			t.Fatal(err)
		}
		if items[0] != nil {
			var o struct {
				Token string `json:"task_token"`
			}
			if err := json.Unmarshal(items[0].Body, &o); err != nil {
				t.Fatal(err)
			}
			token = o.Token
		}
	}
	if token == "" {
		t.Fatalf("action %d has no token after %v", id, patience)
	}
	return func() {
		lie := `{"status": "denied", "decided_by": "a late token"}`
		_, err := m.SendTaskSuccess(context.Background(), &sfn.SendTaskSuccessInput{TaskToken: &token, Output: &lie})
		t.Logf("a late token is answered: %v", err) // AWS refuses it; LocalStack may take it and do nothing
	}
}

// passed reads the stages of the waits from the execution's history, and holds
// the rest of it against them: an execution waits, moves on, and is denied by
// timeout only after that.
func (m stateMachine) passed(t *testing.T, id action.ID) (stages []int) {
	t.Helper()
	last := ""
	for _, entered := range m.history(t, id) {
		name := aws.ToString(entered.Name)
		switch {
		case name == "Settled" && last != "Escalate", name == "DeniedByTimeout" && last != "Settled":
			t.Errorf("the execution of action %d went from %q to %q", id, last, name)
		case name == "Await":
			var in struct {
				Stage json.Number `json:"stage"`
			}
			if err := json.Unmarshal([]byte(aws.ToString(entered.Input)), &in); err != nil {
				t.Fatal(err)
			}
			stage, err := strconv.Atoi(in.Stage.String())
			if err != nil {
				t.Fatal(fmt.Errorf("stage %q: %w", in.Stage, err))
			}
			if n := len(stages); n == 0 || stages[n-1] != stage { // a clock ahead of the store waits twice
				stages = append(stages, stage)
			}
		}
		last = name
	}
	return stages
}

// history lists the states that an execution has entered.
func (m stateMachine) history(t *testing.T, id action.ID) (entered []*types.StateEnteredEventDetails) {
	t.Helper()
	pages := sfn.NewGetExecutionHistoryPaginator(m, &sfn.GetExecutionHistoryInput{ExecutionArn: m.execution(id)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.StateEnteredEventDetails != nil {
				entered = append(entered, e.StateEnteredEventDetails)
			}
		}
	}
	return entered
}

// TestTheSweepOfTheDeployedStackClosesWhatLostItsClock stops the execution of a
// pending action, so that only the sweep, once a minute, can pass its deadline
// (invariant I8).
func TestTheSweepOfTheDeployedStackClosesWhatLostItsClock(t *testing.T) {
	t.Parallel()
	s := deployed(t)
	var m stateMachine
	p := newScene(s, func(org tenant.ID, _ client) clock {
		m = stateMachine{stateMachines(place{data: s.data, emulator: s.emulator}), nil, org}
		return m
	})
	p.T = t
	id := p.asks(p.single(5))
	if m.awaits(t, id, func(*sfn.DescribeExecutionOutput) bool { return true }) == nil {
		return
	}
	if _, err := m.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: m.execution(id)}); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(5*time.Second + time.Minute + patience/2); time.Now().Before(limit); time.Sleep(time.Second) {
		if p.action(id)["status"] != "pending_approval" {
			break
		}
	}
	a := p.action(id)
	if got := p.events(a); a["status"] != "denied" || len(got) != 2 || got[1] != "action.timeout" {
		t.Errorf("without a clock action %d is %v, with the trail %v", id, a["status"], got)
	}
	e, err := m.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: m.execution(id)})
	if err != nil {
		t.Fatal(err)
	}
	if e.Status == types.ExecutionStatusSucceeded { // LocalStack lets a stopped wait end, if the sweep comes within it
		t.Log("the stopped execution was told of the sweep's decision")
	}
}
