package app_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ascend/shared/store"
	"ascend/shared/store/dynamo"
	"ascend/shared/store/dynamo/dynamolocal"
)

// metered sums up the capacity units that DynamoDB says each call consumed.
type metered struct {
	*dynamodb.Client
	mu            sync.Mutex
	reads, writes float64
}

func (m *metered) add(reads, writes *float64, consumed ...types.ConsumedCapacity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range consumed {
		if reads != nil {
			*reads += *c.CapacityUnits
		}
		if writes != nil {
			*writes += *c.CapacityUnits
		}
	}
}

func (m *metered) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.BatchGetItem(ctx, in, o...)
	if err == nil {
		m.add(&m.reads, nil, out.ConsumedCapacity...)
	}
	return out, err
}

func (m *metered) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.PutItem(ctx, in, o...)
	if err == nil {
		m.add(nil, &m.writes, *out.ConsumedCapacity)
	}
	return out, err
}

func (m *metered) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.UpdateItem(ctx, in, o...)
	if err == nil {
		m.add(nil, &m.writes, *out.ConsumedCapacity)
	}
	return out, err
}

func (m *metered) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.TransactWriteItems(ctx, in, o...)
	if err == nil {
		m.add(nil, &m.writes, out.ConsumedCapacity...)
	}
	return out, err
}

// What a submission writes in capacity units, by DynamoDB Local's account: one
// unit for the admission, two for the action (at most 2 KB, deflated), one for
// each index that lists it. Of reads it bills only items that are there, and of
// transactions twice what AWS documents, so these are logged only.
func TestTheCapacityOfASubmission(t *testing.T) {
	meter := &metered{Client: dynamolocal.Client(t)}
	prefix := fmt.Sprintf("app-%d-", prefixes.Add(1))
	if err := dynamo.CreateTables(t.Context(), meter.Client, prefix, store.Tables()); err != nil {
		t.Fatal(err)
	}
	s, err := dynamo.New(meter, prefix, store.Tables())
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, s)
	d.active("agent-1", `{"display_name": "A"}`)
	for _, c := range []struct {
		name   string
		submit func()
		writes float64
	}{
		{"plain", func() { d.submit(d.command(machine), email("agent-1")) }, 4},
		{"pending", func() { d.submit(d.command(machine), deletion("agent-1")) }, 6},
	} {
		meter.reads, meter.writes = 0, 0
		c.submit()
		t.Logf("%s: %v read units, %v write units", c.name, meter.reads, meter.writes)
		if meter.writes != c.writes {
			t.Errorf("%s: %v write units, want %v", c.name, meter.writes, c.writes)
		}
	}
	meter.writes = 0
	d.submit(d.keyed("k", "digest"), email("agent-1"))
	t.Logf("with an idempotency key: %v write units as DynamoDB Local counts transactions", meter.writes)
}
