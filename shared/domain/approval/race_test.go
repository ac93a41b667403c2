package approval

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ascend/shared/domain/action"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
)

// races is how many are run in each of rapid's 100 checks: 10,000 in all (quality.md).
const races = 100

// Invariant I2 in virtual time: approvers, rejecters, clocks and a suspension
// race on one record, each reading, deciding on its copy and writing when the
// record is still the one it read. However they interleave, each write is a
// move of the present stage, one outcome is reached, and what is approved was
// approved by enough people.
func TestOfRacingMovesOneHappensAtATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range races {
			newRace(t).run()
		}
	})
}

// race is a record in a store that holds one, and those who race on it.
type race struct {
	*rapid.T
	stored  *action.Action
	now     time.Time
	actors  []*actor
	stopped bool // the agent's suspension is written
}

// actor moves once: it reads, and then writes or reads again.
type actor struct {
	name string
	move func(*action.Action, time.Time) (Move, bool)
	read *action.Action // what it read and has not written
	came int            // the stage that it found first, from 1
	done bool
}

func newRace(t *rapid.T) *race {
	var stages []workflow.Stage
	for i := range rapid.IntRange(1, 3).Draw(t, "stages") {
		stages = append(stages, stage(fmt.Sprint(i), rapid.IntRange(1, 3).Draw(t, "approvals")))
	}
	path := escalation(rapid.Bool().Draw(t, "queued"))
	r := &race{T: t, stored: waiting(path, stages...), now: start}
	r.stored.Revision = 1
	person := func() tenant.Principal {
		return rapid.SampledFrom([]tenant.Principal{ann, bob, cyd, dan, submitter}).Draw(t, "person")
	}
	for range rapid.IntRange(1, 9).Draw(t, "approvers") {
		by, meant := person(), -1
		r.add("approve "+by.Subject, func(a *action.Action, now time.Time) (Move, bool) {
			if r.stopped { // what the use case's condition on the agent refuses
				return Move{}, false
			}
			stage := a.Approval.Stage
			m, err := Approve(a, by, "", now)
			if meant < 0 {
				meant = stage
			}
			return m, err == nil && stage == meant // as the use case does
		})
	}
	for range rapid.IntRange(0, 1).Draw(t, "rejecters") {
		by := person()
		r.add("reject "+by.Subject, func(a *action.Action, now time.Time) (Move, bool) {
			m, err := Reject(a, by, "", now)
			return m, err == nil
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "clocks") {
		r.add("clock", Pass)
	}
	if rapid.IntRange(0, 3).Draw(t, "suspension") == 0 {
		r.add("suspend", func(a *action.Action, now time.Time) (Move, bool) {
			r.stopped = true
			return Revoke(a, "stopped", now)
		})
	}
	return r
}

func (r *race) add(name string, move func(*action.Action, time.Time) (Move, bool)) {
	r.actors = append(r.actors, &actor{name: name, move: move})
}

func (r *race) run() {
	for {
		left := slices.DeleteFunc(slices.Clone(r.actors), func(a *actor) bool { return a.done })
		if len(left) == 0 {
			break
		}
		r.now = r.now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 20, 59, 60}).Draw(r.T, "minutes")) * time.Minute)
		r.step(rapid.SampledFrom(left).Draw(r.T, "next"))
	}
	// The clock alone brings every wait to its end.
	for range r.stored.Approval.Stages {
		if r.stored.Pending() {
			r.now = r.stored.Approval.StageExpiresAt
			r.add("clock", Pass)
			last := r.actors[len(r.actors)-1]
			r.step(last)
			r.step(last)
		}
	}
	r.check()
}

// step lets an actor read, or decide and write on what it had read.
func (r *race) step(a *actor) {
	if a.read == nil {
		a.read = copyOf(r.stored)
		if a.came == 0 {
			a.came = a.read.Approval.Stage + 1
		}
		return
	}
	before, mine := copyOf(a.read), a.read
	a.read = nil
	did, moves := a.move(mine, r.now)
	switch {
	case !moves:
		a.done = true
	case before.Revision != r.stored.Revision: // somebody was first: read again
	default:
		mine.Revision++
		r.stored, a.done = mine, true
		r.moved(a, before, did)
	}
}

// moved holds one write against the rules.
func (r *race) moved(a *actor, before *action.Action, did Move) {
	after := r.stored
	was, is := before.Approval, after.Approval
	last := was.Stage+1 == len(was.Stages) || is.Stage == was.Stage && pointless(before, was.Stages[was.Stage+1])
	switch {
	case strings.HasPrefix(a.name, "approve") && was.Stage+1 != a.came:
		r.Fatalf("%s came in stage %d and approved stage %d", a.name, a.came, was.Stage+1)
	case !before.Pending():
		r.Fatalf("%s moved an action that was %s", a.name, before.Status)
	case did.Event == audit.EventApprovalRecorded && (!after.Pending() || len(is.Votes) != len(was.Votes)+1 || is.Stage > was.Stage+1 || is.Present().Escalation != was.Present().Escalation):
		r.Fatalf("%s recorded %+v, stage %d became %d of status %s", a.name, is.Votes, was.Stage, is.Stage, after.Status)
	case did.Event == audit.EventActionEscalated && (!after.Pending() || is.Stage != was.Stage+1 || r.now.Before(was.StageExpiresAt)):
		r.Fatalf("%s escalated from %d to %d at %v, due %v", a.name, was.Stage, is.Stage, r.now, was.StageExpiresAt)
	case did.Event == audit.EventActionTimeout && (after.Status != governance.Denied || !last || r.now.Before(was.StageExpiresAt)):
		r.Fatalf("%s timed out in stage %d at %v, due %v", a.name, was.Stage, r.now, was.StageExpiresAt)
	case did.Event == audit.EventActionApproved && (after.Status != governance.Approved || r.stopped || !r.now.Before(was.StageExpiresAt)):
		r.Fatalf("%s approved at %v, due %v, stopped %v, status %s", a.name, r.now, was.StageExpiresAt, r.stopped, after.Status)
	case did.Event == audit.EventActionDenied && after.Status != governance.Denied:
		r.Fatalf("%s denied, status %s", a.name, after.Status)
	}
}

// check holds the record at its end against the rules.
func (r *race) check() {
	a := r.stored
	if a.Pending() || a.Outcome == nil || a.Outcome.Status != a.Status {
		r.Fatalf("ended as %s, outcome %+v", a.Status, a.Outcome)
	}
	people, votes := map[string]bool{}, map[int]int{}
	for _, v := range a.Approval.Votes {
		if people[v.By.Subject] || v.By.Subject == submitter.Subject {
			r.Fatalf("%s approved twice, or what they submitted: %+v", v.By.Subject, a.Approval.Votes)
		}
		people[v.By.Subject] = true
		votes[v.Stage]++
		if got, most := votes[v.Stage], a.Approval.Stages[v.Stage].MinApprovers; got > most {
			r.Fatalf("stage %d has %d approvals, needs %d", v.Stage, got, most)
		}
	}
	last := a.Approval.Stage
	if enough := votes[last] == a.Approval.Stages[last].MinApprovers; enough != (a.Status == governance.Approved) {
		r.Fatalf("%s with %d approvals of the last stage %+v", a.Status, votes[last], a.Approval.Stages[last])
	}
	checkReplay(r.T, a)
}

// copyOf is what a reader of the store has: nothing of it is shared.
func copyOf(a *action.Action) *action.Action {
	c, wait := *a, *a.Approval
	wait.Votes = slices.Clone(wait.Votes)
	c.Approval = &wait
	return &c
}
