package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"ascend/shared/store"
	"ascend/shared/store/dynamo/stream"
)

// fakeShard holds records by their sequence numbers.
type fakeShard struct {
	parent  string
	records []string // "" is an empty page
	closed  bool
}

// fakeStream is the stream of one table. Each page has one record.
type fakeStream struct {
	shards map[string]*fakeShard
	down   error
}

func (f *fakeStream) DescribeTable(_ context.Context, in *dynamodb.DescribeTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	if *in.TableName != "x-things" {
		return nil, fmt.Errorf("described %s", *in.TableName)
	}
	return &dynamodb.DescribeTableOutput{Table: &dynamotypes.TableDescription{LatestStreamArn: aws.String(arn)}}, nil
}

// DescribeStream answers with one shard at a time.
func (f *fakeStream) DescribeStream(_ context.Context, in *dynamodbstreams.DescribeStreamInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	if f.down != nil {
		return nil, f.down
	}
	var ids []string
	for id := range f.shards {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	i := 0
	if in.ExclusiveStartShardId != nil {
		i = slices.Index(ids, *in.ExclusiveStartShardId) + 1
	}
	d := &types.StreamDescription{Shards: []types.Shard{{ShardId: &ids[i]}}}
	if parent := f.shards[ids[i]].parent; parent != "" {
		d.Shards[0].ParentShardId = &parent
	}
	if i+1 < len(ids) {
		d.LastEvaluatedShardId = &ids[i]
	}
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: d}, nil
}

func (f *fakeStream) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	at := 0
	if in.SequenceNumber != nil {
		if at = slices.Index(f.shards[*in.ShardId].records, *in.SequenceNumber); at < 0 {
			return nil, &types.TrimmedDataAccessException{}
		}
	}
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: aws.String(fmt.Sprint(*in.ShardId, " ", at))}, nil
}

func (f *fakeStream) GetRecords(_ context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	var id string
	var at int
	if _, err := fmt.Sscan(*in.ShardIterator, &id, &at); err != nil {
		return nil, err
	}
	shard, out := f.shards[id], &dynamodbstreams.GetRecordsOutput{}
	if at < len(shard.records) {
		if number := shard.records[at]; number != "" {
			out.Records = []types.Record{recordOf(number)}
		}
		at++
	}
	if !shard.closed || at < len(shard.records) {
		out.NextShardIterator = aws.String(fmt.Sprint(id, " ", at))
	}
	return out, nil
}

// recordOf is an insertion; one whose number begins with "bad" lacks its image.
func recordOf(number string) types.Record {
	key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "p"}, "sk": &types.AttributeValueMemberS{Value: number}}
	r := types.Record{EventName: types.OperationTypeInsert, Dynamodb: &types.StreamRecord{Keys: key, NewImage: key, SequenceNumber: &number}}
	if strings.HasPrefix(number, "bad") {
		r.Dynamodb.NewImage = nil
	}
	return r
}

func openFake(t *testing.T, shards map[string]*fakeShard) (*stream.Feed, *fakeStream) {
	t.Helper()
	f := &fakeStream{shards: shards}
	feed, err := stream.Open(t.Context(), f, f, "x-", []store.Definition{{Table: "others"}, {Table: "things", Streamed: true}})
	if err != nil {
		t.Fatal(err)
	}
	return feed, f
}

// drain reads until nothing comes, one change at a time.
func drain(t *testing.T, feed store.Feed, at store.Position) (numbers []string, _ store.Position) {
	t.Helper()
	for idle := 0; idle < 5; {
		changes, next, err := feed.Changes(t.Context(), at, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			numbers = append(numbers, c.Sequence)
		}
		if at, idle = next, idle+1; len(changes) > 0 {
			idle = 0
		}
	}
	return numbers, at
}

func TestAShardIsReadAfterItsParent(t *testing.T) {
	feed, f := openFake(t, map[string]*fakeShard{
		"a": {parent: "gone", records: []string{"1", "2"}, closed: true},
		"b": {parent: "a", records: []string{"3"}, closed: true},
		"c": {parent: "b", records: []string{"", "", "4"}},
		"d": {parent: "b"},
	})
	got, at := drain(t, feed, "")
	if want := []string{"1", "2", "3", "4"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
	delete(f.shards, "a") // trimmed after a day
	f.shards["c"].records = append(f.shards["c"].records, "5")
	got, at = drain(t, feed, at)
	if !slices.Equal(got, []string{"5"}) || strings.Contains(string(at), `"a"`) {
		t.Errorf("later read %q up to %s", got, at)
	}
}

func TestARecordThatCannotBeDecodedHidesNoOther(t *testing.T) {
	feed, _ := openFake(t, map[string]*fakeShard{"a": {records: []string{"1", "bad2", "3"}}})
	at := store.Position("")
	for _, want := range []string{"1", "bad2", "3"} {
		changes, next, err := feed.Changes(t.Context(), at, 9)
		if err != nil || len(changes) != 1 || changes[0].Sequence != want || (changes[0].Err != nil) != (want == "bad2") {
			t.Fatalf("%+v, %v; want %s", changes, err, want)
		}
		at = next
	}
}

func TestAPositionWhoseChangesAreGoneIsTrimmed(t *testing.T) {
	feed, f := openFake(t, map[string]*fakeShard{"a": {records: []string{"1"}}})
	_, at := drain(t, feed, "")
	f.shards["a"].records = []string{"8", "9"}
	if changes, next, err := feed.Changes(t.Context(), at, 9); !errors.Is(err, store.ErrTrimmed) || next != at {
		t.Errorf("%v, %q, %v", changes, next, err)
	}
	f.down = errors.New("down")
	if _, _, err := feed.Changes(t.Context(), at, 9); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, f.down) {
		t.Errorf("got %v", err)
	}
}
