package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"ascend/shared/store"
)

// permanent are the answers that say the request itself is wrong, or that the
// tables or the role are not as deployed: nothing that waiting would heal.
var permanent = map[string]bool{
	"ValidationException":                      true,
	"SerializationException":                   true,
	"ItemCollectionSizeLimitExceededException": true,
	"IdempotentParameterMismatchException":     true,
	"ResourceNotFoundException":                true,
	"AccessDeniedException":                    true,
}

// failure classifies an error of the SDK, which has done its own retries.
func failure(err error) error {
	var api smithy.APIError
	if errors.Is(err, store.ErrUnavailable) || errors.As(err, &api) && permanent[api.ErrorCode()] {
		return err
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}

// tooLarge reports whether DynamoDB refused an update because the item would
// grow too large. It says so in words only.
func tooLarge(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationException" && saysTooLarge(api.ErrorMessage())
}

func saysTooLarge(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "item size") && strings.Contains(message, "exceeded")
}

// conflict reports a condition that did not hold on item k.
func conflict(number int, k store.Key, old attributes) error {
	c := &store.ConflictError{Op: number, Key: k}
	if len(old) == 0 {
		return c
	}
	item, err := unmarshal(k.Table, old)
	if err != nil {
		return err
	}
	c.Old = item
	return c
}

// errBusy marks a transaction that another one was in the way of.
var errBusy = fmt.Errorf("%w: transaction conflict", store.ErrUnavailable)

// verdict reads why a transaction failed. A condition that does not hold is
// the answer, whatever else was in the way.
func verdict(err error, ops []store.Op) error {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return fmt.Errorf("write %d items: %w", len(ops), failure(err))
	}
	for i, reason := range cancelled.CancellationReasons {
		if code(reason) == "ConditionalCheckFailed" && i < len(ops) {
			return conflict(i, store.KeyOf(ops[i]), reason.Item)
		}
	}
	for i, reason := range cancelled.CancellationReasons {
		switch code(reason) {
		case "None":
		case "TransactionConflict":
			return errBusy
		case "ValidationError", "ItemCollectionSizeLimitExceeded":
			if reason.Message != nil && saysTooLarge(*reason.Message) && i < len(ops) {
				return &store.TooLargeError{Key: store.KeyOf(ops[i])}
			}
			return fmt.Errorf("write %d of %d items: %s", i, len(ops), code(reason))
		default: // throttled
			return fmt.Errorf("%w: write %d of %d items: %s", store.ErrUnavailable, i, len(ops), code(reason))
		}
	}
	return fmt.Errorf("%w: write %d items: %w", store.ErrUnavailable, len(ops), err)
}

func code(reason types.CancellationReason) string {
	if reason.Code == nil {
		return "None"
	}
	return *reason.Code
}

// pause spaces out a few repeats: about 10, 20, 40, 80 ms, half of it by chance.
type pause struct{ repeats int }

const maxRepeats = 4

// next waits before a repeat; false says to give up.
func (p *pause) next(ctx context.Context) bool {
	if p.repeats == maxRepeats {
		return false
	}
	span := 10 * time.Millisecond << p.repeats
	p.repeats++
	timer := time.NewTimer(span/2 + rand.N(span/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
