package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/go-json-experiment/json"

	"ascend/shared/store/dynamo/stream"
)

// batch is a run of changes that the relay gave up: its place in a stream, as
// Lambda writes it into the dead-letter queue, with the names that it uses.
type batch struct {
	Stream string    `json:"streamArn"`
	Shard  string    `json:"shardId"`
	First  string    `json:"startSequenceNumber"`
	Last   string    `json:"endSequenceNumber"`
	From   time.Time `json:"approximateArrivalOfFirstRecord"`
	To     time.Time `json:"approximateArrivalOfLastRecord"`
}

var (
	streamARN = regexp.MustCompile(`^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/([A-Za-z0-9_.-]{3,255})/stream/[0-9A-Za-z:.-]+$`)
	shardID   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,65}$`)
	digits    = regexp.MustCompile(`^[0-9]{1,40}$`)
)

// readBatch reads a message. The stream must be that of a table whose name
// begins with the deployment's prefix.
func readBatch(message, prefix string) (batch, error) {
	var letter struct {
		Place *batch `json:"DDBStreamBatchInfo"`
	}
	if err := json.Unmarshal([]byte(message), &letter); err != nil {
		return batch{}, err
	}
	if letter.Place == nil {
		return batch{}, errors.New("it names no place in a stream of DynamoDB")
	}
	b := *letter.Place
	switch {
	case !streamARN.MatchString(b.Stream) || !strings.HasPrefix(b.table(), prefix):
		return b, fmt.Errorf("%.200q is no stream of a table %s…", b.Stream, prefix)
	case !shardID.MatchString(b.Shard):
		return b, fmt.Errorf("%.200q is no shard", b.Shard)
	case !digits.MatchString(b.First) || !digits.MatchString(b.Last) || compare(b.First, b.Last) > 0:
		return b, fmt.Errorf("%.50q to %.50q are no sequence numbers of a batch", b.First, b.Last)
	}
	return b, nil
}

func (b batch) table() string {
	if m := streamARN.FindStringSubmatch(b.Stream); m != nil {
		return m[1]
	}
	return ""
}

// String names the batch to who runs the command.
func (b batch) String() string {
	return fmt.Sprintf("%s, changes %s to %s of %s", b.table(), b.First, b.Last, b.when())
}

// when says when the changes were made.
func (b batch) when() string {
	if b.From.IsZero() {
		return "an unknown time"
	}
	from, to := b.From.UTC().Format(time.RFC3339), b.To.UTC().Format(time.RFC3339)
	if b.To.IsZero() || from == to {
		return from
	}
	return from + " to " + to
}

// compare holds two sequence numbers against each other: numbers of many digits.
func compare(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

const (
	// pageSize is the relay's batch size. A page has 1 MB at most, which makes
	// less than the 6 MB of a call.
	pageSize = 100
	// An open shard may give empty pages before the next record, and five pages a second.
	emptyPages = 50
	emptyPause = 200 * time.Millisecond
)

// errQuiet says that nothing more came of an open shard.
var errQuiet = errors.New("the shard does not come to the end of the batch")

// read gives the batch's records to do in order, page by page. lost says that
// the stream no longer has all of them; those that it has are given.
func (b batch) read(ctx context.Context, api stream.API, do func([]types.Record) error) (lost bool, err error) {
	lost, err = b.readFrom(ctx, api, b.First, do)
	if trimmed := new(types.TrimmedDataAccessException); errors.As(err, &trimmed) {
		// From the oldest record on: some may be given twice, which harms nothing.
		lost = true
		if _, err = b.readFrom(ctx, api, "", do); errors.Is(err, errQuiet) {
			err = nil
		}
	}
	if gone := new(types.ResourceNotFoundException); errors.As(err, &gone) {
		return true, nil
	}
	return lost, err
}

func (b batch) readFrom(ctx context.Context, api stream.API, from string, do func([]types.Record) error) (lost bool, err error) {
	first, empty := false, 0
	for page, err := range stream.Pages(ctx, api, b.Stream, b.Shard, from, pageSize) {
		if err != nil {
			return false, err
		}
		var ours []types.Record
		past, last := false, false
		for _, r := range page {
			n := number(r)
			first = first || n == b.First
			last = last || n == b.Last
			past = past || compare(n, b.Last) >= 0
			if compare(n, b.First) >= 0 && compare(n, b.Last) <= 0 {
				ours = append(ours, r)
			}
		}
		if len(ours) > 0 {
			if err := do(ours); err != nil {
				return false, err
			}
		}
		if past {
			return !first || !last, nil
		}
		if len(page) > 0 {
			empty = 0
			continue
		}
		if empty++; empty == emptyPages {
			return false, errQuiet
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(emptyPause):
		}
	}
	return true, nil // the shard is closed and ends before
}

// number is a record's sequence number.
func number(r types.Record) string {
	if r.Dynamodb == nil {
		return ""
	}
	return aws.ToString(r.Dynamodb.SequenceNumber)
}
