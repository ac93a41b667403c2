package dynamolocal

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"ascend/shared/store/dynamo/stream"
)

// Event returns all of a table's change stream as the payload of one call that
// Lambda would make with it.
func Event(t testing.TB, c *dynamodb.Client, table string) []byte {
	t.Helper()
	described, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	arn := described.Table.LatestStreamArn
	if arn == nil {
		t.Fatalf("table %s has no stream", table)
	}
	api := Streams(c)
	shards, err := api.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	var all []types.Record
	for _, shard := range shards.StreamDescription.Shards {
		for page, err := range stream.Pages(t.Context(), api, *arn, *shard.ShardId, "", 1000) {
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break // here, unlike on AWS, this is where the shard ends for now
			}
			all = append(all, page...)
		}
	}
	payload, err := json.Marshal(stream.Event(*arn, all))
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// Streams returns a client of the streams of c's tables.
func Streams(c *dynamodb.Client) *dynamodbstreams.Client {
	of := c.Options()
	return dynamodbstreams.New(dynamodbstreams.Options{Region: of.Region, BaseEndpoint: of.BaseEndpoint, Credentials: of.Credentials})
}
