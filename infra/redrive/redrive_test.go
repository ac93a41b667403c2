package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ascend/shared/app/relay"
)

// bucket is a bucket in memory that lists two keys a page.
type bucket struct {
	objects map[string]string
	refuses string // a method that fails
}

var errRefused = errors.New("slow down")

func (b *bucket) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	if b.refuses == "list" {
		return nil, errRefused
	}
	out := &s3.ListObjectsV2Output{}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if key <= aws.ToString(in.ContinuationToken) {
			continue
		}
		if len(out.Contents) == 2 {
			out.NextContinuationToken = out.Contents[1].Key
			break
		}
		out.Contents = append(out.Contents, types.Object{Key: &key})
	}
	return out, nil
}

func (b *bucket) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if b.refuses == "get" {
		return nil, errRefused
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader(b.objects[*in.Key]))}, nil
}

func (b *bucket) DeleteObject(_ context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	if b.refuses == "delete" {
		return nil, errRefused
	}
	delete(b.objects, *in.Key)
	return &s3.DeleteObjectOutput{}, nil
}

// fakeRelay answers as the function does: it fails at records named bad, and
// gives up those named poison by keeping them in the bucket.
type fakeRelay struct {
	bucket *bucket
	got    []string // the names of the records
	answer *lambda.InvokeOutput
	err    error
}

func (f *fakeRelay) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	if f.err != nil || f.answer != nil {
		return f.answer, f.err
	}
	var call struct {
		Records []struct {
			Name string `json:"name"`
		}
	}
	if err := json.Unmarshal(in.Payload, &call); err != nil {
		return nil, err
	}
	failures, log := []map[string]string{}, ""
	for _, r := range call.Records {
		f.got = append(f.got, r.Name)
		switch r.Name {
		case "bad":
			failures = append(failures, map[string]string{"itemIdentifier": r.Name})
			log += `{"record":"bad","error":"the bus is away"}` + "\n"
		case "poison":
			f.bucket.objects["letters/again"] = own("poison")
		}
	}
	payload, err := json.Marshal(map[string]any{"batchItemFailures": failures})
	tail := base64.StdEncoding.EncodeToString([]byte(log))
	return &lambda.InvokeOutput{Payload: payload, LogResult: &tail}, err
}

// lambdas is an invocation record as Lambda writes it, own a letter as the relay does.
func lambdas(payload string) string {
	return `{"version":"1.0","requestContext":{"condition":"RecordAgeExceeded"},"DDBStreamBatchInfo":{"shardId":"shardId-0"},"payload":` + payload + `}`
}

func own(name string) string {
	text, err := relay.DeadLetter{Consumer: "events", Reason: "too large", Record: fmt.Appendf(nil, `{"name":%q}`, name)}.Encode()
	if err != nil {
		panic(err)
	}
	return string(text)
}

func records(names ...string) string {
	var list []string
	for _, name := range names {
		list = append(list, fmt.Sprintf(`{"name":%q}`, name))
	}
	return `{"Records":[` + strings.Join(list, ",") + `]}`
}

func quoted(text string) string { return strconv.Quote(text) }

func TestLettersAreGivenToTheRelayAgain(t *testing.T) {
	functionError := "Unhandled"
	for _, c := range []struct {
		name    string
		objects map[string]string
		relay   fakeRelay
		refuses string
		dry     bool

		got  []string // given to the relay
		left []string
		says string
		want tally
	}{
		{
			name:    "Lambda's record, with the payload as an object or as a text",
			objects: map[string]string{"aws/1": lambdas(records("a", "b")), "aws/2": lambdas(quoted(records("c")))},
			got:     []string{"a", "b", "c"}, want: tally{redriven: 2}, says: "2 records redriven; it is deleted",
		},
		{
			name:    "the relay's own letter, over several pages",
			objects: map[string]string{"letters/1": own("a"), "letters/2": own("b"), "letters/3": own("c"), "letters/4": own("d"), "letters/5": own("e")},
			got:     []string{"a", "b", "c", "d", "e"}, want: tally{redriven: 5},
		},
		{
			name:    "what fails again is kept, with the reason",
			objects: map[string]string{"aws/1": lambdas(records("a", "bad")), "letters/1": own("b")},
			got:     []string{"a", "bad", "b"}, left: []string{"aws/1"}, want: tally{redriven: 1, failed: 1, left: 1}, says: "the bus is away",
		},
		{
			name:    "what the relay gives up again is a new letter, which is not tried twice",
			objects: map[string]string{"letters/1": own("poison")},
			got:     []string{"poison"}, left: []string{"letters/again"}, want: tally{redriven: 1, left: 1},
		},
		{
			name:    "a dry run changes nothing",
			objects: map[string]string{"aws/1": lambdas(records("a", "b")), "letters/1": own("c"), "x": "none"}, dry: true,
			left: []string{"aws/1", "letters/1", "x"}, want: tally{redriven: 2, failed: 1, left: 3}, says: "events: too large",
		},
		{
			name:    "what is no letter is kept",
			objects: map[string]string{"1": "none", "2": `{}`, "3": lambdas(`{"Records":[]}`), "4": lambdas(`"text"`)},
			left:    []string{"1", "2", "3", "4"}, want: tally{failed: 4, left: 4}, says: "it holds no records of a stream",
		},
		{
			name: "a call that fails", objects: map[string]string{"letters/1": own("a")},
			relay: fakeRelay{err: errRefused}, left: []string{"letters/1"}, want: tally{failed: 1, left: 1}, says: "slow down",
		},
		{
			name: "a function that fails", objects: map[string]string{"letters/1": own("a")},
			relay: fakeRelay{answer: &lambda.InvokeOutput{FunctionError: &functionError, Payload: []byte(`{"errorMessage":"out of memory"}`)}},
			left:  []string{"letters/1"}, want: tally{failed: 1, left: 1}, says: "out of memory",
		},
		{
			name: "an answer that does not say what failed", objects: map[string]string{"letters/1": own("a")},
			relay: fakeRelay{answer: &lambda.InvokeOutput{Payload: []byte(`{}`)}},
			left:  []string{"letters/1"}, want: tally{failed: 1, left: 1}, says: "does not say what failed",
		},
		{
			name: "an object that cannot be read", objects: map[string]string{"letters/1": own("a")}, refuses: "get",
			left: []string{"letters/1"}, want: tally{failed: 1, left: 1}, says: "slow down",
		},
		{
			name: "an object that cannot be deleted", objects: map[string]string{"letters/1": own("a")}, refuses: "delete",
			got: []string{"a"}, left: []string{"letters/1"}, want: tally{failed: 1, left: 1}, says: "redriven, but not deleted",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &bucket{objects: c.objects, refuses: c.refuses}
			f := c.relay
			f.bucket = b
			var out bytes.Buffer
			r := redrive{objects: b, functions: &f, bucket: "dead", relay: "relay", out: &out, dry: c.dry}
			n, err := r.run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n != c.want {
				t.Errorf("counted %+v, want %+v", n, c.want)
			}
			if !slices.Equal(f.got, c.got) {
				t.Errorf("the relay got %v, want %v", f.got, c.got)
			}
			if left := slices.Sorted(maps.Keys(b.objects)); !slices.Equal(left, c.left) {
				t.Errorf("left are %v, want %v", left, c.left)
			}
			if !strings.Contains(out.String(), c.says) {
				t.Errorf("it does not say %q:\n%s", c.says, out.String())
			}
		})
	}
}

func TestABucketThatCannotBeListedIsAnError(t *testing.T) {
	r := redrive{objects: &bucket{refuses: "list"}, out: io.Discard}
	if _, err := r.run(t.Context()); !errors.Is(err, errRefused) {
		t.Errorf("got %v", err)
	}
}

func TestAnInterruptedRunSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := &bucket{objects: map[string]string{"letters/1": own("a")}}
	r := redrive{objects: b, functions: &fakeRelay{bucket: b}, out: io.Discard}
	if _, err := r.run(ctx); !errors.Is(err, context.Canceled) || len(b.objects) != 1 {
		t.Errorf("got %v with %d left", err, len(b.objects))
	}
}

func TestTheCommandTakesOneEnvironment(t *testing.T) {
	for _, args := range [][]string{{}, {"-env", ""}, {"-env", "Prod"}, {"-env", "prod", "more"}, {"-env", "a-b"}, {"-unknown"}} {
		if _, err := command(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
