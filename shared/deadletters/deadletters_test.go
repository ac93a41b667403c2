package deadletters_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ascend/shared/app/relay"
	"ascend/shared/deadletters"
	"ascend/shared/domain/problem"
)

// bucket keeps what is put, or refuses it.
type bucket struct {
	objects map[string]string
	err     error
}

func (b *bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if b.err != nil {
		return nil, b.err
	}
	body, err := io.ReadAll(in.Body)
	b.objects[*in.Bucket+" "+*in.Key] = string(body)
	return &s3.PutObjectOutput{}, err
}

func letter() relay.DeadLetter {
	return relay.DeadLetter{
		Consumer: "events", Reason: "too large", KeptAt: time.Date(2026, 1, 20, 14, 30, 20, 1, time.UTC),
		Table: "actions", PK: "1#42", SK: "action", Sequence: "111", Record: []byte(`{"eventID":"e"}`),
	}
}

func TestALetterIsAnObject(t *testing.T) {
	b := &bucket{objects: map[string]string{}}
	if err := deadletters.New(b, "dead").Keep(t.Context(), letter()); err != nil {
		t.Fatal(err)
	}
	want, err := letter().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for key, body := range b.objects {
		if !strings.HasPrefix(key, "dead letters/20260120T143020.000000001Z-events-111-") || body != string(want) {
			t.Errorf("%s holds %s", key, body)
		}
	}
	if len(b.objects) != 1 {
		t.Errorf("%d objects", len(b.objects))
	}
}

func TestLettersOfDifferentItemsAndTimesAreDifferentObjects(t *testing.T) {
	b := &bucket{objects: map[string]string{}}
	for _, change := range []func(*relay.DeadLetter){
		func(*relay.DeadLetter) {},
		func(l *relay.DeadLetter) { l.PK = "1#43" },
		func(l *relay.DeadLetter) { l.Consumer = "clock" },
		func(l *relay.DeadLetter) { l.Sequence = "112" },
		func(l *relay.DeadLetter) { l.KeptAt = l.KeptAt.Add(time.Nanosecond) },
	} {
		l := letter()
		change(&l)
		if err := deadletters.New(b, "dead").Keep(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.objects) != 5 {
		t.Errorf("%d objects of 5 letters", len(b.objects))
	}
}

func TestABucketThatDoesNotAnswerIsUnavailable(t *testing.T) {
	err := deadletters.New(&bucket{err: errors.New("slow down")}, "dead").Keep(t.Context(), letter())
	if problem.As(err).Kind != problem.KindUnavailable {
		t.Errorf("got %v", err)
	}
}
