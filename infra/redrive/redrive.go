package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"ascend/shared/store/dynamo/stream"
)

const (
	// hold is how long a message is hidden from other runs. One that takes
	// longer is at worst redriven twice, which changes nothing.
	hold = 15 * time.Minute
	// wait is how long an empty queue is asked. Any wait makes SQS ask all of its servers.
	wait = 2 * time.Second
	// releaseTimeout bounds what is done after an interruption.
	releaseTimeout = 30 * time.Second
)

// queue is what of *sqs.Client redrive takes.
type queue interface {
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
	ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
}

// redrive is one run over the queue.
type redrive struct {
	queue     queue
	streams   stream.API
	functions functions

	url    string // of the queue
	relay  string // the function's name
	tables string // leads the names of the deployment's tables
	out    io.Writer
	now    func() time.Time

	dry    bool // list only
	forget bool // delete what the stream no longer has
}

// fate is what became of a message.
type fate int

const (
	redriven fate = iota // all of its records succeeded
	failed               // some did not, or nobody knows
	trimmed              // the stream no longer has all of its records
	fates
)

// tally counts messages, by fate, and those that are left in the queue.
type tally struct {
	of   [fates]int
	left int
}

func (t tally) summary(dry bool) string {
	format := "%d redriven, %d failed again, %d trimmed"
	if dry {
		format = "%d can be redriven, %d cannot be read, %d trimmed"
	}
	s := fmt.Sprintf(format, t.of[redriven], t.of[failed], t.of[trimmed])
	if t.of[trimmed] > 0 {
		s = "The stream keeps changes for 24 hours; of those that it no longer has, the events were not sent and are lost.\n" +
			"What waits for people is right anyway: the sweep closes an action whose clock was lost within a minute of its deadline,\n" +
			"and what a stopped agent asked cannot be approved.\n" + s
	}
	return s
}

// run takes messages until the queue gives no more. Those that stay in the
// queue are hidden until it ends, so that each is seen once. It ends early, with
// an error, when the queue does not answer or ctx ends.
func (r *redrive) run(ctx context.Context) (count tally, err error) {
	kept := map[string]*string{} // receipts, by message
	defer func() { r.release(ctx, kept) }()
	for {
		m, err := r.receive(ctx)
		if m == nil || err != nil {
			return count, err
		}
		id := aws.ToString(m.MessageId)
		_, again := kept[id] // its time was over
		kept[id] = m.ReceiptHandle
		if again {
			continue
		}
		became, left := r.handle(ctx, m)
		count.of[became]++
		if left {
			count.left++
		} else {
			delete(kept, id)
		}
		if ctx.Err() != nil {
			return count, fmt.Errorf("interrupted: %w", ctx.Err())
		}
	}
}

// receive takes the next message; nil where there is none.
func (r *redrive) receive(ctx context.Context) (*sqstypes.Message, error) {
	out, err := r.queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &r.url, MaxNumberOfMessages: 1, VisibilityTimeout: int32(hold.Seconds()), WaitTimeSeconds: int32(wait.Seconds()),
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameSentTimestamp},
	})
	if err != nil {
		return nil, fmt.Errorf("receive from %s: %w", r.url, err)
	}
	if len(out.Messages) == 0 {
		return nil, nil
	}
	return &out.Messages[0], nil
}

// handle redrives one message, deletes it where nothing more can be done for
// it, and says what became of it.
func (r *redrive) handle(ctx context.Context, m *sqstypes.Message) (became fate, left bool) {
	b, err := readBatch(aws.ToString(m.Body), r.tables)
	if err != nil {
		fmt.Fprintf(r.out, "message %s%s: cannot be read: %v; it is kept\n", aws.ToString(m.MessageId), r.age(m), err)
		return failed, true
	}
	found, lines, lost, err := r.again(ctx, b)
	what := fmt.Sprintf("records redriven: %d", found)
	if r.dry {
		what = fmt.Sprintf("records found: %d", found)
	}
	switch {
	case err != nil:
		became, what = failed, fmt.Sprintf("failed: %v", err)
	case len(lines) > 0:
		became, what = failed, fmt.Sprintf("records that failed again: %d of %d", len(lines), found)
	case lost:
		became, what = trimmed, "trimmed from the stream, "+what
	}
	end := "kept"
	if !r.dry && (became == redriven || became == trimmed && r.forget) {
		end = "deleted"
		if _, err := r.queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &r.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			end = fmt.Sprintf("kept, because it could not be deleted: %v", err)
		}
	}
	if end == "kept" && became == trimmed {
		end += "; -forget deletes it"
	}
	fmt.Fprintf(r.out, "%v%s: %s; the message is %s\n", b, r.age(m), what, end)
	for _, line := range lines {
		fmt.Fprintln(r.out, "  ", line)
	}
	return became, end != "deleted"
}

// again gives the batch's records to the relay, all of them even when some fail.
// lines say which failed and why.
func (r *redrive) again(ctx context.Context, b batch) (found int, lines []string, lost bool, err error) {
	lost, err = b.read(ctx, r.streams, func(records []types.Record) error {
		found += len(records)
		if r.dry {
			return nil
		}
		failed, err := r.call(ctx, b.Stream, records)
		if err != nil {
			return fmt.Errorf("call %s with %s to %s: %w", r.relay, number(records[0]), number(records[len(records)-1]), err)
		}
		lines = append(lines, failed...)
		return nil
	})
	return found, lines, lost, err
}

// release makes messages visible again, also when ctx has ended.
func (r *redrive) release(ctx context.Context, kept map[string]*string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	for id, receipt := range kept {
		_, err := r.queue.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &r.url, ReceiptHandle: receipt, VisibilityTimeout: 0})
		if err != nil {
			fmt.Fprintf(r.out, "message %s stays hidden for up to %v: %v\n", id, hold, err)
		}
	}
}

// age says how long ago a message was sent.
func (r *redrive) age(m *sqstypes.Message) string {
	ms, err := strconv.ParseInt(m.Attributes[string(sqstypes.MessageSystemAttributeNameSentTimestamp)], 10, 64)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(", given up %v ago", r.now().Sub(time.UnixMilli(ms)).Round(time.Second))
}
