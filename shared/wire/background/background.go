// Package background puts together a Lambda function that nobody calls over
// HTTP. It is apart from package wire so that the functions of the API carry
// neither Step Functions nor EventBridge, and these none of the API.
package background

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"ascend/shared/app"
	"ascend/shared/bus"
	"ascend/shared/deadletters"
	"ascend/shared/executions"
	"ascend/shared/wire/internal/cloud"
	"ascend/shared/worker"
)

// The environment variables of the workers that need them, beside those of
// every function.
const (
	envStateMachine = "ASCEND_STATE_MACHINE_ARN" // the approval clock
	envBus          = "ASCEND_BUS_NAME"
	envDeadLetters  = "ASCEND_DEAD_LETTER_BUCKET"
	envMFA          = "ASCEND_MFA_REQUIRED" // "true": the user pool demands it of everyone
)

// Worker does a worker's work until the function's environment ends. It ends
// the process with a message when the function is not configured.
func Worker(w worker.Worker) {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	h, err := newHandler(os.Getenv, log, w)
	if err != nil {
		log.Error("start the function", "worker", w.ID, "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(h)
}

// handler implements lambda.Handler: it takes payloads as they come.
type handler struct {
	worker worker.Worker
	app    *app.App
}

// newHandler gives the worker what its Spec asks for, and nothing else.
func newHandler(env cloud.Env, log *slog.Logger, w worker.Worker) (handler, error) {
	o := app.Options{MFARequired: env(envMFA) == "true", Log: log}
	if w.StartsExecutions || w.SendsTaskResults {
		arn := env(envStateMachine)
		if arn == "" && w.StartsExecutions {
			return handler{}, fmt.Errorf("%s is not set", envStateMachine)
		}
		o.Executions = executions.New(sfn.New(sfn.Options{Region: env.Region(), Credentials: env, BaseEndpoint: env.Endpoint()}), arn)
	}
	if w.PublishesEvents {
		name := env(envBus)
		if name == "" {
			return handler{}, fmt.Errorf("%s is not set", envBus)
		}
		client := eventbridge.New(eventbridge.Options{Region: env.Region(), Credentials: env, BaseEndpoint: env.Endpoint()})
		o.Bus = bus.New(client, name)
	}
	if len(w.Streams) > 0 {
		name := env(envDeadLetters)
		if name == "" {
			return handler{}, fmt.Errorf("%s is not set", envDeadLetters)
		}
		client := s3.New(s3.Options{Region: env.Region(), Credentials: env, BaseEndpoint: env.Endpoint(), UsePathStyle: env.Endpoint() != nil})
		o.DeadLetters = deadletters.New(client, name)
	}
	a, err := env.App(o)
	if err != nil {
		return handler{}, err
	}
	w.TablePrefix, w.Log = env(cloud.Tables), log
	return handler{w, a}, nil
}

// Invoke implements lambda.Handler.
func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := h.worker.Run(ctx, h.app, payload)
	if err != nil {
		h.worker.Log.ErrorContext(ctx, "the call failed", "worker", h.worker.ID, "error", err.Error())
	}
	return answer, err
}
