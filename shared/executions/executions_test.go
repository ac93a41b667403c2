package executions_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"ascend/shared/app/approvals"
	"ascend/shared/domain/problem"
	"ascend/shared/executions"
)

// scripted notes what it is asked and answers every call with one error.
type scripted struct {
	asked *[]string
	err   error
}

func (s scripted) note(format string, args ...any) error {
	*s.asked = append(*s.asked, fmt.Sprintf(format, args...))
	return s.err
}

func (s scripted) StartExecution(_ context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
	return nil, s.note("start %s of %s with %s", *in.Name, *in.StateMachineArn, *in.Input)
}

func (s scripted) SendTaskSuccess(_ context.Context, in *sfn.SendTaskSuccessInput, _ ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error) {
	return nil, s.note("succeed %s with %s", *in.TaskToken, *in.Output)
}

func (s scripted) SendTaskFailure(_ context.Context, in *sfn.SendTaskFailureInput, _ ...func(*sfn.Options)) (*sfn.SendTaskFailureOutput, error) {
	return nil, s.note("fail %s with %s because %s", *in.TaskToken, *in.Error, *in.Cause)
}

var (
	wait = approvals.Wait{Org: 7, Action: 4503599627370497, Stage: 2, WaitSeconds: 3600}
	end  = approvals.Ended{Org: 7, Action: 4503599627370497, Status: "denied", DecidedBy: "timeout", Stage: 2}
)

// calls are the ways to tell the clock something, by what is asked of Step Functions.
var calls = []struct {
	name string
	call func(executions.Machine) error
	asks string
}{
	{
		"start", func(m executions.Machine) error { return m.Start(context.Background(), wait) },
		`start 7-4503599627370497 of arn:m with {"organization_id":"7","action_id":"4503599627370497","stage":2,"wait_seconds":3600}`,
	},
	{
		"succeed", func(m executions.Machine) error { return m.Succeed(context.Background(), "tok", end) },
		`succeed tok with {"organization_id":"7","action_id":"4503599627370497","status":"denied","decided_by":"timeout","stage":2}`,
	},
	{
		"next stage", func(m executions.Machine) error { return m.NextStage(context.Background(), "tok", wait) },
		`fail tok with Ascend.StageApproved because {"organization_id":"7","action_id":"4503599627370497","stage":2,"wait_seconds":3600}`,
	},
}

func TestEachCallSaysWhatTheStateMachineReads(t *testing.T) {
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			if err := c.call(executions.New(scripted{&asked, nil}, "arn:m")); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(asked, "\n"); got != c.asks {
				t.Errorf("asked\n%s, want\n%s", got, c.asks)
			}
		})
	}
}

func TestWhatAnotherCallHadDoneBeforeIsNoError(t *testing.T) {
	done := map[string][]error{
		"start":      {&types.ExecutionAlreadyExists{}},
		"succeed":    {&types.TaskTimedOut{}, &types.InvalidToken{}, &types.TaskDoesNotExist{}},
		"next stage": {&types.TaskTimedOut{}, &types.InvalidToken{}, &types.TaskDoesNotExist{}},
	}
	for _, c := range calls {
		for _, err := range done[c.name] {
			wrapped := &smithy.OperationError{ServiceID: "SFN", OperationName: c.name, Err: err}
			if err := c.call(executions.New(scripted{new([]string), wrapped}, "arn:m")); err != nil {
				t.Errorf("%s after %T: %v", c.name, wrapped.Err, err)
			}
		}
	}
}

func TestEveryOtherFailureIsToBeRepeated(t *testing.T) {
	failures := []error{
		&smithy.GenericAPIError{Code: "ThrottlingException"}, &types.StateMachineDoesNotExist{},
		&types.InvalidOutput{}, context.DeadlineExceeded, errors.New("connection reset"),
	}
	for _, c := range calls {
		for _, failure := range failures {
			err := c.call(executions.New(scripted{new([]string), failure}, "arn:m"))
			if problem.As(err).Kind != problem.KindUnavailable || !errors.Is(err, failure) {
				t.Errorf("%s after %v: %v", c.name, failure, err)
			}
		}
	}
	for _, c := range calls[1:] { // a spent token says nothing of a start
		if err := c.call(executions.New(scripted{new([]string), &types.ExecutionAlreadyExists{}}, "arn:m")); err == nil {
			t.Errorf("%s took a name that exists for a spent token", c.name)
		}
	}
	if err := calls[0].call(executions.New(scripted{new([]string), &types.InvalidToken{}}, "arn:m")); err == nil {
		t.Error("start took a spent token for a name that exists")
	}
}

func TestAFullStateMachineIsToldFromOneThatIsDown(t *testing.T) {
	full := &types.ExecutionLimitExceeded{}
	err := executions.New(scripted{new([]string), full}, "arn:m").Start(t.Context(), wait)
	if !errors.Is(err, approvals.ErrTooManyExecutions) || !errors.Is(err, full) {
		t.Error(err)
	}
}

func TestWithoutAStateMachineNothingStarts(t *testing.T) {
	var asked []string
	if err := executions.New(scripted{&asked, nil}, "").Start(t.Context(), wait); problem.As(err).Kind != problem.KindUnavailable || asked != nil {
		t.Errorf("start: %v, asked %q", err, asked)
	}
}

func TestATextThatIsNotUnicodeSpendsNoToken(t *testing.T) {
	var asked []string
	bad := end
	bad.DecidedBy = "\xff"
	if err := executions.New(scripted{&asked, nil}, "arn:m").Succeed(t.Context(), "tok", bad); err == nil || asked != nil {
		t.Errorf("succeed: %v, asked %q", err, asked)
	}
}
