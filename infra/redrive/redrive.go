package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	callTimeout = 2 * time.Minute // of one call of the relay, which has a minute itself
	maxLetter   = 16 << 20        // bytes; Lambda's own limit of a call is 6 MB
)

// objects is the part of *s3.Client that redrive uses.
type objects interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

// functions is the part of *lambda.Client that redrive uses.
type functions interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// redrive is one run over the bucket.
type redrive struct {
	objects   objects
	functions functions
	bucket    string
	relay     string // the function's name
	out       io.Writer
	dry       bool // list only
}

// tally counts the letters of a run.
type tally struct{ redriven, failed, left int }

func (n tally) summary(dry bool) string {
	if dry {
		return fmt.Sprintf("%d can be redriven, %d cannot be read", n.redriven, n.failed)
	}
	return fmt.Sprintf("%d redriven, %d failed again; %d in the bucket", n.redriven, n.failed, n.left)
}

// run redrives the letters that are in the bucket as it starts. What the relay
// gives up again is a new letter, which the tally counts as left.
func (r *redrive) run(ctx context.Context) (n tally, err error) {
	keys, err := r.list(ctx)
	if err != nil {
		return n, err
	}
	for _, key := range keys {
		if ctx.Err() != nil {
			return n, fmt.Errorf("interrupted: %w", ctx.Err())
		}
		what, err := r.letter(ctx, key)
		if err != nil {
			n.failed++
			fmt.Fprintf(r.out, "%s: %v; it is kept\n", key, err)
			continue
		}
		n.redriven++
		fmt.Fprintf(r.out, "%s: %s\n", key, what)
	}
	if keys, err = r.list(ctx); err != nil {
		return n, err
	}
	n.left = len(keys)
	return n, nil
}

// list returns the keys of all letters, in their order.
func (r *redrive) list(ctx context.Context) (keys []string, err error) {
	in := s3.ListObjectsV2Input{Bucket: &r.bucket}
	for {
		page, err := r.objects.ListObjectsV2(ctx, &in)
		if err != nil {
			return nil, fmt.Errorf("list the bucket %s: %w", r.bucket, err)
		}
		for _, o := range page.Contents {
			keys = append(keys, aws.ToString(o.Key))
		}
		if in.ContinuationToken = page.NextContinuationToken; in.ContinuationToken == nil {
			return keys, nil
		}
	}
}

// letter redrives one letter, and returns what became of it.
func (r *redrive) letter(ctx context.Context, key string) (what string, err error) {
	object, err := r.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.bucket, Key: &key})
	if err != nil {
		return "", fmt.Errorf("read it: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(object.Body, maxLetter+1))
	if err = errors.Join(err, object.Body.Close()); err != nil {
		return "", fmt.Errorf("read it: %w", err)
	}
	call, why, err := parse(body)
	if err != nil {
		return "", err
	}
	if r.dry {
		return fmt.Sprintf("%d records, %s", len(call.Records), why), nil
	}
	if err := r.call(ctx, call); err != nil {
		return "", err
	}
	if _, err := r.objects.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &r.bucket, Key: &key}); err != nil {
		return "", fmt.Errorf("redriven, but not deleted: %w", err)
	}
	return fmt.Sprintf("%d records redriven; it is deleted", len(call.Records)), nil
}

// event is a call of the relay.
type event struct{ Records []json.RawMessage }

// parse reads a letter of either kind: Lambda's invocation record, whose payload
// is the call (AWS Lambda Developer Guide, "Retain discarded records for a
// DynamoDB event source"), or the relay's own (relay.DeadLetter).
func parse(body []byte) (call event, why string, err error) {
	if len(body) > maxLetter {
		return call, "", fmt.Errorf("it has more than %d bytes", maxLetter)
	}
	var letter struct {
		Context struct{ Condition string } `json:"requestContext"`
		Payload json.RawMessage            `json:"payload"`

		Consumer, Reason string
		Record           []byte `json:"record"`
	}
	if err := json.Unmarshal(body, &letter); err != nil {
		return call, "", fmt.Errorf("it is no dead letter: %w", err)
	}
	if letter.Record != nil {
		return event{Records: []json.RawMessage{letter.Record}}, letter.Consumer + ": " + letter.Reason, nil
	}
	payload, why := []byte(letter.Payload), letter.Context.Condition
	var text string // the guide shows the payload as a text
	if json.Unmarshal(payload, &text) == nil {
		payload = []byte(text)
	}
	if err := json.Unmarshal(payload, &call); err != nil || len(call.Records) == 0 {
		return call, "", errors.Join(errors.New("it holds no records of a stream"), err)
	}
	return call, why, nil
}

// call invokes the relay with records as Lambda does. It returns nil when all
// succeed, else which failed and why.
func (r *redrive) call(ctx context.Context, e event) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode the call: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := r.functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: &r.relay, Payload: payload, LogType: lambdatypes.LogTypeTail})
	if err != nil {
		return fmt.Errorf("call %s: %w", r.relay, err)
	}
	if out.FunctionError != nil {
		return fmt.Errorf("%s failed (%s): %.500q", r.relay, *out.FunctionError, out.Payload)
	}
	// A pointer, so that an answer without the list does not pass for success.
	var answer struct {
		Failures *[]struct {
			Number string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(out.Payload, &answer); err != nil || answer.Failures == nil {
		return errors.Join(fmt.Errorf("%s answered %.200q, which does not say what failed", r.relay, out.Payload), err)
	}
	reasons := logged(aws.ToString(out.LogResult))
	var failed []error
	for _, f := range *answer.Failures {
		why := reasons[f.Number]
		if why == "" {
			why = "see the log of " + r.relay
		}
		failed = append(failed, fmt.Errorf("record %.40q failed again: %.500q", f.Number, why))
	}
	return errors.Join(failed...)
}

// logged returns why records failed, by sequence number, from the end of the
// call's log that comes with the answer.
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
