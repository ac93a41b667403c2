// Package executions is the approval clock on AWS Step Functions: one execution
// of infra/approval.asl.json for each action that awaits approval.
package executions

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/go-json-experiment/json"

	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// StageApproved is the error name that ends a wait when the next stage begins;
// its cause is the next approvals.Wait. The state machine catches it.
const StageApproved = "Ascend.StageApproved"

// API is the part of *sfn.Client that a Machine uses.
type API interface {
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
	SendTaskSuccess(context.Context, *sfn.SendTaskSuccessInput, ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error)
	SendTaskFailure(context.Context, *sfn.SendTaskFailureInput, ...func(*sfn.Options)) (*sfn.SendTaskFailureOutput, error)
}

var _ API = (*sfn.Client)(nil)

// Machine is the approval state machine of one deployment. It implements approvals.Executions.
type Machine struct {
	api API
	arn string
}

var _ approvals.Executions = Machine{}

// New returns the Machine of the state machine with an ARN. A function that only
// sends tokens back needs none; Start then fails.
func New(api API, arn string) Machine { return Machine{api, arn} }

// Name returns the name of an action's execution. It starts with the organisation,
// because action IDs are unique within one only.
func Name(org tenant.ID, id action.ID) string { return org.String() + "-" + id.String() }

// Start implements approvals.Executions. Step Functions keeps a name for 90 days after
// its execution's end, which is longer than a change can be repeated.
func (m Machine) Start(ctx context.Context, in approvals.Wait) error {
	if m.arn == "" {
		return problem.Unavailable("start an execution", errors.New("the state machine is not configured"))
	}
	input, err := text(in)
	if err != nil {
		return err
	}
	_, err = m.api.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &m.arn, Name: aws.String(Name(in.Org, in.Action)), Input: input,
	})
	var exists *types.ExecutionAlreadyExists
	var full *types.ExecutionLimitExceeded
	switch {
	case errors.As(err, &exists):
		return nil
	case errors.As(err, &full):
		return fmt.Errorf("start an execution: %w: %w", approvals.ErrTooManyExecutions, err)
	}
	return down("start an execution", err)
}

// Succeed implements approvals.Executions.
func (m Machine) Succeed(ctx context.Context, token string, end approvals.Ended) error {
	output, err := text(end)
	if err != nil {
		return err
	}
	_, err = m.api.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: output})
	return unlessSpent("end a wait", err)
}

// NextStage implements approvals.Executions.
func (m Machine) NextStage(ctx context.Context, token string, next approvals.Wait) error {
	cause, err := text(next)
	if err != nil {
		return err
	}
	_, err = m.api.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: &token, Error: aws.String(StageApproved), Cause: cause})
	return unlessSpent("begin the next stage's wait", err)
}

// unlessSpent returns nil for errors of a wait that has ended: TaskTimedOut on
// AWS, InvalidToken on LocalStack, TaskDoesNotExist where its execution is gone.
func unlessSpent(doing string, err error) error {
	var (
		over    *types.TaskTimedOut
		unknown *types.InvalidToken
		gone    *types.TaskDoesNotExist
	)
	if errors.As(err, &over) || errors.As(err, &unknown) || errors.As(err, &gone) {
		return nil
	}
	return down(doing, err)
}

// down returns err as an unavailable service, nil for nil.
func down(doing string, err error) error {
	if err == nil {
		return nil
	}
	return problem.Unavailable(doing, err)
}

// text returns v as JSON. Invalid JSON would use up the token on LocalStack.
func text(v any) (*string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, problem.Internal("encode the message for an execution", fmt.Errorf("encode %T: %w", v, err))
	}
	return aws.String(string(b)), nil
}
