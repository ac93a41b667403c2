package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ascend/functions/workers"
)

const (
	arn   = "arn:aws:dynamodb:us-east-1:123456789012:table/ascend-test-actions/stream/2026-01-20T14:30:20.000"
	shard = "shardId-00000001768919420000-0a1b2c3d"
)

// letter is a message as Lambda writes it.
func letter(first, last int) string {
	return fmt.Sprintf(`{
		"requestContext": {"requestId": "316aa6d0", "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:ascend-test-stream-relay:$LATEST",
			"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 31},
		"responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"version": "1.0", "timestamp": "2026-01-20T15:31:00.123Z",
		"DDBStreamBatchInfo": {"shardId": %q, "startSequenceNumber": %q, "endSequenceNumber": %q,
			"approximateArrivalOfFirstRecord": "2026-01-20T14:30:21Z", "approximateArrivalOfLastRecord": "2026-01-20T14:30:22Z",
			"batchSize": 3, "streamArn": %q}}`, shard, digitsOf(first), digitsOf(last), arn)
}

// bench is a run over fakes.
type bench struct {
	t       *testing.T
	queue   *sqsFake
	streams *streamFake
	relay   *lambdaFake
	redrive redrive
	said    strings.Builder
}

func newBench(t *testing.T, letters ...string) *bench {
	now := time.Date(2026, 1, 20, 16, 0, 0, 0, time.UTC)
	b := &bench{t: t, queue: &sqsFake{t: t, now: now}, streams: &streamFake{oldest: 1, newest: 1000}, relay: &lambdaFake{t: t}}
	for _, l := range letters {
		b.queue.send(l)
	}
	b.redrive = redrive{
		queue: b.queue, streams: b.streams, functions: b.relay, url: "http://queue", relay: "ascend-test-stream-relay", tables: "ascend-test-",
		out: &b.said, now: func() time.Time { return b.queue.now },
	}
	return b
}

// run runs once, and checks the tally, what is left, and that all of it can be received.
func (b *bench) run(ctx context.Context, want tally) error {
	b.t.Helper()
	count, err := b.redrive.run(ctx)
	if count != want || len(b.queue.messages) != want.left && err == nil {
		b.t.Errorf("counted %+v with %d messages left, want %+v", count, len(b.queue.messages), want)
	}
	for _, m := range b.queue.messages {
		if m.hidden.After(b.queue.now) {
			b.t.Errorf("%s stays hidden", m.id)
		}
	}
	if b.t.Failed() {
		b.t.Log(b.said.String())
	}
	return err
}

func (b *bench) says(parts ...string) {
	b.t.Helper()
	for _, part := range parts {
		if !strings.Contains(b.said.String(), part) {
			b.t.Errorf("it does not say %q:\n%s", part, b.said.String())
		}
	}
}

// count makes the numbers from first to last.
func count(first, last int) (all []int) {
	for n := first; n <= last; n++ {
		all = append(all, n)
	}
	return all
}

func TestABatchIsGivenToTheRelayInOrder(t *testing.T) {
	for name, row := range map[string]struct {
		first, last int
		shard       streamFake
		calls       []int // their sizes
	}{
		"a single record":                     {7, 7, streamFake{oldest: 1, newest: 1000}, []int{1}},
		"in calls of a hundred":               {10, 259, streamFake{oldest: 1, newest: 1000}, []int{100, 100, 50}},
		"from small pages":                    {10, 18, streamFake{oldest: 1, newest: 1000, per: 4}, []int{4, 4, 1}},
		"over empty pages":                    {10, 14, streamFake{oldest: 1, newest: 1000, per: 2, every: 2}, []int{2, 2, 1}},
		"over more empty pages than in a row": {10, 120, streamFake{oldest: 1, newest: 1000, per: 1, every: 1}, slices.Repeat([]int{1}, 111)},
		"the whole of a closed shard":         {1, 20, streamFake{oldest: 1, newest: 20, closed: true}, []int{20}},
		"numbers that grow by a digit":        {99, 101, streamFake{oldest: 99, newest: 101}, []int{3}},
		"up to the newest of an open one":     {19, 20, streamFake{oldest: 1, newest: 20}, []int{2}},
		"exactly a hundred, and no call more": {1, 100, streamFake{oldest: 1, newest: 1000}, []int{100}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, letter(row.first, row.last))
				*b.streams = row.shard
				if err := b.run(t.Context(), tally{of: [fates]int{redriven: 1}}); err != nil {
					t.Error(err)
				}
				var sizes []int
				for _, call := range b.relay.calls {
					sizes = append(sizes, len(call))
				}
				if !slices.Equal(slices.Concat(b.relay.calls...), count(row.first, row.last)) || !slices.Equal(sizes, row.calls) {
					t.Errorf("the relay was given %v in %v", b.relay.calls, sizes)
				}
				b.says("ascend-test-actions", digitsOf(row.first), fmt.Sprintf("records redriven: %d; the message is deleted", len(count(row.first, row.last))), "1h30m0s ago")
			})
		})
	}
}

func TestWhatFailsAgainStays(t *testing.T) {
	answers := func(text string, functionError bool, err error) func() (string, bool, error) {
		return func() (string, bool, error) { return text, functionError, err }
	}
	for name, row := range map[string]struct {
		relay lambdaFake
		calls int
		says  []string
	}{
		"records, with the reason that the relay logs": {
			lambdaFake{fails: map[int]string{11: "no action", 150: "no bus"}}, 2,
			[]string{"records that failed again: 2 of 191; the message is kept", digitsOf(11) + `": "no action"`, digitsOf(150) + `": "no bus"`},
		},
		"a record whose reason is not in the log's end": {
			lambdaFake{fails: map[int]string{11: ""}}, 2, []string{"again: 1 of 191", digitsOf(11) + `": "why stands in the log of ascend-test-stream-relay"`},
		},
		"a call that ends in a function error": {
			lambdaFake{answer: answers(`{"errorMessage":"out of memory","errorType":"Runtime.ExitError"}`, true, nil)}, 1, []string{"out of memory", digitsOf(10), "Unhandled"},
		},
		"a function error without message": {lambdaFake{answer: answers("", true, nil)}, 1, []string{"Unhandled"}},
		"a call that cannot be made":       {lambdaFake{answer: answers("", false, errInjected)}, 1, []string{"injected fault"}},
		"an answer that is no JSON":        {lambdaFake{answer: answers("ok", false, nil)}, 1, []string{`decode the answer "ok"`}},
		"an answer that says nothing":      {lambdaFake{answer: answers("null", false, nil)}, 1, []string{"does not say"}},
		"an answer without the list":       {lambdaFake{answer: answers(`{}`, false, nil)}, 1, []string{"does not say"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, letter(10, 200))
			row.relay.t = t
			*b.relay = row.relay
			b.redrive.forget = true // it takes only what is trimmed
			if err := b.run(t.Context(), tally{of: [fates]int{failed: 1}, left: 1}); err != nil {
				t.Error(err)
			}
			if len(b.relay.calls) != row.calls {
				t.Errorf("%d calls, want %d", len(b.relay.calls), row.calls)
			}
			b.says(row.says...)

			b.relay.fails, b.relay.answer = nil, nil // and the next run finds it
			if err := b.run(t.Context(), tally{of: [fates]int{redriven: 1}}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatTheStreamNoLongerHasIsSaidAndKept(t *testing.T) {
	for name, row := range map[string]struct {
		shard streamFake
		given []int // to the relay
	}{
		"all of it is trimmed":                   {streamFake{oldest: 500, newest: 1000}, nil},
		"all of it, and nothing came since":      {streamFake{oldest: 500, newest: 499}, nil},
		"its beginning":                          {streamFake{oldest: 12, newest: 1000}, []int{12, 13, 14}},
		"its beginning, while it was read":       {streamFake{oldest: 1, newest: 1000, per: 2, trimAfter: 2, trimTo: 13}, []int{10, 11, 13, 14}},
		"its first record":                       {streamFake{oldest: 1, newest: 1000, lacks: 10}, []int{11, 12, 13, 14}},
		"its last record":                        {streamFake{oldest: 1, newest: 1000, lacks: 14}, []int{10, 11, 12, 13}},
		"the shard":                              {streamFake{absent: true}, nil},
		"its end: the shard was closed before":   {streamFake{oldest: 1, newest: 12, closed: true}, []int{10, 11, 12}},
		"all of it: the shard was closed before": {streamFake{oldest: 1, newest: 9, closed: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, letter(10, 14), letter(10, 14))
				shard := row.shard
				*b.streams = shard
				given := slices.Concat(row.given, row.given)
				if shard.trimAfter > 0 { // the second message finds it trimmed at once
					given = slices.Concat(row.given, []int{13, 14})
				}
				want := tally{of: [fates]int{trimmed: 2}, left: 2}
				if err := b.run(t.Context(), want); err != nil {
					t.Error(err)
				}
				b.says("of 2026-01-20T14:30:21Z to 2026-01-20T14:30:22Z", "trimmed from the stream", "-forget deletes it")
				if got := slices.Concat(b.relay.calls...); !slices.Equal(got, given) {
					t.Errorf("the relay was given %v, want %v", got, given)
				}
				if s := want.summary(false); !strings.HasSuffix(s, "0 redriven, 0 failed again, 2 trimmed") || !strings.Contains(s, "sweep") || !strings.Contains(s, "lost") {
					t.Errorf("the summary is %q", s)
				}

				// A dry run forgets nothing.
				b.redrive.forget, b.redrive.dry, b.relay.calls = true, true, nil
				if err := b.run(t.Context(), want); err != nil || b.relay.calls != nil {
					t.Error(err, b.relay.calls)
				}
				b.redrive.dry = false
				b.queue.send(letter(1, 2)[:40])
				if err := b.run(t.Context(), tally{of: [fates]int{trimmed: 2, failed: 1}, left: 1}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestOnlyTheBatchIsGiven has the stream end a page with an error, upon which it
// is read from its oldest record on, which lies before the batch.
func TestOnlyTheBatchIsGiven(t *testing.T) {
	b := newBench(t, letter(10, 14))
	*b.streams = streamFake{oldest: 1, newest: 1000, per: 2, trimAfter: 2, trimTo: 5}
	if err := b.run(t.Context(), tally{of: [fates]int{trimmed: 1}, left: 1}); err != nil {
		t.Error(err)
	}
	if got := slices.Concat(b.relay.calls...); !slices.Equal(got, []int{10, 11, 10, 11, 12, 13, 14}) {
		t.Errorf("the relay was given %v", got)
	}
}

func TestAnOpenShardIsNotAskedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, letter(10, 14))
		*b.streams = streamFake{oldest: 1, newest: 12}
		b.redrive.forget = true // what may yet come is not forgotten
		began := time.Now()
		if err := b.run(t.Context(), tally{of: [fates]int{failed: 1}, left: 1}); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Minute || took < time.Second {
			t.Errorf("it was asked for %v", took)
		}
		b.says(errQuiet.Error())
	})
}

func TestAMessageThatNamesNoPlaceIsKeptAndSaid(t *testing.T) {
	good := letter(10, 14)
	spoilt := map[string]string{
		"no JSON":                     "poison",
		"nothing":                     "",
		"no object":                   "[]",
		"a member twice":              `{"DDBStreamBatchInfo": null, "DDBStreamBatchInfo": null}`,
		"no batch":                    `{"version": "1.0"}`,
		"a batch of Kinesis":          strings.Replace(good, "DDBStreamBatchInfo", "KinesisBatchInfo", 1),
		"an empty batch":              `{"DDBStreamBatchInfo": {}}`,
		"another environment":         strings.Replace(good, "table/ascend-test-", "table/ascend-prod-", 1),
		"an ARN of something else":    strings.Replace(good, arn, "arn:aws:sqs:us-east-1:123456789012:ascend-test-actions", 1),
		"no shard":                    strings.Replace(good, shard, "", 1),
		"a shard that is none":        strings.Replace(good, shard, "a\x1b b", 1),
		"a number that is none":       strings.Replace(good, digitsOf(10), "-1", 1),
		"a range the wrong way round": letter(14, 10),
		"a time that is none":         strings.Replace(good, "2026-01-20T14:30:21Z", "yesterday", 1),
	}
	for name, body := range spoilt {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, body, good)
			if err := b.run(t.Context(), tally{of: [fates]int{redriven: 1, failed: 1}, left: 1}); err != nil {
				t.Error(err)
			}
			b.says("message m1, given up 1h30m0s ago: cannot be read", "it is kept")
			if strings.Contains(b.said.String(), "\x1b") {
				t.Error("what it says moves the cursor")
			}
		})
	}
}

func TestAnEmptyQueueIsDoneAtOnce(t *testing.T) {
	b := newBench(t)
	if err := b.run(t.Context(), tally{}); err != nil || b.said.Len() > 0 {
		t.Error(err, b.said.String())
	}
	if s := (tally{}).summary(false); s != "0 redriven, 0 failed again, 0 trimmed" {
		t.Error(s)
	}
}

func TestAnInterruptionLeavesTheRestAsItWas(t *testing.T) {
	b := newBench(t, letter(1, 2), letter(3, 300), letter(400, 401))
	ctx, cancel := context.WithCancel(t.Context())
	b.relay.during = func() {
		if len(b.relay.calls) == 3 { // the second of the second message
			cancel()
		}
	}
	err := b.run(ctx, tally{of: [fates]int{redriven: 1, failed: 1}, left: 1})
	if !errors.Is(err, context.Canceled) || len(b.queue.messages) != 2 {
		t.Errorf("%v, %d messages", err, len(b.queue.messages))
	}
}

func TestAQueueThatFailsLosesNothing(t *testing.T) {
	b := newBench(t, letter(1, 2))
	b.queue.noEnd = errInjected
	if err := b.run(t.Context(), tally{of: [fates]int{redriven: 1}, left: 1}); err != nil {
		t.Error(err)
	}
	b.says("records redriven: 2; the message is kept, because it could not be deleted: injected fault")
	b.queue.noReceive = errInjected
	if err := b.run(t.Context(), tally{left: 0}); !errors.Is(err, errInjected) {
		t.Error(err)
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	b := newBench(t, letter(1, 150), "poison")
	b.redrive.dry = true
	want := tally{of: [fates]int{redriven: 1, failed: 1}, left: 2}
	if err := b.run(t.Context(), want); err != nil || b.relay.calls != nil {
		t.Error(err, b.relay.calls)
	}
	b.says("records found: 150; the message is kept", "given up 1h30m0s ago")
	if s := want.summary(true); s != "1 can be redriven, 1 cannot be read, 0 trimmed" {
		t.Error(s)
	}
}

// TestAMessageWhoseTimeIsOverIsCountedOnce has a run take so long that what it
// has kept comes again.
func TestAMessageWhoseTimeIsOverIsCountedOnce(t *testing.T) {
	b := newBench(t, "poison", letter(1, 2))
	b.relay.during = func() { b.queue.now = b.queue.now.Add(hold) }
	if err := b.run(t.Context(), tally{of: [fates]int{redriven: 1, failed: 1}, left: 1}); err != nil {
		t.Error(err)
	}
}

func TestTheNamesAreThoseOfTheStack(t *testing.T) {
	stack, err := os.ReadFile("../testdata/prod.txt")
	if err != nil {
		t.Fatal(err)
	}
	if queue := ":ascend-prod-" + queueName + "\n"; !strings.Contains(string(stack), queue) {
		t.Errorf("the stack has no %q", queue)
	}
	if id := workers.StreamRelay().ID; id != relayName {
		t.Errorf("the relay is called %s", id)
	}
}

func TestWithoutEnvironmentNothingIsDone(t *testing.T) {
	for _, args := range [][]string{nil, {"-env", ""}, {"-env", "prod-x"}, {"-env", "prod", "local"}, {"-env", "prod", "-force"}} {
		var out strings.Builder
		if left, err := command(t.Context(), args, &out, &out); err == nil || left {
			t.Errorf("%v: %v, %v", args, left, err)
		}
	}
}
