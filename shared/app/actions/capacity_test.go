package actions_test

import (
	"context"
	"encoding/base64"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ascend/shared/app/approvals"
	"ascend/shared/app/apptest"
	"ascend/shared/bus/bustest"
	"ascend/shared/domain/action"
	"ascend/shared/executions/executionstest"
	"ascend/shared/store"
	"ascend/shared/store/dynamo"
	"ascend/shared/store/dynamo/dynamolocal"
)

// metered sums up the capacity units that DynamoDB Local says each call
// consumed, the items asked for, which AWS bills one unit each at least, and
// the calls. It halves the units of transactions, which DynamoDB Local counts
// at twice what AWS documents.
type metered struct {
	*dynamodb.Client
	mu            sync.Mutex
	reads, writes float64
	asked, calls  int
}

func (m *metered) reset() { m.reads, m.writes, m.asked, m.calls = 0, 0, 0, 0 }

func (m *metered) add(reads, writes *float64, consumed ...types.ConsumedCapacity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
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
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, keys := range in.RequestItems {
			m.asked += len(keys.Keys)
		}
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
		for i := range out.ConsumedCapacity {
			*out.ConsumedCapacity[i].CapacityUnits /= 2
		}
		m.add(nil, &m.writes, out.ConsumedCapacity...)
	}
	return out, err
}

// meteredStore is a store whose calls are metered.
func meteredStore(t *testing.T) (*metered, store.Store) {
	t.Helper()
	meter := &metered{Client: dynamolocal.Client(t)}
	const prefix = "capacity-"
	if err := dynamo.CreateTables(t.Context(), meter.Client, prefix, store.Tables()); err != nil {
		t.Fatal(err)
	}
	s, err := dynamo.New(meter, prefix, store.Tables())
	if err != nil {
		t.Fatal(err)
	}
	return meter, s
}

// What a submission and an approval cost in calls, items read and write units.
// A submission writes one unit for the admission, two for the action (at most
// 2 KB, deflated), one for each index that lists it; a caller with a key asks
// for one item more, the key's. An approval is a transaction: twice the units of
// the action (3 KB by then: its reason brings it well beyond 2), of its three
// indexes, of the memory of the command, and of the check that the agent is
// active. (AWS may bill the indexes singly.)
// The cost model of decision record 0024 stands on these figures.
func TestWhatASubmissionAndAnApprovalConsume(t *testing.T) {
	meter, s := meteredStore(t)
	f := apptest.Over(t, s)
	f.Approvals.Executions, f.App.Relay.Bus = new(executionstest.Machine), (&bustest.EventBridge{T: t}).Publisher()
	f.Active("agent-1", `{"display_name": "A"}`)
	var before, after *store.Item
	// moving keeps what a command makes of the action that is pending.
	moving := func(do func() action.ID) func() {
		return func() {
			before = after
			key := store.ActionKey(1, do())
			calls, asked, reads := meter.calls, meter.asked, meter.reads
			items, err := s.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			after, meter.calls, meter.asked, meter.reads = items[0], calls, asked, reads
		}
	}
	relay := func() {
		change := store.Change{Key: after.Key, Old: before, New: after}
		if failed := f.Relay.Deliver(t.Context(), []store.Change{change}); len(failed) > 0 {
			t.Error(failed)
		}
	}
	const reason = "Ticket OPS-4312 asks for it; the table was backed up this morning and its owner, the billing team, has agreed in writing."
	var pending *action.Action
	token := make([]byte, 600) // in base64 about as long as those of Step Functions, and as little to be deflated
	rand.NewChaCha8([32]byte{}).Read(token)
	for _, c := range []struct {
		name   string
		do     func()
		calls  int
		asked  int
		writes float64
	}{
		{"a plain submission", moving(func() action.ID { return f.Submit(f.Command(apptest.Machine), apptest.Email("agent-1")).ID }), 3, 2, 4},
		{"its relay", relay, 0, 0, 0},
		{"a pending submission", moving(func() action.ID {
			after, pending = nil, f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
			before = nil
			return pending.ID
		}), 3, 2, 6},
		{"its relay", relay, 0, 0, 0},
		{"the opening of its stage", func() {
			o := approvals.Task{
				Wait:  approvals.Wait{Org: 1, Action: pending.ID, Stage: 1, WaitSeconds: 7200},
				Token: base64.StdEncoding.EncodeToString(token), EnteredAt: f.Now(),
			}
			if err := f.Approvals.BeginWait(t.Context(), o); err != nil {
				t.Error(err)
			}
		}, 2, 1, 1},
		{"the approval", moving(func() action.ID {
			if _, err := f.Approvals.Approve(t.Context(), f.Command(apptest.Approver(1)), pending.ID, reason); err != nil {
				t.Error(err)
			}
			return pending.ID
		}), 3, 3, 16},
		{"its relay", relay, 1, 2, 0},
	} {
		meter.reset()
		c.do()
		t.Logf("%s: %d calls, %d items asked for, %v read units, %v write units", c.name, meter.calls, meter.asked, meter.reads, meter.writes)
		if meter.calls != c.calls || meter.asked != c.asked || meter.writes != c.writes {
			t.Errorf("%s: %d calls, %d items, %v write units; want %d, %d, %v", c.name, meter.calls, meter.asked, meter.writes, c.calls, c.asked, c.writes)
		}
	}
	meter.reset()
	f.Submit(f.Keyed(apptest.Machine, "k", "digest"), apptest.Email("agent-1"))
	t.Logf("a plain submission with an idempotency key: %v write units", meter.writes)
}
