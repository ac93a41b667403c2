package dynamo

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ascend/shared/store"
)

// Change returns a record of the stream of a table called prefix + name. The
// stream must carry both images (NEW_AND_OLD_IMAGES). A record of another table,
// or of an item that this package did not write, is an error; the change then
// has its sequence number, and its key where that could be read.
func Change(prefix string, r events.DynamoDBEventRecord) (store.Change, error) {
	table, err := streamed(prefix, r.EventSourceArn)
	if err != nil {
		return store.Change{Sequence: r.Change.SequenceNumber}, fmt.Errorf("stream record %s: %w", r.Change.SequenceNumber, err)
	}
	return ChangeOf(table, r)
}

// ChangeOf returns a record of the stream of a table, as Change does.
func ChangeOf(table store.Table, r events.DynamoDBEventRecord) (store.Change, error) {
	c := store.Change{Sequence: r.Change.SequenceNumber, At: r.Change.ApproximateCreationDateTime.UTC()}
	key, err := image(table, r.Change.Keys)
	if err == nil && key == nil {
		err = errors.New("dynamo: no key")
	}
	if err != nil {
		return c, fmt.Errorf("stream record %s: %w", c.Sequence, err)
	}
	c.Key = key.Key
	before, err := image(table, r.Change.OldImage)
	if err != nil {
		return c, fmt.Errorf("stream record %s of %v before: %w", c.Sequence, c.Key, err)
	}
	after, err := image(table, r.Change.NewImage)
	if err != nil {
		return c, fmt.Errorf("stream record %s of %v after: %w", c.Sequence, c.Key, err)
	}
	if (before != nil) != (r.EventName != string(events.DynamoDBOperationTypeInsert)) ||
		(after != nil) != (r.EventName != string(events.DynamoDBOperationTypeRemove)) {
		return c, fmt.Errorf("stream record %s of %v: an event %q lacks an image, or has one too many", c.Sequence, c.Key, r.EventName)
	}
	c.Old, c.New = before, after
	return c, nil
}

// streamed returns the table in the name of its stream,
// arn:aws:dynamodb:<region>:<account>:table/<table>/stream/<label>.
func streamed(prefix, arn string) (store.Table, error) {
	_, resource, _ := strings.Cut(arn, ":table/")
	name, _, _ := strings.Cut(resource, "/")
	if own, ok := strings.CutPrefix(name, prefix); ok {
		for _, def := range store.Tables() {
			if own == string(def.Table) {
				return def.Table, nil
			}
		}
	}
	return "", fmt.Errorf("dynamo: no table of ours has the stream %q", arn)
}

// image returns an item as a stream holds it, nil where there is none.
func image(t store.Table, in map[string]events.DynamoDBAttributeValue) (*store.Item, error) {
	if len(in) == 0 {
		return nil, nil
	}
	av := make(attributes, len(in))
	for name, v := range in {
		switch kind := v.DataType(); {
		case v.IsNull(): // also the zero value, whose kind is binary
			return nil, fmt.Errorf("dynamo: attribute %s of an item in %s is null", name, t)
		case kind == events.DataTypeString:
			av[name] = str(v.String())
		case kind == events.DataTypeNumber:
			av[name] = &types.AttributeValueMemberN{Value: v.Number()}
		case kind == events.DataTypeBinary:
			av[name] = &types.AttributeValueMemberB{Value: v.Binary()}
		case kind == events.DataTypeStringSet:
			av[name] = &types.AttributeValueMemberSS{Value: v.StringSet()}
		default:
			return nil, fmt.Errorf("dynamo: attribute %s of an item in %s is of a type that no item has", name, t)
		}
	}
	return unmarshal(t, av)
}
