package app_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"ascend/shared/app"
	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
	"ascend/shared/store/dynamo"
	"ascend/shared/store/dynamo/dynamolocal"
	"ascend/shared/store/embedded"
	"ascend/shared/store/faulty"
)

// desk is an App to submit to, over a store whose calls are counted and can fail.
type desk struct {
	*app.App
	t      testing.TB
	faults *faulty.Store // what the app calls, beneath its retries
	raw    store.Store   // the store itself, which never fails
	clock  atomic.Int64  // Unix milliseconds
}

func newDesk(t testing.TB, raw store.Store) *desk {
	faults := faulty.New(raw, nil)
	d := &desk{App: app.New(faulty.Retrying(faults, 4, time.Millisecond)), t: t, faults: faults, raw: raw}
	d.clock.Store(time.Date(2026, 1, 20, 14, 30, 20, 0, time.UTC).UnixMilli())
	d.Now = func() time.Time { return time.UnixMilli(d.clock.Load()).UTC() }
	return d
}

// openEmbedded opens a store in a file of its own.
func openEmbedded(t testing.TB) store.Store {
	t.Helper()
	s, err := embedded.Open(filepath.Join(t.TempDir(), "db"), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func embeddedDesk(t testing.TB) *desk { return newDesk(t, openEmbedded(t)) }

var prefixes atomic.Int64

// dynamoDesk is a desk over tables of its own in DynamoDB Local.
func dynamoDesk(t testing.TB) *desk {
	client := dynamolocal.Client(t)
	prefix := fmt.Sprintf("app-%d-", prefixes.Add(1))
	if err := dynamo.CreateTables(t.Context(), client, prefix, store.Tables()); err != nil {
		t.Fatal(err)
	}
	s, err := dynamo.New(client, prefix, store.Tables())
	if err != nil {
		t.Fatal(err)
	}
	return newDesk(t, s)
}

// slow takes a while for each call, so that calls side by side are seen to be.
type slow struct{ store.Store }

func (s slow) Get(ctx context.Context, keys ...store.Key) ([]*store.Item, error) {
	time.Sleep(10 * time.Millisecond)
	return s.Store.Get(ctx, keys...)
}

func (s slow) Write(ctx context.Context, op store.Op) (*store.Item, error) {
	time.Sleep(10 * time.Millisecond)
	return s.Store.Write(ctx, op)
}

// onBoth runs a test over each store.
func onBoth(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Run("embedded", func(t *testing.T) { test(t, embeddedDesk(t)) })
	t.Run("dynamo", func(t *testing.T) { test(t, dynamoDesk(t)) })
}

func (d *desk) advance(by time.Duration) { d.clock.Add(by.Milliseconds()) }

// command is a new command of p.
func (d *desk) command(p tenant.Principal) *app.Command {
	return &app.Command{
		Claim: app.Confirmed(p), Principal: p, At: d.Now(),
		ID: fmt.Sprintf("%032x", commands.Add(1)), CorrelationID: "action_20260120_143020_0000000a",
	}
}

// keyed is a command of machine under an idempotency key, for a body of that digest.
func (d *desk) keyed(key, digest string) *app.Command {
	c := d.command(machine)
	c.Repeat = &app.Repeat{Identity: fmt.Sprintf("%064s", key), Digest: digest, Keep: 24 * time.Hour}
	c.ID = c.Repeat.Identity[32:]
	return c
}

var (
	machine = tenant.Principal{Org: 1, Kind: tenant.Machine, Subject: "key:1", Role: tenant.Admin, Owner: "sub-1"}
	manager = tenant.Principal{Org: 1, Kind: tenant.Person, Subject: "sub-2", UserID: 2, Email: "m@example.com", Role: tenant.Manager, MFA: true}
)

// active registers and activates an agent, with limits where settings says so.
func (d *desk) active(id agent.ID, body string) {
	d.t.Helper()
	ctx := context.Background()
	t, ok := d.t.(*testing.T)
	if !ok {
		t = new(testing.T)
	}
	if _, err := d.RegisterAgent(ctx, d.command(admin), id, settings(t, body)); err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.ActivateAgent(ctx, d.command(admin), id, ""); err != nil {
		d.t.Fatal(err)
	}
	d.faults.Reset(nil)
}

// email is a proposal of risk 35, deletion one that a supervised agent needs approval for.
func email(id agent.ID) governance.Proposal {
	return governance.Proposal{AgentID: id, ActionType: "email_send", Description: "d", ToolName: "t"}
}

func deletion(id agent.ID) governance.Proposal {
	return governance.Proposal{
		AgentID: id, ActionType: "database_delete", Description: "d", ToolName: "t",
		Resource: "customer database", Environment: "production", ContainsPII: true,
	}
}

// submit submits and expects an answer.
func (d *desk) submit(c *app.Command, p governance.Proposal) *action.Action {
	d.t.Helper()
	act, err := d.Submit(context.Background(), c, p)
	if err != nil {
		d.t.Fatal(err)
	}
	return act
}

// stored lists every action of organisation 1.
func (d *desk) stored() []*action.Action {
	d.t.Helper()
	var all []*action.Action
	calm := app.New(d.raw)
	r := app.Range{Limit: 1000}
	for {
		list, err := calm.Actions(context.Background(), 1, app.ActionFilter{}, r)
		if err != nil {
			d.t.Fatal(err)
		}
		all = append(all, list.Actions...)
		if list.Next == "" {
			return all
		}
		r.After = list.Next
	}
}
