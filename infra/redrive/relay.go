package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"ascend/shared/store/dynamo/stream"
)

// callTimeout bounds one call of the relay, which has a minute itself.
const callTimeout = 2 * time.Minute

// functions is what of *lambda.Client redrive takes.
type functions interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// call gives records to the relay, as Lambda would, and returns a line for each
// that it names as failed: its sequence number and why. An error is one of the
// whole call.
func (r *redrive) call(ctx context.Context, arn string, records []types.Record) (failed []string, err error) {
	payload, err := json.Marshal(stream.Event(arn, records))
	if err != nil {
		return nil, fmt.Errorf("encode the call: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := r.functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: &r.relay, Payload: payload, LogType: lambdatypes.LogTypeTail})
	if err != nil {
		return nil, err
	}
	if out.FunctionError != nil {
		var why struct {
			Message string `json:"errorMessage"`
		}
		if err := json.Unmarshal(out.Payload, &why); err != nil || why.Message == "" {
			why.Message = string(out.Payload)
		}
		return nil, fmt.Errorf("the function failed (%s): %.500q", *out.FunctionError, why.Message)
	}
	// Not an events.DynamoDBEventResponse: an answer without the list must not pass for success.
	var answer struct {
		Failures *[]struct {
			Number string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(out.Payload, &answer); err != nil {
		return nil, fmt.Errorf("decode the answer %.200q: %w", out.Payload, err)
	}
	if answer.Failures == nil {
		return nil, errors.New("the answer does not say what failed")
	}
	reasons := logged(aws.ToString(out.LogResult))
	for _, f := range *answer.Failures {
		why := reasons[f.Number]
		if why == "" {
			why = "why stands in the log of " + r.relay
		}
		failed = append(failed, fmt.Sprintf("%.40q: %.500q", f.Number, why))
	}
	return failed, nil
}

// logged finds in the end of a call's log, which comes with the answer, why
// records failed, by sequence number.
func logged(tail string) map[string]string {
	reasons := map[string]string{}
	text, err := base64.StdEncoding.DecodeString(tail)
	if err != nil {
		return reasons
	}
	for line := range strings.Lines(string(text)) {
		var entry struct{ Record, Error string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Record != "" {
			reasons[entry.Record] = entry.Error
		}
	}
	return reasons
}
