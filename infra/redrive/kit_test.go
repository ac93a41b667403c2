package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

var errInjected = errors.New("injected fault")

// sqsFake is a queue. Messages that were received are hidden until their time is over.
type sqsFake struct {
	queue            // what is not faked panics
	t                *testing.T
	now              time.Time
	messages         []*message
	receipts         int
	noReceive, noEnd error // of the next calls
}

type message struct {
	id, body, receipt string
	hidden            time.Time
}

func (q *sqsFake) send(body string) {
	q.messages = append(q.messages, &message{id: fmt.Sprintf("m%d", len(q.messages)+1), body: body})
}

func (q *sqsFake) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	if err := cmp.Or(ctx.Err(), q.noReceive); err != nil {
		return nil, err
	}
	if in.WaitTimeSeconds < 1 || in.VisibilityTimeout < 300 {
		q.t.Errorf("received with %+v", in)
	}
	out := &sqs.ReceiveMessageOutput{}
	for _, m := range q.messages {
		if len(out.Messages) < int(in.MaxNumberOfMessages) && !m.hidden.After(q.now) {
			q.receipts++
			m.receipt, m.hidden = strconv.Itoa(q.receipts), q.now.Add(time.Duration(in.VisibilityTimeout)*time.Second)
			sent := strconv.FormatInt(q.now.Add(-90*time.Minute).UnixMilli(), 10)
			out.Messages = append(out.Messages, sqstypes.Message{
				MessageId: &m.id, Body: &m.body, ReceiptHandle: aws.String(m.receipt), Attributes: map[string]string{"SentTimestamp": sent},
			})
		}
	}
	return out, nil
}

func (q *sqsFake) DeleteMessage(ctx context.Context, in *sqs.DeleteMessageInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	i := slices.IndexFunc(q.messages, func(m *message) bool { return m.receipt == *in.ReceiptHandle })
	if err := cmp.Or(ctx.Err(), q.noEnd); err != nil || i < 0 {
		return nil, cmp.Or(err, errors.New("no such receipt"))
	}
	q.messages = slices.Delete(q.messages, i, i+1)
	return &sqs.DeleteMessageOutput{}, nil
}

func (q *sqsFake) ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	for _, m := range q.messages {
		if m.receipt == *in.ReceiptHandle && ctx.Err() == nil {
			m.hidden = q.now.Add(time.Duration(in.VisibilityTimeout) * time.Second)
			return &sqs.ChangeMessageVisibilityOutput{}, nil
		}
	}
	return nil, cmp.Or(ctx.Err(), errors.New("no such receipt"))
}

// streamFake is one shard, whose records are the numbers from oldest to newest.
type streamFake struct {
	oldest, newest int
	per            int  // records in a page at most; 0: as many as asked for
	every          int  // each so many records an empty page comes; 0: never
	closed         bool // there is no page after the newest record
	absent         bool // there is no such shard
	trimAfter      int  // calls of GetRecords until all up to trimTo is gone
	trimTo         int
	lacks          int // a record that is not there
}

// digitsOf is a record's sequence number.
func digitsOf(n int) string { return fmt.Sprintf("%021d", n) }

func (s *streamFake) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	if s.absent || *in.StreamArn != arn || *in.ShardId != shard {
		return nil, &types.ResourceNotFoundException{}
	}
	at := s.oldest
	if in.ShardIteratorType == types.ShardIteratorTypeAtSequenceNumber {
		if at, _ = strconv.Atoi(*in.SequenceNumber); at < s.oldest {
			return nil, &types.TrimmedDataAccessException{}
		}
	}
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: aws.String(strconv.Itoa(at))}, nil
}

func (s *streamFake) GetRecords(ctx context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.trimAfter--; s.trimAfter == 0 {
		s.oldest = s.trimTo
		return nil, &types.TrimmedDataAccessException{}
	}
	text, restOfPage := *in.ShardIterator, false
	if text[0] == '+' {
		text, restOfPage = text[1:], true
	}
	at, _ := strconv.Atoi(text)
	out := &dynamodbstreams.GetRecordsOutput{}
	if s.every > 0 && at%s.every == 0 && !restOfPage {
		out.NextShardIterator = aws.String("+" + text)
		return out, nil
	}
	size := int(*in.Limit)
	if s.per > 0 {
		size = min(size, s.per)
	}
	for ; at <= s.newest && len(out.Records) < size; at++ {
		if at == s.lacks {
			continue
		}
		out.Records = append(out.Records, types.Record{
			EventName: types.OperationTypeInsert,
			Dynamodb:  &types.StreamRecord{SequenceNumber: aws.String(digitsOf(at)), ApproximateCreationDateTime: aws.Time(time.Unix(1768919420, 0))},
		})
	}
	if at <= s.newest || !s.closed {
		out.NextShardIterator = aws.String(strconv.Itoa(at))
	}
	return out, nil
}

// lambdaFake is the relay: it keeps the numbers of each call.
type lambdaFake struct {
	t      *testing.T
	calls  [][]int
	fails  map[int]string               // records that fail, and what the log says of them
	answer func() (string, bool, error) // in place of the relay's own, and whether it is a function error
	during func()
}

func (l *lambdaFake) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	if _, limited := ctx.Deadline(); !limited || *in.FunctionName != "ascend-test-stream-relay" || in.InvocationType != "" {
		l.t.Errorf("called %+v", in)
	}
	var call events.DynamoDBEvent
	if err := json.Unmarshal(in.Payload, &call); err != nil {
		l.t.Error(err)
	}
	var numbers []int
	failures, log := []string{}, "cut off\",\"record\":\"1\"}\nSTART RequestId: 7\n"
	for _, r := range call.Records {
		n, _ := strconv.Atoi(r.Change.SequenceNumber)
		numbers = append(numbers, n)
		if r.EventSourceArn != arn || r.EventName != "INSERT" {
			l.t.Errorf("the relay is given %+v", r)
		}
		if why, bad := l.fails[n]; bad {
			failures = append(failures, fmt.Sprintf(`{"itemIdentifier":%q}`, r.Change.SequenceNumber))
			if why != "" {
				log += fmt.Sprintf(`{"level":"ERROR","msg":"a stream record failed","record":%q,"error":%q}`+"\n", r.Change.SequenceNumber, why)
			}
		}
	}
	l.calls = append(l.calls, numbers)
	if l.during != nil {
		l.during()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := &lambda.InvokeOutput{LogResult: aws.String(base64.StdEncoding.EncodeToString([]byte(log)))}
	if l.answer != nil {
		text, failed, err := l.answer()
		if failed {
			out.FunctionError = aws.String("Unhandled")
		}
		out.Payload = []byte(text)
		return out, err
	}
	out.Payload = fmt.Appendf(nil, `{"batchItemFailures":[%s]}`, strings.Join(failures, ","))
	return out, nil
}
