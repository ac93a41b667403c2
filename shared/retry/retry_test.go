package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ascend/shared/retry"
)

var errBusy, errBroken = errors.New("busy"), errors.New("broken")

// again accepts errBusy, which repeating may heal.
func again(err error) bool { return errors.Is(err, errBusy) }

func TestDo(t *testing.T) {
	for name, tt := range map[string]struct {
		script  []error // of the first calls; later ones succeed
		timeout time.Duration
		calls   int
		want    error
	}{
		"a good call is made once":                  {nil, time.Hour, 1, nil},
		"what may heal is tried again":              {[]error{errBusy, errBusy}, time.Hour, 3, nil},
		"the attempts are bounded":                  {[]error{errBusy, errBusy, errBusy, errBusy}, time.Hour, 3, errBusy},
		"other errors are answers":                  {[]error{errBroken}, time.Hour, 1, errBroken},
		"other errors of a repeat are answers":      {[]error{errBusy, errBroken}, time.Hour, 2, errBroken},
		"no time is spent that the context has not": {[]error{errBusy}, 40 * time.Millisecond, 1, errBusy},
		"the deadline ends a row of repeats":        {[]error{errBusy, errBusy, errBusy}, 120 * time.Millisecond, 2, errBusy},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				var calls []time.Time
				err := retry.Policy{Attempts: 3, Backoff: 100 * time.Millisecond}.Do(ctx, again, func() error {
					calls = append(calls, time.Now())
					if n := len(calls); n <= len(tt.script) {
						return tt.script[n-1]
					}
					return nil
				})
				if !errors.Is(err, tt.want) || len(calls) != tt.calls {
					t.Errorf("%v after %d calls, want %v after %d", err, len(calls), tt.want, tt.calls)
				}
				least := 50 * time.Millisecond
				for i := 1; i < len(calls); i, least = i+1, 2*least {
					if gap := calls[i].Sub(calls[i-1]); gap < least || gap > 2*least {
						t.Errorf("waited %v before call %d, want %v … %v", gap, i+1, least, 2*least)
					}
				}
			})
		})
	}
}

func TestDoStopsWhenTheCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		calls, begin := 0, time.Now()
		err := retry.Policy{Attempts: 5, Backoff: time.Hour}.Do(ctx, again, func() error { calls++; return errBusy })
		if !errors.Is(err, errBusy) || calls != 1 || time.Since(begin) != 10*time.Millisecond {
			t.Errorf("%v after %d calls and %v", err, calls, time.Since(begin))
		}
	})
}

func TestTheZeroPolicyMakesOneAttempt(t *testing.T) {
	calls := 0
	if err := (retry.Policy{}).Do(t.Context(), again, func() error { calls++; return errBusy }); !errors.Is(err, errBusy) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}
