package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"ascend/shared/store"
	"ascend/shared/store/dynamo"
)

// Shards is the part of *dynamodbstreams.Client that a Feed uses.
type Shards interface {
	API
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
}

var _ Shards = (*dynamodbstreams.Client)(nil)

// Tables is the part of *dynamodb.Client that Open uses.
type Tables interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
}

// Feed reads the streams of all streamed tables. It implements store.Feed for
// tests and tools; functions are called by Lambda with what it reads.
//
// A position is the sequence number last read of each shard, as JSON. A shard is
// read after its parent is finished, which keeps the order of an item's changes
// across the splitting of shards. DynamoDB keeps changes for 24 hours.
type Feed struct {
	api     Shards
	streams map[store.Table]string // ARNs
}

var _ store.Feed = (*Feed)(nil)

// Open returns the feed of the streamed tables of defs, which are called prefix + name.
func Open(ctx context.Context, tables Tables, api Shards, prefix string, defs []store.Definition) (*Feed, error) {
	f := &Feed{api: api, streams: map[store.Table]string{}}
	for _, def := range defs {
		if !def.Streamed {
			continue
		}
		out, err := tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(prefix + string(def.Table))})
		if err != nil {
			return nil, fmt.Errorf("describe table %s: %w", def.Table, err)
		}
		if out.Table.LatestStreamArn == nil {
			return nil, fmt.Errorf("table %s has no stream", def.Table)
		}
		f.streams[def.Table] = *out.Table.LatestStreamArn
	}
	return f, nil
}

// place is a Position taken apart: by stream and shard, the sequence number
// last read, or finished where a closed shard was read to its end.
type place map[string]map[string]string

const (
	finished = "finished"
	// pagesAtOnce bounds the empty pages that are read of one shard in one call:
	// an open shard on AWS has some between its records.
	pagesAtOnce = 10
)

// Changes reads the shards of all streams once, in random order, until limit
// changes are found. A record that cannot be decoded is a Change with Err.
func (f *Feed) Changes(ctx context.Context, after store.Position, limit int) ([]store.Change, store.Position, error) {
	at := place{}
	if after != "" {
		if err := json.Unmarshal([]byte(after), &at); err != nil {
			return nil, after, fmt.Errorf("decode the position in the streams: %w", err)
		}
	}
	if limit < 1 || limit > 1000 {
		return nil, after, fmt.Errorf("store: %d changes in one read, want 1 … 1000", limit)
	}
	var changes []store.Change
	next := place{}
	for table, arn := range f.streams {
		shards, err := f.shards(ctx, arn)
		if err != nil {
			return nil, after, unavailable(err)
		}
		reached := map[string]string{}
		for id := range shards {
			if seen, ok := at[arn][id]; ok {
				reached[id] = seen
			}
		}
		next[arn] = reached
		ready := readable(shards, reached)
		rand.Shuffle(len(ready), func(i, j int) { ready[i], ready[j] = ready[j], ready[i] })
		for _, id := range ready {
			if len(changes) == limit {
				break
			}
			found, last, err := f.read(ctx, table, id, reached[id], limit-len(changes))
			if err != nil {
				return nil, after, err
			}
			if changes = append(changes, found...); last != "" {
				reached[id] = last
			}
		}
	}
	text, err := json.Marshal(next)
	return changes, store.Position(text), err
}

// shards returns the parent of each shard of a stream, by the shard's id.
func (f *Feed) shards(ctx context.Context, arn string) (map[string]string, error) {
	parents := map[string]string{}
	for in := (&dynamodbstreams.DescribeStreamInput{StreamArn: &arn}); ; {
		out, err := f.api.DescribeStream(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, shard := range out.StreamDescription.Shards {
			parents[aws.ToString(shard.ShardId)] = aws.ToString(shard.ParentShardId)
		}
		if in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
			return parents, nil
		}
	}
}

// readable returns the shards that are not finished and whose parent is, or is
// no longer kept.
func readable(shards, reached map[string]string) []string {
	var ready []string
	for id := range maps.Keys(shards) {
		_, kept := shards[shards[id]]
		if reached[id] != finished && (!kept || reached[shards[id]] == finished) {
			ready = append(ready, id)
		}
	}
	return ready
}

// read reads the next changes of a shard. last is the sequence number of the
// last one, finished at the end of a closed shard, or "" where nothing was read.
func (f *Feed) read(ctx context.Context, table store.Table, shard, after string, limit int) (changes []store.Change, last string, err error) {
	arn, pages, full := f.streams[table], 0, false
	// A shard is read from a record that was read before, which does not count.
	for page, err := range Pages(ctx, f.api, arn, shard, after, int32(min(limit+1, 1000))) {
		if trimmed := new(types.TrimmedDataAccessException); errors.As(err, &trimmed) {
			return nil, "", fmt.Errorf("shard %s after %s: %w", shard, after, store.ErrTrimmed)
		}
		if err != nil {
			return nil, "", unavailable(err)
		}
		for _, record := range Event(arn, page).Records {
			if record.Change.SequenceNumber == after {
				continue
			}
			if full = len(changes) == limit; full {
				break
			}
			c, err := dynamo.ChangeOf(table, record)
			c.Err = err
			changes, last = append(changes, c), c.Sequence
		}
		if pages++; full || len(changes) > 0 || pages == pagesAtOnce {
			return changes, last, nil
		}
	}
	return changes, finished, nil
}

func unavailable(err error) error {
	return fmt.Errorf("read the change feed: %w: %w", store.ErrUnavailable, err)
}
