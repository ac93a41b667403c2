package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ascend/shared/app"
	"ascend/shared/store"
	"ascend/shared/worker"
)

// record is a record of a stream as Lambda sends it.
func record(number, event, table, keys, image string) string {
	images := map[string]string{"INSERT": `"NewImage":` + image, "REMOVE": `"OldImage":` + image, "MODIFY": `"OldImage":` + image + `,"NewImage":` + image}[event]
	return fmt.Sprintf(`{
		"eventID": "f07f8ca4b0b26cb9c4e5e77e69f274ee", "eventName": %q, "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
		"userIdentity": null,
		"dynamodb": {"ApproximateCreationDateTime": 1768919420, "Keys": %s, %s, "SequenceNumber": %q, "SizeBytes": 54, "StreamViewType": "NEW_AND_OLD_IMAGES"},
		"eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/%s/stream/2026-01-20T14:30:20.000"}`, event, keys, images, number, table)
}

const (
	keys  = `{"pk":{"S":"1#0000000000000042"},"sk":{"S":"action"}}`
	image = `{"pk":{"S":"1#0000000000000042"},"sk":{"S":"action"},"a_revision":{"N":"9007199254740991"},"a_seen":{"SS":["a","b"]},"body":{"B":"AHt9"},"by_time_pk":{"S":"1"},"ttl":{"N":"1800000000"}}`
)

func call(records ...string) []byte {
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

func TestAStreamsCallIsReadAsLambdaSendsIt(t *testing.T) {
	var got []store.Change
	w := worker.DefineStream(worker.Spec{ID: "relay"}, func(_ context.Context, _ *app.App, changes []store.Change) map[int]error {
		got = changes
		return nil
	})
	w.TablePrefix = "dev-"
	answer, err := w.Run(t.Context(), nil, call(
		record("111", "INSERT", "dev-actions", keys, image), record("112", "MODIFY", "dev-actions", keys, image), record("113", "REMOVE", "dev-actions", keys, image),
	))
	if err != nil || string(answer) != `{"batchItemFailures":[]}` || len(got) != 3 {
		t.Fatalf("%s, %v: %+v", answer, err, got)
	}
	c := got[0]
	if c.Old != nil || c.Key.Table != store.Actions || c.Key.SK != "action" || c.Sequence != "111" || !c.At.Equal(time.Unix(1768919420, 0)) ||
		string(c.New.Body) != "{}" || c.New.Attrs["revision"].Num() != 1<<53-1 || len(c.New.Attrs["seen"].Members()) != 2 ||
		!c.New.Expires.Equal(time.Unix(1800000000, 0)) || len(c.New.Attrs) != 2 {
		t.Errorf("%+v", c)
	}
	if got[1].Old == nil || got[1].New == nil || got[2].New != nil || got[2].Old == nil {
		t.Errorf("%+v", got[1:])
	}
	if answer, err := w.Run(t.Context(), nil, []byte(`{"Records":[]}`)); err != nil || string(answer) != `{"batchItemFailures":[]}` {
		t.Errorf("a call without records: %s, %v", answer, err)
	}
}

func TestFailedRecordsAloneAreReported(t *testing.T) {
	var log bytes.Buffer
	done := 0
	w := worker.DefineStream(worker.Spec{ID: "relay"}, func(_ context.Context, _ *app.App, changes []store.Change) map[int]error {
		failed := map[int]error{2: errors.New("no room")}
		for i, c := range changes {
			if !strings.Contains(string(c.Raw), `"SequenceNumber": "`+c.Sequence+`"`) {
				t.Errorf("change %s was read of %s", c.Sequence, c.Raw)
			}
			if c.Err != nil {
				failed[i] = c.Err
				continue
			}
			done++
		}
		return failed
	})
	w.TablePrefix, w.Log = "dev-", slog.New(slog.NewTextHandler(&log, nil))
	answer, err := w.Run(t.Context(), nil, call(
		record("1", "INSERT", "dev-actions", keys, image),
		record("2", "INSERT", "dev-actions", keys, strings.Replace(image, "AHt9", "Cnt9", 1)), // packed in no known way
		record("3", "INSERT", "dev-actions", keys, image),
		record("4", "INSERT", "prod-actions", keys, image),                                                 // another deployment's
		record("5", "INSERT", "dev-actions", keys, strings.Replace(image, `{"B":"AHt9"}`, `{"Q":"?"}`, 1)), // no type of DynamoDB's
		record("6", "INSERT", "dev-actions", keys, strings.Replace(image, `{"B":"AHt9"}`, `{"B":"%"}`, 1)), // no base64
		record("7", "INSERT", "dev-actions", keys, image),
	))
	want := `{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"3"},{"itemIdentifier":"4"},{"itemIdentifier":"5"},{"itemIdentifier":"6"}]}`
	if err != nil || string(answer) != want || done != 3 { // 1, 3 and 7 can be read
		t.Errorf("%d done, %v: %s", done, err, answer)
	}
	if n := strings.Count(log.String(), "a stream record failed"); n != 5 || !strings.Contains(log.String(), "no room") {
		t.Errorf("the log says\n%s", log.String())
	}
}

func TestACallThatCannotBeAnsweredByRecordFails(t *testing.T) {
	w := worker.DefineStream(worker.Spec{ID: "relay"}, func(context.Context, *app.App, []store.Change) map[int]error {
		t.Error("it was done")
		return nil
	})
	for _, payload := range []string{``, `[]`, `{"Records":{}}`, `{"Records":[{}]}`, `{"Records":[7]}`, `{"Records":[{"dynamodb":{"SequenceNumber":7}}]}`} {
		if answer, err := w.Run(t.Context(), nil, []byte(payload)); err == nil {
			t.Errorf("%s was answered %s", payload, answer)
		}
	}
}

func TestAWorkerTakesAndAnswersJSON(t *testing.T) {
	type in struct {
		N int `json:"n"`
	}
	w := worker.Define(worker.Spec{ID: "double"}, func(_ context.Context, _ *app.App, i in) (in, error) {
		if i.N < 0 {
			return in{}, errors.New("negative")
		}
		return in{2 * i.N}, nil
	})
	if answer, err := w.Run(t.Context(), nil, []byte(`{"n":21}`)); err != nil || string(answer) != `{"n":42}` {
		t.Errorf("%s, %v", answer, err)
	}
	for _, payload := range []string{`{"n":-1}`, `{"n":"x"}`, `{"n":1,"n":2}`, ``} {
		if answer, err := w.Run(t.Context(), nil, []byte(payload)); err == nil || answer != nil {
			t.Errorf("%s was answered %s", payload, answer)
		}
	}
	if w.Timeout != 30*time.Second {
		t.Errorf("it may take %v", w.Timeout)
	}
}

// Lambda gives a function a second more than its worker's time.
func TestAWorkersTimeEndsBeforeItsFunctions(t *testing.T) {
	patient := worker.Spec{ID: "patient", Timeout: time.Minute}
	do := worker.Define(patient, func(ctx context.Context, _ *app.App, _ struct{}) (struct{}, error) {
		<-ctx.Done()
		return struct{}{}, ctx.Err()
	})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if _, err := do.Run(t.Context(), nil, []byte(`{}`)); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("it ended after %v: %v", time.Since(start), err)
		}
	})
	follow := worker.DefineStream(patient, func(ctx context.Context, _ *app.App, changes []store.Change) map[int]error {
		<-ctx.Done() // in the middle of the second change
		return map[int]error{1: ctx.Err()}
	})
	follow.TablePrefix = "dev-"
	synctest.Test(t, func(t *testing.T) {
		answer, err := follow.Run(t.Context(), nil, call(record("1", "INSERT", "dev-actions", keys, image), record("2", "INSERT", "dev-actions", keys, image)))
		if err != nil || string(answer) != `{"batchItemFailures":[{"itemIdentifier":"2"}]}` {
			t.Errorf("it could not say what it did not do: %s, %v", answer, err)
		}
	})
}
