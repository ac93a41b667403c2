package approvals_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
	"ascend/shared/domain/problem"
	"ascend/shared/executions/executionstest"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// A wait that begins and a change of its action meet in every order of their
// steps; one of the two always sees the other.
func TestAWaitThatBeginsAndAChangeNeverMissEachOther(t *testing.T) {
	const steps = 6 // then they take turns
	for name, change := range map[string]func(*clockFixture, action.ID){
		"decided":       (*clockFixture).decide,
		"next stage":    (*clockFixture).nextStage,
		"next, decided": func(f *clockFixture, id action.ID) { f.nextStage(id); f.decide(id) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newClock(t)
			s := &gatedStore{Store: f.Store}
			f.Use(s)
			f.machine.Through = func(ctx context.Context, _ string, do func()) error {
				s.pass(ctx)
				do()
				return nil
			}
			for order := range 1 << steps {
				id := f.pending(2)
				f.deliver(t, f.changesOf(id)...)
				first := f.machine.Run(id).Wait
				inTurns(order, steps,
					func(ctx context.Context) { s.check(t, f.Approvals.BeginWait(ctx, first)) },
					func(ctx context.Context) {
						s.pass(ctx)
						change(f, id)
						for _, c := range f.changesOf(id) {
							if c.Old != nil {
								s.check(t, f.Approvals.SyncClock(ctx, c))
							}
						}
					})
				r := f.machine.Run(id)
				for range 2 { // the wait that follows opens too
					if r.State == executionstest.Await {
						f.open(t, r.Wait)
					}
				}
				act := f.Action(id)
				if act.Pending() != (r.State == executionstest.Await) || act.Pending() && r.Wait.Stage != act.Approval.Stage+1 {
					t.Fatalf("order %b: the action is %s in stage %d, its clock %+v", order, act.Status, act.Approval.Stage+1, r)
				}
			}
		})
	}
}

// gatedStore lets a process pass only in its turn.
type gatedStore struct{ store.Store }

type process struct{ at, turn chan struct{} }

type processKey struct{}

func (gatedStore) pass(ctx context.Context) {
	if p, ok := ctx.Value(processKey{}).(process); ok {
		p.at <- struct{}{}
		<-p.turn
	}
}

func (gatedStore) check(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

func (s gatedStore) Get(ctx context.Context, keys ...store.Key) ([]*store.Item, error) {
	s.pass(ctx)
	return s.Store.Get(ctx, keys...)
}

func (s gatedStore) Write(ctx context.Context, op store.Op) (*store.Item, error) {
	s.pass(ctx)
	return s.Store.Write(ctx, op)
}

// inTurns runs two processes step by step; bit i of order says whose turn the
// i-th is. Whoever is left goes on alone.
func inTurns(order, steps int, run ...func(context.Context)) {
	type state struct {
		process
		done chan struct{}
	}
	all := make([]state, len(run))
	for i, do := range run {
		all[i] = state{process{make(chan struct{}), make(chan struct{})}, make(chan struct{})}
		go func() {
			defer close(all[i].done)
			do(context.WithValue(context.Background(), processKey{}, all[i].process))
		}()
	}
	// arrived waits until a process is before its next step, or has ended.
	arrived := func(s state) bool {
		select {
		case <-s.at:
			return true
		case <-s.done:
			return false
		}
	}
	alive := make([]bool, len(all))
	for i, s := range all {
		alive[i] = arrived(s)
	}
	for n := 0; alive[0] || alive[1]; n++ {
		i := n & 1
		if n < steps {
			i = order >> n & 1
		}
		if alive[i] {
			all[i].turn <- struct{}{}
			alive[i] = arrived(all[i])
		}
	}
}

// Records are told late, again and in any order, functions fail and are held
// up, requests and answers are lost, stages time out early and late. Once all
// has been told and every function has run, no wait is left hanging.
func TestAClockEndsAsItsActionDoes(t *testing.T) {
	f := newClock(t)
	rapid.Check(t, func(t *rapid.T) {
		f.Faults.Reset(nil)
		f.machine.Through = nil
		id := f.pending(rapid.IntRange(1, 3).Draw(t, "stages"))
		ctx := context.Background()
		tell := func(t *rapid.T) {
			_ = f.Approvals.SyncClock(ctx, rapid.SampledFrom(f.changesOf(id)).Draw(t, "change"))
		}
		open := func(o approvals.Task) {
			err := f.Approvals.BeginWait(ctx, o)
			if r := f.machine.Waiting(o.Token); err != nil && r != nil {
				r.State = executionstest.Escalate // by way of Pause
			}
		}
		escalate := func(r *executionstest.Run) error {
			at, err := f.Approvals.EndWait(ctx, 1, id)
			switch {
			case err != nil: // retried
			case at.WaitSeconds > 0:
				f.machine.Enter(r, approvals.Wait{Org: at.Org, Action: at.Action, Stage: at.Stage, WaitSeconds: at.WaitSeconds})
			default:
				r.State, r.Output = executionstest.Ended, at.Ended
			}
			return err
		}
		t.Repeat(map[string]func(*rapid.T){
			"faults": func(t *rapid.T) {
				rate := rapid.SampledFrom([]float64{0, 0.2, 0.7}).Draw(t, "rate")
				f.Faults.Reset(faulty.Seeded(rapid.Uint64().Draw(t, "seed"), rate, faulty.All...))
				lost := rapid.SliceOfN(rapid.SampledFrom([]faulty.Fault{faulty.None, faulty.RequestLost, faulty.ResponseLost}), 5, 5).Draw(t, "lost")
				f.lose(func(call int) faulty.Fault { return lost[call%len(lost)] })
			},
			"tell":    tell,
			"decide":  func(*rapid.T) { f.decide(id) },
			"approve": func(*rapid.T) { f.nextStage(id) },
			"open": func(t *rapid.T) {
				if r := f.machine.Run(id); r != nil {
					open(rapid.SampledFrom(r.Tasks).Draw(t, "opening"))
				}
			},
			"time passes": func(t *rapid.T) {
				f.Advance(time.Duration(rapid.IntRange(0, 12_000).Draw(t, "ms")) * time.Millisecond)
			},
			"time out": func(*rapid.T) { // perhaps early
				if r := f.machine.Run(id); r != nil && r.State == executionstest.Await {
					r.State = executionstest.Escalate
				}
			},
			"escalate": func(*rapid.T) {
				if r := f.machine.Run(id); r != nil && r.State == executionstest.Escalate {
					_ = escalate(r)
				}
			},
		})

		f.Faults.Reset(nil)
		f.machine.Through = nil
		told := f.changesOf(id)
		for _, i := range rapid.Permutation(indexes(len(told))).Draw(t, "order") {
			if err := f.Approvals.SyncClock(ctx, told[i]); err != nil {
				t.Fatal(err)
			}
		}
		r := f.machine.Run(id)
		for opened := 0; opened < len(r.Tasks) || r.State == executionstest.Escalate; {
			if opened > 1000 {
				t.Fatal("the clock does not come to rest")
			}
			if r.State == executionstest.Escalate {
				if err := escalate(r); err != nil {
					t.Fatal(err)
				}
				continue
			}
			open(r.Tasks[opened])
			opened++
		}
		// What Escalate wrote is told too, before or after its answer arrives.
		for _, c := range f.changesOf(id) {
			if err := f.Approvals.SyncClock(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		if r.State == executionstest.Await {
			open(r.Wait)
		}

		act := f.Action(id)
		switch {
		case !act.Pending() && (r.State != executionstest.Ended || r.Output.Status != string(act.Status) || r.Output.DecidedBy != act.DecidedBy()):
			t.Fatalf("the action is %s by %s, its clock %+v", act.Status, act.DecidedBy(), r)
		case act.Pending() && (r.State != executionstest.Await || r.Wait.Stage != act.Approval.Stage+1):
			t.Fatalf("the action is in stage %d, its clock %+v", act.Approval.Stage+1, r)
		}
		if act.Pending() { // the token that is kept is the one that is waited under
			f.decide(id)
			all := f.changesOf(id)
			if err := f.Approvals.SyncClock(ctx, all[len(all)-1]); err != nil || r.State != executionstest.Ended {
				t.Fatalf("after a last decision the clock is %+v: %v", r, err)
			}
		}
	})
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestEachLostCallOfAnOpeningIsMadeUpForByItsRepeat(t *testing.T) {
	for _, fault := range faulty.All {
		for n := range 2 {
			f := newClock(t)
			f.Use(f.Faults) // no retries
			id := f.pending(1)
			f.deliver(t, f.changesOf(id)...)
			f.decide(id)
			o := f.machine.Run(id).Wait
			f.Faults.Reset(faulty.Nth(n+1, fault))
			if err := f.Approvals.BeginWait(t.Context(), o); !errors.Is(err, store.ErrUnavailable) || problem.As(err).Kind != problem.KindUnavailable {
				t.Errorf("call %d %v: %v", n+1, fault, err)
			}
			f.open(t, o)
			if f.machine.Run(id).State != executionstest.Ended {
				t.Errorf("call %d %v: the wait hangs", n+1, fault)
			}
		}
	}
}
