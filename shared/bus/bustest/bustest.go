// Package bustest is EventBridge for tests: it keeps to the bounds of
// PutEvents, and fails by plan.
package bustest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"ascend/events"
	"ascend/shared/bus"
)

// ErrInjected is in the chain of every injected error.
var ErrInjected = errors.New("injected fault")

// EventBridge takes entries as the service does. The zero value takes all.
type EventBridge struct {
	T testing.TB // reports what the service would refuse as a whole

	// Before and After fail the n-th call, from 1, before it takes any entry or
	// after it has; nil, or a nil error, lets it pass. Refuse refuses single
	// entries of it, by their place in the call.
	Before, After func(call int) error
	Refuse        func(call, place int) bool

	mu    sync.Mutex
	calls int
	taken []types.PutEventsRequestEntry
}

// PutEvents implements bus.API.
func (b *EventBridge) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := b.fault(b.Before); err != nil {
		return nil, err
	}
	if n := len(in.Entries); n == 0 || n > bus.MaxEntries {
		b.T.Errorf("a call of %d entries", n)
		return nil, fmt.Errorf("ValidationException: %d entries", n)
	}
	out, size := &eventbridge.PutEventsOutput{}, 0
	for place, e := range in.Entries {
		size += 14 + len(*e.Source) + len(*e.DetailType) + len(*e.Detail) + len(e.Resources[0])
		result := types.PutEventsResultEntry{EventId: aws.String(fmt.Sprintf("%d-%d", b.calls, place))}
		if b.Refuse != nil && b.Refuse(b.calls, place) {
			result = types.PutEventsResultEntry{ErrorCode: aws.String("InternalFailure"), ErrorMessage: aws.String("injected")}
			out.FailedEntryCount++
		} else {
			b.taken = append(b.taken, e)
		}
		out.Entries = append(out.Entries, result)
	}
	if size > bus.MaxBytes {
		b.T.Errorf("a call of %d bytes", size)
	}
	if err := b.fault(b.After); err != nil {
		return nil, err
	}
	return out, nil
}

func (b *EventBridge) fault(plan func(int) error) error {
	if plan == nil {
		return nil
	}
	return plan(b.calls)
}

// Reset lets no call fail from now on; what was taken stays.
func (b *EventBridge) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Before, b.After, b.Refuse = nil, nil, nil
}

// Calls counts the calls so far.
func (b *EventBridge) Calls() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls
}

// Taken lists what was taken so far, in the order of taking.
func (b *EventBridge) Taken() []types.PutEventsRequestEntry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]types.PutEventsRequestEntry(nil), b.taken...)
}

// Publisher returns a Bus over it.
func (b *EventBridge) Publisher() *bus.Bus { return bus.New(b, events.Source) }
