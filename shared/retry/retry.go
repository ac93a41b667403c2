// Package retry is how calls of other services are repeated.
//
// Each service has exactly one layer that repeats, so that attempts do not
// multiply: package dynamo for the tables and package bus for events, both with
// the SDK's own retries switched off, and the SDK for everything else.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Policy bounds the attempts of a call and spaces them by exponential backoff
// with jitter. The zero value makes one attempt.
type Policy struct {
	Attempts int           // calls in all
	Backoff  time.Duration // at most waited before the second call, twice as long before the third, …
}

// Do makes a call until it succeeds, until its error is one that again does not
// accept, or until the policy or ctx ends. It returns the last error.
func (p Policy) Do(ctx context.Context, again func(error) bool, call func() error) error {
	for attempt := 1; ; attempt++ {
		err := call()
		if err == nil || !again(err) || attempt >= p.Attempts || !p.wait(ctx, attempt) {
			return err
		}
	}
}

// wait waits between half of the backoff after an attempt and all of it. It
// reports false, without waiting, where ctx's deadline comes before, and as soon
// as ctx ends.
func (p Policy) wait(ctx context.Context, attempt int) bool {
	span := p.Backoff << (attempt - 1)
	if half := span / 2; half > 0 {
		span = half + rand.N(half)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= span {
		return false
	}
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
