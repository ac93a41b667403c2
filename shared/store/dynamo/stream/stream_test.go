package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"ascend/shared/store/dynamo/stream"
)

const arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/x-actions/stream/2026-01-20T14:30:20.000"

func TestAnEventIsWhatLambdaSends(t *testing.T) {
	type item = map[string]types.AttributeValue
	key := item{"pk": &types.AttributeValueMemberS{Value: "1#1"}}
	all := item{
		"b": &types.AttributeValueMemberB{Value: []byte("\x00{}")}, "n": &types.AttributeValueMemberN{Value: "9007199254740991"},
		"ss": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1"}},
		"bs": &types.AttributeValueMemberBS{Value: [][]byte{{0}}}, "bool": &types.AttributeValueMemberBOOL{Value: true},
		"null": &types.AttributeValueMemberNULL{Value: true}, "unknown": &types.UnknownUnionMember{Tag: "X"},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{Value: key}}},
	}
	records := []types.Record{{
		AwsRegion: aws.String("eu-west-1"), EventID: aws.String("f07f"), EventName: types.OperationTypeRemove, EventSource: aws.String("aws:dynamodb"), EventVersion: aws.String("1.1"),
		UserIdentity: &types.Identity{Type: aws.String("Service"), PrincipalId: aws.String("dynamodb.amazonaws.com")},
		Dynamodb: &types.StreamRecord{
			ApproximateCreationDateTime: aws.Time(time.Unix(1768919420, 0)), Keys: key, OldImage: all, SequenceNumber: aws.String("111"), SizeBytes: aws.Int64(54), StreamViewType: types.StreamViewTypeNewAndOldImages,
		},
	}}
	const want = `{"Records": [{
		"eventID": "f07f", "eventName": "REMOVE", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
		"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
		"dynamodb": {"ApproximateCreationDateTime": 1768919420, "Keys": {"pk": {"S": "1#1"}}, "OldImage": {
			"b": {"B": "AHt9"}, "n": {"N": "9007199254740991"}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1"]}, "bs": {"BS": ["AA=="]},
			"bool": {"BOOL": true}, "null": {"NULL": true}, "unknown": {"NULL": true}, "l": {"L": [{"M": {"pk": {"S": "1#1"}}}]}
		}, "SequenceNumber": "111", "SizeBytes": 54, "StreamViewType": "NEW_AND_OLD_IMAGES"},
		"eventSourceARN": "` + arn + `"}]}`
	payload, err := json.Marshal(stream.Event(arn, records))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(decoded(t, payload), decoded(t, []byte(want))) {
		t.Errorf("%s, want %s", payload, want)
	}
	if payload, err := json.Marshal(stream.Event(arn, nil)); err != nil || string(payload) != `{"Records":[]}` {
		t.Errorf("no records are %s, %v", payload, err)
	}
}

func decoded(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// pages is a shard: each iterator is the index of a page.
type pages struct {
	open  bool
	limit int32
	of    [][]types.Record
	fails error // of the page after the last
}

func (p *pages) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	switch {
	case in.ShardIteratorType == types.ShardIteratorTypeTrimHorizon && in.SequenceNumber == nil:
		return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: aws.String("0")}, nil
	case in.ShardIteratorType == types.ShardIteratorTypeAtSequenceNumber && aws.ToString(in.SequenceNumber) == "111":
		return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: aws.String("1")}, nil
	}
	return nil, &types.TrimmedDataAccessException{}
}

func (p *pages) GetRecords(_ context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	i, err := strconv.Atoi(*in.ShardIterator)
	if err != nil || *in.Limit != p.limit {
		return nil, fmt.Errorf("page %q of %d", *in.ShardIterator, *in.Limit)
	}
	if i >= len(p.of) {
		return nil, p.fails
	}
	out := &dynamodbstreams.GetRecordsOutput{Records: p.of[i]}
	if p.open || i+1 < len(p.of) {
		out.NextShardIterator = aws.String(strconv.Itoa(i + 1))
	}
	return out, nil
}

func TestAShardIsReadPageByPage(t *testing.T) {
	record := func(n string) types.Record {
		return types.Record{Dynamodb: &types.StreamRecord{SequenceNumber: &n}}
	}
	broken := errors.New("broken")
	for name, row := range map[string]struct {
		shard *pages
		from  string
		want  []int // sizes of pages
		fails error
	}{
		"from its oldest record":           {&pages{of: [][]types.Record{{record("110")}, {record("111"), record("112")}}}, "", []int{1, 2}, nil},
		"from a sequence number":           {&pages{of: [][]types.Record{{record("110")}, {record("111"), record("112")}}}, "111", []int{2}, nil},
		"over pages that are empty":        {&pages{of: [][]types.Record{{}, {}, {record("112")}}}, "", []int{0, 0, 1}, nil},
		"until it fails":                   {&pages{of: [][]types.Record{{record("110")}}, open: true, fails: broken}, "", []int{1}, broken},
		"not from a record that it lacks":  {&pages{}, "7", nil, new(types.TrimmedDataAccessException)},
		"not at all when it always failed": {&pages{fails: broken}, "", nil, broken},
	} {
		t.Run(name, func(t *testing.T) {
			row.shard.limit = 100
			var got []int
			var failed error
			for page, err := range stream.Pages(t.Context(), row.shard, arn, "shard", row.from, 100) {
				if failed != nil {
					t.Fatal("it goes on after an error")
				}
				if failed = err; err == nil {
					got = append(got, len(page))
				}
			}
			if !slices.Equal(got, row.want) || fmt.Sprint(failed) != fmt.Sprint(row.fails) {
				t.Errorf("pages %v, %v; want %v, %v", got, failed, row.want, row.fails)
			}
		})
	}
	for range stream.Pages(t.Context(), &pages{of: [][]types.Record{{}, {}}, limit: 1}, arn, "shard", "", 1) {
		break // and the reader may stop
	}
}
