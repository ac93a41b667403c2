package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"ascend/shared/app"
	"ascend/shared/store"
	"ascend/shared/store/dynamo"
)

// DefineStream makes a worker that is called with the changes of tables. do
// returns what failed, by the index of its change.
//
// The answer names the failed records, and only them, for a mapping with
// ReportBatchItemFailures. Lambda gives again every record from the first
// failed one on, the others among them too, so do must not mind repeats. A
// record that cannot be read fails like any other: with
// BisectBatchOnFunctionError, a bounded age of records and a destination on
// failure, Lambda parts it from its neighbours, gives up on it alone and puts
// its place in the stream into the dead-letter queue.
func DefineStream(s Spec, do func(ctx context.Context, a *app.App, changes []store.Change) (failed map[int]error)) Worker {
	return define(s, func(ctx context.Context, w Worker, a *app.App, payload []byte) ([]byte, error) {
		numbers, changes, failed, err := w.read(payload)
		if err != nil {
			return nil, err
		}
		for i, err := range do(ctx, a, changes) {
			failed[changes[i].Sequence] = err
		}
		answer := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
		for _, n := range numbers {
			if err := failed[n]; err != nil {
				w.Log.ErrorContext(ctx, "a stream record failed", "worker", w.ID, "record", n, "error", err)
				answer.BatchItemFailures = append(answer.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: n})
			}
		}
		return json.Marshal(answer)
	})
}

// read takes a call apart, so that a record that cannot be read does not keep
// the others from it. It uses encoding/json, which aws-lambda-go's types are
// made for.
func (w Worker) read(payload []byte) (numbers []string, changes []store.Change, failed map[string]error, err error) {
	var call struct{ Records []json.RawMessage }
	if err := json.Unmarshal(payload, &call); err != nil {
		return nil, nil, nil, fmt.Errorf("decode the call of %s: %w", w.ID, err)
	}
	failed = map[string]error{}
	for _, raw := range call.Records {
		var place struct {
			Change struct{ SequenceNumber string } `json:"dynamodb"`
		}
		if err := json.Unmarshal(raw, &place); err != nil || place.Change.SequenceNumber == "" {
			return nil, nil, nil, errors.Join(fmt.Errorf("decode the call of %s: a record without place in its stream", w.ID), err)
		}
		n := place.Change.SequenceNumber
		numbers = append(numbers, n)
		var record events.DynamoDBEventRecord
		if err := json.Unmarshal(raw, &record); err != nil {
			failed[n] = fmt.Errorf("decode a stream record: %w", err)
			continue
		}
		change, err := dynamo.Change(w.TablePrefix, record)
		if err != nil {
			failed[n] = err
			continue
		}
		changes = append(changes, change)
	}
	return numbers, changes, failed, nil
}
