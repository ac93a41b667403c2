package dynamo_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"ascend/shared/store"
	"ascend/shared/store/dynamo"
	"ascend/shared/store/dynamo/dynamolocal"
)

// changes reads the stream of a table of DynamoDB Local.
func changes(t *testing.T, prefix string, table store.Table) []store.Change {
	t.Helper()
	var event events.DynamoDBEvent
	if err := json.Unmarshal(dynamolocal.Event(t, dynamolocal.Client(t), prefix+string(table)), &event); err != nil {
		t.Fatal(err)
	}
	all := make([]store.Change, len(event.Records))
	for i, r := range event.Records {
		var err error
		if all[i], err = dynamo.Change(prefix, r); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestAStreamTellsWhatWasWritten(t *testing.T) {
	const prefix = "stream-"
	s, ctx := local(t, prefix, store.Tables()), t.Context()
	item := store.Item{
		Key:     store.Key{Table: store.Actions, PK: "1#0000000000000042", SK: "action"},
		Body:    []byte(strings.Repeat(`{"a body":"that is deflated"}`, 40)),
		Attrs:   store.Attrs{"status": store.S("pending_approval"), "revision": store.N(1), "seen": store.Set("b", "a")},
		Index:   store.ActionIndex(1, 42, time.UnixMilli(1_768_919_420_000)),
		Expires: time.Unix(1_800_000_000, 0).UTC(),
	}
	for _, op := range []store.Op{
		store.Put{Item: item},
		store.Update{Key: item.Key, Add: map[string]int64{"revision": 1}, TakeFrom: map[string]string{"seen": "b"}},
		store.Delete{Key: item.Key},
	} {
		if _, err := s.Write(ctx, op); err != nil {
			t.Fatal(err)
		}
	}
	got := changes(t, prefix, store.Actions)
	if len(got) != 3 {
		t.Fatalf("%d changes, want 3", len(got))
	}
	item.Index = nil // places in indexes are not told
	updated := item
	updated.Attrs = store.Attrs{"status": store.S("pending_approval"), "revision": store.N(2), "seen": store.Set("a")}
	for i, want := range []struct{ before, after *store.Item }{{nil, &item}, {&item, &updated}, {&updated, nil}} {
		c := got[i]
		if !same(c.Old, want.before) || !same(c.New, want.after) || c.Key != item.Key || c.Sequence == "" || time.Since(c.At).Abs() > time.Hour {
			t.Errorf("change %d is %+v\nfrom %+v\nto %+v", i, c, c.Old, c.New)
		}
	}
}

func same(a, b *store.Item) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	x.Attrs, y.Attrs = sorted(x.Attrs), sorted(y.Attrs)
	return reflect.DeepEqual(x, y)
}

func sorted(attrs store.Attrs) store.Attrs {
	attrs = maps.Clone(attrs)
	for name, v := range attrs {
		if v.Kind() == store.KindSet {
			attrs[name] = store.Set(slices.Sorted(slices.Values(v.Members()))...)
		}
	}
	return attrs
}

func TestARecordThatWeDidNotWriteIsAnError(t *testing.T) {
	const arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/x-actions/stream/2026-01-20T14:30:20.000"
	type record = events.DynamoDBEventRecord
	type attributes = map[string]events.DynamoDBAttributeValue
	text, number, binary := events.NewStringAttribute, events.NewNumberAttribute, events.NewBinaryAttribute
	key := func() attributes { return attributes{"pk": text("1#1"), "sk": text("action")} }
	good := func() record {
		item := key()
		item["body"], item["a_revision"] = binary([]byte("\x00{}")), number("1")
		return record{EventName: "INSERT", EventSourceArn: arn, Change: events.DynamoDBStreamRecord{Keys: key(), NewImage: item, SequenceNumber: "7"}}
	}
	if c, err := dynamo.Change("x-", good()); err != nil || string(c.New.Body) != "{}" || c.New.Attrs["revision"].Num() != 1 || c.Sequence != "7" {
		t.Fatalf("a good record: %+v, %v", c, err)
	}
	for name, spoil := range map[string]func(*record){
		"another deployment's table":  func(r *record) { r.EventSourceArn = strings.Replace(arn, "x-", "y-", 1) },
		"a table of a longer name":    func(r *record) { r.EventSourceArn = strings.Replace(arn, "x-", "x-y-", 1) },
		"no stream":                   func(r *record) { r.EventSourceArn = "" },
		"no key":                      func(r *record) { r.Change.Keys = nil },
		"half a key":                  func(r *record) { delete(r.Change.Keys, "sk") },
		"a key that is a number":      func(r *record) { r.Change.Keys["pk"] = number("1") },
		"an attribute that is a list": func(r *record) { r.Change.NewImage["a_list"] = events.NewListAttribute(nil) },
		"an attribute that is null":   func(r *record) { r.Change.NewImage["a_null"] = events.NewNullAttribute() },
		"the zero attribute":          func(r *record) { r.Change.NewImage["a_zero"] = events.DynamoDBAttributeValue{} },
		"a number with a fraction":    func(r *record) { r.Change.NewImage["a_revision"] = number("1.5") },
		"a body that is text":         func(r *record) { r.Change.NewImage["body"] = text("{}") },
		"a body packed another way":   func(r *record) { r.Change.NewImage["body"] = binary([]byte("\x09{}")) },
		"a body that does not unpack": func(r *record) { r.Change.NewImage["body"] = binary([]byte("\x01\xff\xff")) },
		"an insertion without image":  func(r *record) { r.Change.NewImage = nil },
		"a change of keys only":       func(r *record) { r.EventName = "MODIFY" },
		"a removal that leaves it":    func(r *record) { r.EventName, r.Change.OldImage = "REMOVE", r.Change.NewImage },
		"an unknown event":            func(r *record) { r.EventName, r.Change.OldImage = "", nil },
	} {
		t.Run(name, func(t *testing.T) {
			r := good()
			spoil(&r)
			if c, err := dynamo.Change("x-", r); err == nil || c.Sequence != "7" {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}
