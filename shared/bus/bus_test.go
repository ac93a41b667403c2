package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"ascend/events"
	"ascend/shared/bus"
	"ascend/shared/bus/bustest"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/problem"
)

// some makes n events, each with a description of size bytes.
func some(n, size int) []events.Event {
	all := make([]events.Event, n)
	for i := range all {
		entry := audit.Entry{ID: fmt.Sprintf("aud_%03d", i), Org: 1, At: time.Unix(1_768_919_420, 0).UTC(), ResourceType: "agent_action", ResourceID: fmt.Sprint(i)}
		all[i] = events.New(entry, events.ActionTimeout{Action: events.Action{ID: int64(i), Description: strings.Repeat("x", size)}})
	}
	return all
}

// ids counts the events that a bus took by their ids.
func ids(t *testing.T, b *bustest.EventBridge) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for _, e := range b.Taken() {
		var detail struct{ ID string }
		if err := json.Unmarshal([]byte(*e.Detail), &detail); err != nil {
			t.Fatal(err)
		}
		seen[detail.ID]++
	}
	return seen
}

func TestAnEntryIsTheEvent(t *testing.T) {
	fake := &bustest.EventBridge{T: t}
	e := some(1, 3)[0]
	if failed := fake.Publisher().Publish(t.Context(), []events.Event{e}); len(failed) > 0 {
		t.Fatal(failed)
	}
	got := fake.Taken()[0]
	want, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if *got.Source != "ascend" || *got.DetailType != "action.timeout" || *got.EventBusName != "ascend" || *got.Detail != string(want) ||
		!slices.Equal(got.Resources, []string{"actions/0"}) || !got.Time.Equal(e.Time) {
		t.Errorf("%+v", got)
	}
}

func TestAnyNumberOfEventsIsTakenInFewCalls(t *testing.T) {
	for _, row := range []struct{ n, size, calls int }{
		{0, 0, 0}, {1, 0, 1}, {10, 0, 1}, {11, 0, 2}, {95, 100, 10}, {4, 100_000, 2}, {12, 30_000, 2},
	} {
		fake := &bustest.EventBridge{T: t}
		failed := fake.Publisher().Publish(t.Context(), some(row.n, row.size))
		if len(failed) > 0 || len(ids(t, fake)) != row.n || fake.Calls() != row.calls {
			t.Errorf("%d events of %d bytes: %d calls took %d; %v", row.n, row.size, fake.Calls(), len(ids(t, fake)), failed)
		}
	}
}

func TestRefusedEntriesAloneAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &bustest.EventBridge{T: t, Refuse: func(call, place int) bool { return call <= 3 && place%2 == 0 }}
		all := some(25, 0)
		failed := fake.Publisher().Publish(t.Context(), all)
		if len(failed) > 0 {
			t.Fatal(failed)
		}
		seen := ids(t, fake)
		for _, e := range all {
			if seen[e.ID] != 1 {
				t.Errorf("%s was taken %d times", e.ID, seen[e.ID])
			}
		}
		if fake.Calls() != 3+2 { // 13 were refused at first
			t.Errorf("%d calls", fake.Calls())
		}
	})
}

func TestWhatIsRefusedAgainAndAgainIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		fake := &bustest.EventBridge{T: t, Refuse: func(_, place int) bool { return place == 0 }}
		failed := fake.Publisher().Publish(t.Context(), some(10, 0))
		if len(failed) != 1 || problem.As(failed[0]).Kind != problem.KindUnavailable || len(ids(t, fake)) != 9 {
			t.Errorf("%v; %d taken", failed, len(ids(t, fake)))
		}
		if fake.Calls() != 4 || time.Since(began) > 400*time.Millisecond {
			t.Errorf("%d calls in %v", fake.Calls(), time.Since(began))
		}
	})
}

func TestACallThatFailsHidesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &bustest.EventBridge{T: t}
		fake.Before = func(call int) error {
			if call%3 == 2 { // the middle one of each round of three, then every attempt of it
				return bustest.ErrInjected
			}
			return nil
		}
		all := some(30, 0)
		failed := fake.Publisher().Publish(t.Context(), all)
		if len(failed) > 0 || len(ids(t, fake)) != 30 {
			t.Errorf("%v; %d taken", failed, len(ids(t, fake)))
		}
	})
}

func TestALostAnswerIsSentAgainUnderTheSameIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &bustest.EventBridge{T: t, After: func(call int) error {
			if call == 1 {
				return bustest.ErrInjected
			}
			return nil
		}}
		failed := fake.Publisher().Publish(t.Context(), some(3, 0))
		if len(failed) > 0 {
			t.Fatal(failed)
		}
		if counts := slices.Collect(maps.Values(ids(t, fake))); !slices.Equal(counts, []int{2, 2, 2}) {
			t.Errorf("taken %v times", counts)
		}
	})
}

func TestAnEventThatIsTooLargeHidesNoOther(t *testing.T) {
	fake := &bustest.EventBridge{T: t}
	all := some(3, 0)
	all[1] = some(1, events.MaxSize)[0]
	failed := fake.Publisher().Publish(t.Context(), all)
	if len(failed) != 1 || problem.As(failed[1]).Kind != problem.KindTooLarge || len(ids(t, fake)) != 2 {
		t.Errorf("%v; %d taken", failed, len(ids(t, fake)))
	}
}

func TestACancelledCallerIsNotKeptWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fake := &bustest.EventBridge{T: t}
	failed := fake.Publisher().Publish(ctx, some(12, 0))
	if len(failed) != 12 || !errors.Is(failed[11], context.Canceled) || fake.Calls() != 2 {
		t.Errorf("%v after %d calls", failed, fake.Calls())
	}
}

// TestTheClientSpeaksToEventBridge has the SDK's client write a call and read an
// answer in which one entry is refused.
func TestTheClientSpeaksToEventBridge(t *testing.T) {
	var targets []string
	client := eventbridge.New(eventbridge.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://eventbridge.invalid"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
		HTTPClient: doer(func(r *http.Request) string {
			targets = append(targets, r.Header.Get("X-Amz-Target"))
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if n := strings.Count(string(body), `"DetailType":"action.timeout"`); n == 1 {
				return `{"FailedEntryCount":0,"Entries":[{"EventId":"c"}]}`
			}
			return `{"FailedEntryCount":1,"Entries":[{"EventId":"a"},{"ErrorCode":"ThrottlingException","ErrorMessage":"slow down"}]}`
		}),
	})
	failed := bus.New(client, "ascend").Publish(t.Context(), some(2, 0))
	if len(failed) > 0 || !slices.Equal(targets, []string{"AWSEvents.PutEvents", "AWSEvents.PutEvents"}) {
		t.Errorf("%v; calls %v", failed, targets)
	}
}

type doer func(*http.Request) string

func (d doer) Do(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body: io.NopCloser(strings.NewReader(d(r))), Request: r,
	}, nil
}
