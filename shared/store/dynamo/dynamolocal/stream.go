package dynamolocal

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Event reads all of a table's change stream, as the payload of one call that
// Lambda would make with it. The API of streams is spoken plainly: its records
// are those of Lambda but for the stream's name.
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
	s := stream{t, *c.Options().BaseEndpoint}
	var event struct{ Records []map[string]any }
	for _, shard := range s.shards(*arn) {
		for _, record := range s.records(*arn, shard) {
			record["eventSourceARN"] = *arn
			event.Records = append(event.Records, record)
		}
	}
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

type stream struct {
	t        testing.TB
	endpoint string
}

func (s stream) shards(arn string) []string {
	var out struct {
		StreamDescription struct{ Shards []struct{ ShardId string } }
	}
	s.call("DescribeStream", map[string]any{"StreamArn": arn}, &out)
	var ids []string
	for _, shard := range out.StreamDescription.Shards {
		ids = append(ids, shard.ShardId)
	}
	return ids
}

func (s stream) records(arn, shard string) []map[string]any {
	var at struct{ ShardIterator string }
	s.call("GetShardIterator", map[string]any{"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}, &at)
	var all []map[string]any
	for at.ShardIterator != "" {
		var out struct {
			Records           []map[string]any
			NextShardIterator string
		}
		s.call("GetRecords", map[string]any{"ShardIterator": at.ShardIterator}, &out)
		if len(out.Records) == 0 {
			break // an open shard has a next iterator for ever
		}
		all, at.ShardIterator = append(all, out.Records...), out.NextShardIterator
	}
	return all
}

func (s stream) call(operation string, in, out any) {
	s.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDBStreams_20120810."+operation)
	// DynamoDB Local tells databases apart by access key and region, and checks no signature.
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s %s, %v", operation, answer.Status, got, err)
	}
	d := json.NewDecoder(bytes.NewReader(got))
	d.UseNumber()
	if err := d.Decode(out); err != nil {
		s.t.Fatal(err)
	}
}
