package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"ascend/shared/retry"
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

// failure returns an error of the SDK, marked as store.ErrUnavailable unless it is permanent.
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

// saysTooLarge reports whether a message of DynamoDB says so.
func saysTooLarge(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "item size") && strings.Contains(message, "exceeded")
}

// conflict returns the error for a condition that did not hold on item k.
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

// verdict returns why a transaction failed. A condition that does not hold is
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
		case "ValidationError", "ItemCollectionSizeLimitExceeded":
			if reason.Message != nil && saysTooLarge(*reason.Message) && i < len(ops) {
				return &store.TooLargeError{Key: store.KeyOf(ops[i])}
			}
			return fmt.Errorf("write %d of %d items: %s", i, len(ops), code(reason))
		default: // throttled, or another transaction was in the way
			return fmt.Errorf("%w: write %d of %d items: %s", store.ErrUnavailable, i, len(ops), code(reason))
		}
	}
	return fmt.Errorf("%w: write %d items: %w", store.ErrUnavailable, len(ops), err)
}

// code returns the code of a reason, None for one without.
func code(reason types.CancellationReason) string {
	if reason.Code == nil {
		return "None"
	}
	return *reason.Code
}

// policy is how calls of DynamoDB are repeated. The SDK does not repeat them
// (once), and nothing above this package does.
var policy = retry.Policy{Attempts: 6, Backoff: 25 * time.Millisecond}

func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// repeat makes a call until it succeeds or fails for good.
func repeat(ctx context.Context, call func() error) error {
	return policy.Do(ctx, func(err error) bool { return errors.Is(err, store.ErrUnavailable) }, call)
}
