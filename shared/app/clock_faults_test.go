package app_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
	"ascend/shared/store/faulty"
)

// A wait that begins and a change of its action meet in every order of their
// steps; one of the two always sees the other.
func TestAWaitThatBeginsAndAChangeNeverMissEachOther(t *testing.T) {
	const steps = 6 // then they take turns
	for name, change := range map[string]func(*clockDesk, action.ID){
		"decided":       (*clockDesk).decide,
		"next stage":    (*clockDesk).nextStage,
		"next, decided": func(d *clockDesk, id action.ID) { d.nextStage(id); d.decide(id) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newClockDesk(t)
			s := &gatedStore{Store: d.Store}
			d.over(s)
			d.stateMachine.gate = s.pass
			for order := range 1 << steps {
				id := d.pending(2)
				d.deliver(t, d.changesOf(id)...)
				first := d.runs[id].wait
				inTurns(order, steps,
					func(ctx context.Context) { s.check(t, d.Approvals.OpenStage(ctx, first)) },
					func(ctx context.Context) {
						s.pass(ctx)
						change(d, id)
						for _, c := range d.changesOf(id) {
							if c.Old != nil {
								s.check(t, d.Approvals.KeepClock(ctx, c))
							}
						}
					})
				r := d.runs[id]
				for range 2 { // the wait that follows opens too
					if r.state == "Await" {
						d.open(t, r.wait)
					}
				}
				act := d.read(id)
				if act.Pending() != (r.state == "Await") || act.Pending() && r.wait.Stage != act.Approval.Stage+1 {
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
	d := newClockDesk(t)
	rapid.Check(t, func(t *rapid.T) {
		d.faults.Reset(nil)
		d.stateMachine.fault = nil
		id := d.pending(rapid.IntRange(1, 3).Draw(t, "stages"))
		ctx := context.Background()
		tell := func(t *rapid.T) {
			_ = d.Approvals.KeepClock(ctx, rapid.SampledFrom(d.changesOf(id)).Draw(t, "change"))
		}
		open := func(o approvals.Opening) {
			err := d.Approvals.OpenStage(ctx, o)
			if r := d.waiting(id, o.Token); err != nil && r != nil {
				r.state = "Escalate" // by way of Pause
			}
		}
		escalate := func(r *run) error {
			at, err := d.Approvals.Escalate(ctx, 1, id)
			switch {
			case err != nil: // retried
			case at.WaitSeconds > 0:
				d.enter(r, approvals.Wait{Org: at.Org, Action: at.Action, Stage: at.Stage, WaitSeconds: at.WaitSeconds})
			default:
				r.state, r.output = "Ended", at.Ended
			}
			return err
		}
		t.Repeat(map[string]func(*rapid.T){
			"faults": func(t *rapid.T) {
				rate := rapid.SampledFrom([]float64{0, 0.2, 0.7}).Draw(t, "rate")
				d.faults.Reset(faulty.Seeded(rapid.Uint64().Draw(t, "seed"), rate, faulty.All...))
				lost := rapid.SliceOfN(rapid.SampledFrom([]faulty.Fault{faulty.None, faulty.RequestLost, faulty.ResponseLost}), 5, 5).Draw(t, "lost")
				d.stateMachine.fault = func() faulty.Fault { return lost[d.stateMachine.calls%len(lost)] }
			},
			"tell":    tell,
			"decide":  func(*rapid.T) { d.decide(id) },
			"approve": func(*rapid.T) { d.nextStage(id) },
			"open": func(t *rapid.T) {
				if r := d.runs[id]; r != nil {
					open(rapid.SampledFrom(r.openings).Draw(t, "opening"))
				}
			},
			"time passes": func(t *rapid.T) {
				d.advance(time.Duration(rapid.IntRange(0, 12_000).Draw(t, "ms")) * time.Millisecond)
			},
			"time out": func(*rapid.T) { // perhaps early
				if r := d.runs[id]; r != nil && r.state == "Await" {
					r.state = "Escalate"
				}
			},
			"escalate": func(*rapid.T) {
				if r := d.runs[id]; r != nil && r.state == "Escalate" {
					_ = escalate(r)
				}
			},
		})

		d.faults.Reset(nil)
		d.stateMachine.fault = nil
		told := d.changesOf(id)
		for _, i := range rapid.Permutation(indexes(len(told))).Draw(t, "order") {
			if err := d.Approvals.KeepClock(ctx, told[i]); err != nil {
				t.Fatal(err)
			}
		}
		r := d.runs[id]
		for opened := 0; opened < len(r.openings) || r.state == "Escalate"; {
			if opened > 1000 {
				t.Fatal("the clock does not come to rest")
			}
			if r.state == "Escalate" {
				if err := escalate(r); err != nil {
					t.Fatal(err)
				}
				continue
			}
			open(r.openings[opened])
			opened++
		}
		// What Escalate wrote is told too, before or after its answer arrives.
		for _, c := range d.changesOf(id) {
			if err := d.Approvals.KeepClock(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		if r.state == "Await" {
			open(r.wait)
		}

		act := d.read(id)
		switch {
		case !act.Pending() && (r.state != "Ended" || r.output.Status != string(act.Status) || r.output.DecidedBy != act.DecidedBy()):
			t.Fatalf("the action is %s by %s, its clock %+v", act.Status, act.DecidedBy(), r)
		case act.Pending() && (r.state != "Await" || r.wait.Stage != act.Approval.Stage+1):
			t.Fatalf("the action is in stage %d, its clock %+v", act.Approval.Stage+1, r)
		}
		if act.Pending() { // the token that is kept is the one that is waited under
			d.decide(id)
			all := d.changesOf(id)
			if err := d.Approvals.KeepClock(ctx, all[len(all)-1]); err != nil || r.state != "Ended" {
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
			d := newClockDesk(t)
			d.over(d.faults) // no retries
			id := d.pending(1)
			d.deliver(t, d.changesOf(id)...)
			d.decide(id)
			o := d.runs[id].wait
			d.faults.Reset(faulty.Nth(n+1, fault))
			if err := d.Approvals.OpenStage(t.Context(), o); !errors.Is(err, store.ErrUnavailable) || problem.As(err).Kind != problem.KindUnavailable {
				t.Errorf("call %d %v: %v", n+1, fault, err)
			}
			d.open(t, o)
			if d.runs[id].state != "Ended" {
				t.Errorf("call %d %v: the wait hangs", n+1, fault)
			}
		}
	}
}
