// Package bus takes events to an EventBridge bus: source "ascend", detail-type
// the event's name, detail the CloudEvents object, and the event's subject as
// its one resource.
package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"ascend/events"
	"ascend/shared/domain/problem"
	"ascend/shared/retry"
)

// The bounds of one PutEvents call (Amazon EventBridge User Guide, "PutEvents"
// and "Calculating PutEvents event entry size"). The size is the older of the
// two published ones, which all regions and emulators take.
const (
	MaxEntries = 10
	MaxBytes   = 256 << 10
)

// policy is how events are sent again. The SDK does not repeat calls (once).
var policy = retry.Policy{Attempts: 4, Backoff: 50 * time.Millisecond}

func once(o *eventbridge.Options) { o.Retryer = aws.NopRetryer{} }

// API is the part of *eventbridge.Client that a Bus uses.
type API interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

var _ API = (*eventbridge.Client)(nil)

// Bus is one event bus. It implements relay.Bus.
type Bus struct {
	api  API
	name string
}

// New returns the bus with a name or an ARN.
func New(api API, name string) *Bus { return &Bus{api, name} }

// Publish sends events, any number, in calls of as many as one call takes.
// Those that EventBridge does not take are sent again a few times. It returns
// what failed, by the index of its event: one that no call can carry is too large
// for good, every other is unavailable. An event may have arrived although it
// failed, and more than once.
func (b *Bus) Publish(ctx context.Context, all []events.Event) (failed map[int]error) {
	failed = map[int]error{}
	var queue []entry
	for i, e := range all {
		made, err := b.entry(i, e)
		if err != nil {
			failed[i] = err
			continue
		}
		queue = append(queue, made)
	}
	last := policy.Do(ctx, func(error) bool { return true }, func() (why error) {
		queue, why = b.send(ctx, queue)
		return why
	})
	for _, e := range queue {
		failed[e.index] = problem.Unavailable("publish events", last)
	}
	return failed
}

// entry is an event of a PutEvents call.
type entry struct {
	index int // in Publish's list
	size  int
	types.PutEventsRequestEntry
}

// entry returns the entry of an event, or an error for one that no call can carry.
func (b *Bus) entry(index int, e events.Event) (entry, error) {
	detail, err := e.Encode()
	if err != nil {
		return entry{}, problem.Internal("encode event "+e.ID, err)
	}
	source, text := events.Source, string(detail)
	made := entry{
		index: index,
		size:  len(source) + len(e.Type) + len(text) + len(e.Subject) + timeSize,
		PutEventsRequestEntry: types.PutEventsRequestEntry{
			EventBusName: &b.name, Source: &source, DetailType: &e.Type, Detail: &text, Resources: []string{e.Subject}, Time: &e.Time,
		},
	}
	if len(detail) > events.MaxSize || made.size > MaxBytes {
		return entry{}, problem.TooLarge("event %s of %d bytes is too large for the bus", e.ID, len(detail))
	}
	return made, nil
}

// timeSize is the contribution of the time to an entry's size.
const timeSize = 14

// send sends each entry once and returns those that were not taken, with an
// error where there are any.
func (b *Bus) send(ctx context.Context, queue []entry) (left []entry, why error) {
	for len(queue) > 0 {
		batch := queue[:fitting(queue)]
		queue = queue[len(batch):]
		in := &eventbridge.PutEventsInput{}
		for _, e := range batch {
			in.Entries = append(in.Entries, e.PutEventsRequestEntry)
		}
		out, err := b.api.PutEvents(ctx, in, once)
		switch {
		case err != nil:
			left, why = append(left, batch...), err
			continue
		case len(out.Entries) != len(batch): // then nobody knows which were taken
			left, why = append(left, batch...), fmt.Errorf("%d results for %d entries", len(out.Entries), len(batch))
			continue
		}
		for i, result := range out.Entries {
			if result.EventId == nil || result.ErrorCode != nil {
				left, why = append(left, batch[i]), refusal(result)
			}
		}
	}
	return left, why
}

// fitting returns how many entries from the first on fit into one call.
func fitting(queue []entry) int {
	n, size := 0, 0
	for n < len(queue) && n < MaxEntries && (n == 0 || size+queue[n].size <= MaxBytes) {
		size += queue[n].size
		n++
	}
	return n
}

// refusal returns why an entry was not taken.
func refusal(result types.PutEventsResultEntry) error {
	code, message := "no event id", ""
	if result.ErrorCode != nil {
		code = *result.ErrorCode
	}
	if result.ErrorMessage != nil {
		message = *result.ErrorMessage
	}
	return fmt.Errorf("an entry was refused: %s %s", code, message)
}
