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
// returns what failed, by the index of its change. A record that cannot be
// decoded is a change with Err.
//
// The answer names the failed records, and only them, for a mapping with
// ReportBatchItemFailures. Lambda gives again every record from the first
// failed one on, the others among them too, so do must not mind repeats.
func DefineStream(s Spec, do func(ctx context.Context, a *app.App, changes []store.Change) (failed map[int]error)) Worker {
	return define(s, func(ctx context.Context, w Worker, a *app.App, payload []byte) ([]byte, error) {
		changes, err := w.read(payload)
		if err != nil {
			return nil, err
		}
		failed := do(ctx, a, changes)
		answer := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
		for i, c := range changes {
			if err := failed[i]; err != nil {
				w.Log.ErrorContext(ctx, "a stream record failed", "worker", w.ID, "record", c.Sequence, "error", err)
				answer.BatchItemFailures = append(answer.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: c.Sequence})
			}
		}
		return json.Marshal(answer)
	})
}

// read takes a call apart, so that a record that cannot be read does not keep
// the others from it. It uses encoding/json, which aws-lambda-go's types are
// made for.
func (w Worker) read(payload []byte) (changes []store.Change, err error) {
	var call struct{ Records []json.RawMessage }
	if err := json.Unmarshal(payload, &call); err != nil {
		return nil, fmt.Errorf("decode the call of %s: %w", w.ID, err)
	}
	for _, raw := range call.Records {
		var place struct {
			Change struct{ SequenceNumber string } `json:"dynamodb"`
		}
		if err := json.Unmarshal(raw, &place); err != nil || place.Change.SequenceNumber == "" {
			return nil, errors.Join(fmt.Errorf("decode the call of %s: a record without place in its stream", w.ID), err)
		}
		change := store.Change{Sequence: place.Change.SequenceNumber}
		var record events.DynamoDBEventRecord
		if err := json.Unmarshal(raw, &record); err != nil {
			change.Err = fmt.Errorf("decode a stream record: %w", err)
		} else {
			change, err = dynamo.Change(w.TablePrefix, record)
			change.Err = err
		}
		change.Raw = raw
		changes = append(changes, change)
	}
	return changes, nil
}
