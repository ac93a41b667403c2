// Package stream reads the change streams of DynamoDB's tables as Lambda does
// before it calls a worker. No function carries it: Lambda reads for them.
package stream

import (
	"context"
	"iter"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// API is the part of *dynamodbstreams.Client that Pages uses.
type API interface {
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

var _ API = (*dynamodbstreams.Client)(nil)

// Pages returns the records of a shard from a sequence number on, or from its oldest record
// where from is "", in pages of at most limit records (1 … 1000) and 1 MB. It
// ends after an error, and where a closed shard ends. An open shard has no end,
// and pages may be empty anywhere: the reader stops when it has what it wants.
//
// Errors are those of the API: *types.TrimmedDataAccessException where the
// stream no longer has the record, *types.ResourceNotFoundException where it
// has no such shard.
func Pages(ctx context.Context, api API, arn, shard, from string, limit int32) iter.Seq2[[]types.Record, error] {
	return func(yield func([]types.Record, error) bool) {
		in := dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
		if from != "" {
			in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAtSequenceNumber, &from
		}
		at, err := api.GetShardIterator(ctx, &in)
		if err != nil {
			yield(nil, err)
			return
		}
		for next := at.ShardIterator; next != nil; {
			page, err := api.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: next, Limit: &limit})
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page.Records, nil) {
				return
			}
			next = page.NextShardIterator
		}
	}
}

// Event returns the call that Lambda makes with records of a stream.
func Event(arn string, records []types.Record) events.DynamoDBEvent {
	event := events.DynamoDBEvent{Records: make([]events.DynamoDBEventRecord, len(records))}
	for i, r := range records {
		event.Records[i] = record(arn, r)
	}
	return event
}

func record(arn string, r types.Record) events.DynamoDBEventRecord {
	out := events.DynamoDBEventRecord{
		AWSRegion: aws.ToString(r.AwsRegion), EventID: aws.ToString(r.EventID), EventName: string(r.EventName),
		EventSource: aws.ToString(r.EventSource), EventVersion: aws.ToString(r.EventVersion), EventSourceArn: arn,
	}
	if who := r.UserIdentity; who != nil {
		out.UserIdentity = &events.DynamoDBUserIdentity{Type: aws.ToString(who.Type), PrincipalID: aws.ToString(who.PrincipalId)}
	}
	if c := r.Dynamodb; c != nil {
		out.Change = events.DynamoDBStreamRecord{
			ApproximateCreationDateTime: events.SecondsEpochTime{Time: aws.ToTime(c.ApproximateCreationDateTime)},
			Keys:                        item(c.Keys), NewImage: item(c.NewImage), OldImage: item(c.OldImage),
			SequenceNumber: aws.ToString(c.SequenceNumber), SizeBytes: aws.ToInt64(c.SizeBytes), StreamViewType: string(c.StreamViewType),
		}
	}
	return out
}

func item(in map[string]types.AttributeValue) map[string]events.DynamoDBAttributeValue {
	if in == nil {
		return nil
	}
	out := make(map[string]events.DynamoDBAttributeValue, len(in))
	for name, v := range in {
		out[name] = value(v)
	}
	return out
}

// value returns an attribute as that of an event. One of a type that the SDK
// does not know becomes null, which no item of ours holds: whoever reads the
// event refuses that record alone.
func value(v types.AttributeValue) events.DynamoDBAttributeValue {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return events.NewStringAttribute(v.Value)
	case *types.AttributeValueMemberN:
		return events.NewNumberAttribute(v.Value)
	case *types.AttributeValueMemberB:
		return events.NewBinaryAttribute(v.Value)
	case *types.AttributeValueMemberBOOL:
		return events.NewBooleanAttribute(v.Value)
	case *types.AttributeValueMemberSS:
		return events.NewStringSetAttribute(v.Value)
	case *types.AttributeValueMemberNS:
		return events.NewNumberSetAttribute(v.Value)
	case *types.AttributeValueMemberBS:
		return events.NewBinarySetAttribute(v.Value)
	case *types.AttributeValueMemberL:
		list := make([]events.DynamoDBAttributeValue, len(v.Value))
		for i, element := range v.Value {
			list[i] = value(element)
		}
		return events.NewListAttribute(list)
	case *types.AttributeValueMemberM:
		return events.NewMapAttribute(item(v.Value))
	}
	return events.NewNullAttribute()
}
