// Package apptest is the fixture of tests of the use cases: an app over a store of its
// own that can fail by plan, with a clock that tests set.
package apptest

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/app/page"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
	"ascend/shared/store/dynamo"
	"ascend/shared/store/dynamo/dynamolocal"
	"ascend/shared/store/embedded"
	"ascend/shared/store/faulty"
)

// Fixture is an App over a store whose calls are counted and can fail.
type Fixture struct {
	*app.App
	T      testing.TB
	Faults *faulty.Store // what the app calls, beneath its retries
	Raw    store.Store   // the store itself, which never fails
	clock  atomic.Int64  // Unix milliseconds
}

// New returns a fixture over an embedded store of its own.
func New(t testing.TB) *Fixture { return Over(t, Embedded(t)) }

// Over returns a fixture over a store. Its clock stands until Advance moves it.
func Over(t testing.TB, raw store.Store) *Fixture {
	f := &Fixture{T: t, Faults: faulty.New(raw, nil), Raw: raw}
	f.clock.Store(time.Date(2026, 1, 20, 14, 30, 20, 0, time.UTC).UnixMilli())
	f.Use(faulty.Retrying(f.Faults, 4, time.Millisecond))
	return f
}

// OnBoth runs a test over each kind of store.
func OnBoth(t *testing.T, test func(t *testing.T, f *Fixture)) {
	t.Run("embedded", func(t *testing.T) { test(t, New(t)) })
	t.Run("dynamo", func(t *testing.T) { test(t, Over(t, dynamoLocal(t))) })
}

// Use lets the use cases go to another store from now on: to Faults, where each fault
// shall reach them.
func (f *Fixture) Use(s store.Store) {
	o := app.Options{Now: func() time.Time { return time.UnixMilli(f.clock.Load()).UTC() }}
	if f.App != nil {
		o.Executions, o.Bus, o.DeadLetters = f.Approvals.Executions, f.App.Relay.Bus, f.App.Relay.DeadLetters
	}
	f.App = app.New(s, o)
}

// Embedded opens a store in a file of its own.
func Embedded(t testing.TB) store.Store {
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

// commands and prefixes number the commands and the tables of a process.
var commands, prefixes atomic.Int64

func dynamoLocal(t testing.TB) store.Store {
	client := dynamolocal.Client(t)
	prefix := fmt.Sprintf("app-%d-", prefixes.Add(1))
	if err := dynamo.CreateTables(t.Context(), client, prefix, store.Tables()); err != nil {
		t.Fatal(err)
	}
	s, err := dynamo.New(client, prefix, store.Tables())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Advance moves the clock.
func (f *Fixture) Advance(by time.Duration) { f.clock.Add(by.Milliseconds()) }

// BeforeNextWrite runs do, with the use cases over the bare store, between the reads of
// the command that comes and its write.
func (f *Fixture) BeforeNextWrite(do func(beside *app.App)) {
	beside, done := app.New(f.Raw, app.Options{Now: f.Now}), false
	f.Faults.Reset(func(c faulty.Call) faulty.Fault {
		if c.IsWrite() && !done {
			done = true
			do(beside)
		}
		return faulty.None
	})
}

// Troubles are the ways in which the next group write can go wrong: failed and not
// persisted, failed but persisted, and persisted by an attempt that the store's own
// retry then meets.
var Troubles = map[string]func(*Fixture){
	"the request is lost": func(f *Fixture) {
		f.Use(f.Faults)
		f.Faults.Reset(firstGroup(faulty.RequestLost))
	},
	"the response is lost": func(f *Fixture) {
		f.Use(f.Faults)
		f.Faults.Reset(firstGroup(faulty.ResponseLost))
	},
	"the response is lost and the write retried": func(f *Fixture) {
		f.Faults.Reset(firstGroup(faulty.ResponseLost))
	},
}

func firstGroup(fault faulty.Fault) faulty.Plan {
	met := false
	return func(c faulty.Call) faulty.Fault {
		if met || c.Method != "WriteAll" {
			return faulty.None
		}
		met = true
		return fault
	}
}

// Command returns a new command of p.
func (f *Fixture) Command(p tenant.Principal) *command.Command {
	return &command.Command{
		Claim: command.Confirmed(p), Principal: p, At: f.Now(), SourceIP: "192.0.2.1",
		ID: fmt.Sprintf("%032x", commands.Add(1)), CorrelationID: "action_20260120_143020_0000000a",
	}
}

// Keyed returns a command of p under an idempotency key, for a body of that digest.
func (f *Fixture) Keyed(p tenant.Principal, key, digest string) *command.Command {
	c := f.Command(p)
	c.Repeat = &command.Repeat{Identity: fmt.Sprintf("%064s", key), Digest: digest, Keep: 24 * time.Hour}
	c.ID = c.Repeat.Identity[32:]
	return c
}

// Active registers and activates an agent with the settings of a JSON body.
func (f *Fixture) Active(id agent.ID, body string) {
	f.T.Helper()
	ctx := context.Background()
	if _, err := f.Agents.Register(ctx, f.Command(Admin), id, Settings(f.T, body)); err != nil {
		f.T.Fatal(err)
	}
	if _, err := f.Agents.Activate(ctx, f.Command(Admin), id, ""); err != nil {
		f.T.Fatal(err)
	}
	f.Faults.Reset(nil)
}

// Submit submits and expects an answer.
func (f *Fixture) Submit(c *command.Command, p governance.Proposal) *action.Action {
	f.T.Helper()
	act, err := f.Actions.Submit(context.Background(), c, p)
	if err != nil {
		f.T.Fatal(err)
	}
	return act
}

// Stored returns every action of organisation 1, the newest first.
func (f *Fixture) Stored() (all []*action.Action) {
	f.T.Helper()
	list := page.List[action.Action]{Name: "actions", Scan: page.Query(f.Raw, store.ActionsOf(1, false), nil, record.DecodeAction)}
	for _, act := range All(f.T, list) {
		all = append(all, &act)
	}
	return all
}

// All reads a list to its end.
func All[T any](t testing.TB, list page.List[T]) (all []T) {
	t.Helper()
	for r := (page.Range{Limit: 1000}); ; {
		part, err := page.Read(context.Background(), list, r, func(item T) bool { all = append(all, item); return true })
		if err != nil {
			t.Fatal(err)
		}
		if r.Cursor = part.Next; r.Cursor == nil {
			return all
		}
	}
}

// Action reads an action of organisation 1 as it stands.
func (f *Fixture) Action(id action.ID) *action.Action {
	f.T.Helper()
	act, err := app.New(f.Raw, app.Options{}).Actions.Get(context.Background(), 1, id)
	if err != nil {
		f.T.Fatal(err)
	}
	return act
}

// Put writes an item past the use cases.
func (f *Fixture) Put(put store.Put, err error) {
	f.T.Helper()
	if err == nil {
		_, err = f.Raw.Write(context.Background(), put)
	}
	if err != nil {
		f.T.Fatal(err)
	}
}

// ExpectTrail holds the audit entries of an action, one for each revision, against the
// names of their events.
func (f *Fixture) ExpectTrail(id action.ID, want ...string) {
	f.T.Helper()
	act := f.Action(id)
	var got []string
	for _, e := range act.Audit {
		got = append(got, e.Event)
	}
	if !slices.Equal(got, want) || act.Revision != int64(len(want)) {
		f.T.Errorf("the audit entries of revision %d are %v, want %v", act.Revision, got, want)
	}
}

// ExpectUsage holds what an agent of organisation 1 has used of its limits now against a number.
func (f *Fixture) ExpectUsage(id agent.ID, want int64) {
	f.T.Helper()
	use, err := f.Agents.Usage(context.Background(), 1, id, f.Now())
	if err != nil {
		f.T.Fatal(err)
	}
	if use.PerMinute.Current != want || use.PerHour.Current != want || use.PerDay.Current != want {
		f.T.Errorf("usage of %s is %+v, want %d", id, use, want)
	}
}

// InParallel runs work for 0 … n-1 on some goroutines.
func InParallel(goroutines, n int, work func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	all.Wait()
}

// Kind returns the kind of problem that an error is.
func Kind(err error) problem.Kind { return problem.As(err).Kind }
