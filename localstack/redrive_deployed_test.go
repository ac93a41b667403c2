package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"ascend/shared/domain/action"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
	"ascend/shared/store/dynamo/stream"
)

// TestRedriveOnTheDeployedStack puts three places in the stream into the
// relay's dead letters: of a submission that was told long ago, of a record
// that the relay fails at, and one that the stream does not have. It may find
// messages of others in the queue, and looks at its own.
func TestRedriveOnTheDeployedStack(t *testing.T) {
	s := deployed(t)
	at := place{data: s.data, emulator: s.emulator}
	bus := overhear(t, at)
	letters := queue(t, at, stackName+"-relay-dead-letters")
	var org tenant.ID
	p := newScene(s, func(o tenant.ID, _ client) clock { org = o; return stateMachine{stateMachines(at), nil, o} })
	p.T = t

	submitted := p.does(p.key, "POST", "/api/v1/actions/submit", fmt.Sprintf(`{"agent_id": %q, "action_type": "email_send"}`, p.agent()))
	id, _ := submitted["id"].(float64)
	want := map[string]int{fmt.Sprintf("actions/%.0f action.submitted", id): 1, fmt.Sprintf("actions/%.0f action.approved", id): 1}
	told := bus.awaits(t, org, want)
	for len(receive(t, at, bus.queue)) > 0 { // what comes from now on was redriven
	}

	submission := changeOf(t, at, store.ActionKey(org, action.ID(id)))
	unreadable := changeOf(t, at, spoil(t, at, org))
	trimmed := submission
	trimmed.shard, trimmed.number = submission.shard[:len(submission.shard)-4]+"0000", "1"+submission.number[1:]
	for _, c := range []change{submission, unreadable, trimmed} {
		in := map[string]any{"QueueUrl": letters, "MessageBody": c.deadLetter()}
		if err := awsCall(t.Context(), at.emulator, "sqs", "AmazonSQS.SendMessage", in, nil); err != nil {
			t.Fatal(err)
		}
	}

	redrive := redriver(t, at)
	listed, code := redrive("-dry-run")
	for _, c := range []change{submission, unreadable, trimmed} {
		if !strings.Contains(listed, c.number) || code != 0 {
			t.Errorf("a dry run ends with %d and does not tell of %s:\n%s", code, c.number, listed)
		}
	}
	said, code := redrive("-forget")
	t.Log(said)
	if code != 1 {
		t.Errorf("with a message left it ends with %d", code)
	}
	left := taken(t, at, letters, submission.number, unreadable.number, trimmed.number)
	for _, line := range []struct {
		of   change
		says string
		left bool
	}{
		{submission, "records redriven: 1; the message is deleted", false},
		{unreadable, "records that failed again: 1 of 1; the message is kept", true},
		{trimmed, "trimmed from the stream, records redriven: 0; the message is deleted", false},
	} {
		if got := lineOf(said, line.of.number); !strings.Contains(got, line.says) {
			t.Errorf("of %s it says %q, want %q", line.of.number, got, line.says)
		}
		if left[line.of.number] != line.left {
			t.Errorf("%s: left in the queue: %t", line.says, left[line.of.number])
		}
	}
	if !strings.Contains(said, `"`+unreadable.number+`": "stream record `) {
		t.Errorf("it does not say why %s failed", unreadable.number)
	}
	if again := bus.awaits(t, org, want); !reflect.DeepEqual(again, told) {
		t.Errorf("redriven, the events came as %v, before as %v", again, told)
	}
}

// change is one record of a stream.
type change struct{ stream, shard, number string }

// changeOf waits for the first change of an item to be in its table's stream.
func changeOf(t *testing.T, at place, key store.Key) change {
	t.Helper()
	tables := dynamodb.New(dynamodb.Options{Region: emulatedRegion, BaseEndpoint: &at.emulator, Credentials: anybody})
	api := dynamodbstreams.New(dynamodbstreams.Options{Region: emulatedRegion, BaseEndpoint: &at.emulator, Credentials: anybody})
	table, err := tables.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(tablePrefix + string(key.Table))})
	if err != nil {
		t.Fatal(err)
	}
	arn := aws.ToString(table.Table.LatestStreamArn)
	shards, err := api.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	text := func(v streamtypes.AttributeValue) string {
		s, _ := v.(*streamtypes.AttributeValueMemberS)
		return s.Value
	}
	for _, shard := range shards.StreamDescription.Shards {
		for page, err := range stream.Pages(t.Context(), api, arn, *shard.ShardId, "", 1000) {
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				if keys := r.Dynamodb.Keys; text(keys["pk"]) == key.PK && text(keys["sk"]) == key.SK {
					return change{arn, *shard.ShardId, *r.Dynamodb.SequenceNumber}
				}
			}
		}
	}
	t.Fatalf("the stream of %s has no change of %v", key.Table, key)
	return change{}
}

// deadLetter is what LocalStack, and Lambda, write of a batch of this change alone.
func (c change) deadLetter() string {
	return fmt.Sprintf(`{"requestContext": {"requestId": "c0ffee", "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:ascend-local-stream-relay",`+
		` "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 6},`+
		` "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": null},`+
		` "DDBStreamBatchInfo": {"approximateArrivalOfFirstRecord": "2026-01-20T14:30:20Z", "approximateArrivalOfLastRecord": "2026-01-20T14:30:20Z",`+
		` "batchSize": 1, "endSequenceNumber": %[1]q, "shardId": %[2]q, "startSequenceNumber": %[1]q, "streamArn": %[3]q},`+
		` "timestamp": "2026-01-20T15:31:00.123Z", "version": "1.0"}`, c.number, c.shard, c.stream)
}

// spoil stores an item that nobody can read. Its sort key keeps it from the
// mapping, which would try it for minutes, but not from who reads the stream.
func spoil(t *testing.T, at place, org tenant.ID) store.Key {
	t.Helper()
	key := store.ActionKey(org, 2)
	key.SK = "spoilt"
	client := dynamodb.New(dynamodb.Options{Region: emulatedRegion, BaseEndpoint: &at.emulator, Credentials: anybody})
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tablePrefix + string(key.Table)), Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: key.PK}, "sk": &types.AttributeValueMemberS{Value: key.SK},
		"body": &types.AttributeValueMemberB{Value: []byte("\x09{}")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// redriver builds the tool, and returns how it is run on LocalStack: as make redrive does.
func redriver(t *testing.T, at place) func(args ...string) (said string, code int) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "redrive")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", name, "../infra/redrive").CombinedOutput(); err != nil {
		t.Fatalf("build redrive: %v\n%s", err, out)
	}
	return func(args ...string) (string, int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, append([]string{"-env", "local"}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+at.emulator, "AWS_REGION="+emulatedRegion, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
		out, err := cmd.CombinedOutput()
		if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
}

// lineOf is the first line that names a sequence number.
func lineOf(text, number string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, number) {
			return line
		}
	}
	return ""
}

// taken takes those messages out of a queue that name one of the sequence
// numbers, and says of which there was one. Others stay.
func taken(t *testing.T, at place, url string, numbers ...string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for {
		var out struct {
			Messages []struct{ Body, ReceiptHandle string }
		}
		in := map[string]any{"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 5, "WaitTimeSeconds": 1}
		if err := awsCall(t.Context(), at.emulator, "sqs", "AmazonSQS.ReceiveMessage", in, &out); err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return found
		}
		for _, m := range out.Messages {
			i := slices.IndexFunc(numbers, func(n string) bool { return strings.Contains(m.Body, n) })
			if i < 0 {
				continue
			}
			found[numbers[i]] = true
			gone := map[string]any{"QueueUrl": url, "ReceiptHandle": m.ReceiptHandle}
			if err := awsCall(t.Context(), at.emulator, "sqs", "AmazonSQS.DeleteMessage", gone, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}
