package approval

import (
	"fmt"
	"testing"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
)

// The diagram of the package's documentation, as a table: ways, what happens
// on them, and the events and the state that follow. A move is "<who>" who
// approves, "-<who>" who rejects, "+<time>" that passes before the clock looks,
// or "stop" of the agent.
func TestTheStateMachineIsTheDocumentedOne(t *testing.T) {
	people := map[string]tenant.Principal{"ann": ann, "bob": bob, "cyd": cyd, "dan": dan}
	single, two, quorum := []workflow.Stage{stage("a", 1)}, []workflow.Stage{stage("a", 1), stage("b", 1)}, []workflow.Stage{stage("a", 2)}
	const (
		recorded, approved, denied = audit.EventApprovalRecorded, audit.EventActionApproved, audit.EventActionDenied
		escalated, timedOut, none  = audit.EventActionEscalated, audit.EventActionTimeout, "none"
	)
	for _, c := range []struct {
		stages []workflow.Stage
		path   *agent.Escalation
		moves  []string
		events []string
		state  string // status, stage from 1, approvals that remain
		left   time.Duration
	}{
		{single, nil, []string{}, []string{}, "pending_approval 1 1", time.Hour},
		{single, nil, []string{"ann"}, []string{approved}, "approved 1 0", 0},
		{single, nil, []string{"-ann"}, []string{denied}, "denied 1 0", 0},
		{single, nil, []string{"+59m59s"}, []string{none}, "pending_approval 1 1", time.Second},
		{single, nil, []string{"+1h"}, []string{timedOut}, "denied 1 0", 0},
		{single, nil, []string{"+1h", "+1h", "stop"}, []string{timedOut, none, none}, "denied 1 0", 0},
		{single, nil, []string{"stop"}, []string{denied}, "denied 1 0", 0},
		{single, nil, []string{"ann", "stop", "+1h"}, []string{approved, none, none}, "approved 1 0", 0},

		{quorum, nil, []string{"ann"}, []string{recorded}, "pending_approval 1 1", time.Hour},
		{quorum, nil, []string{"ann", "bob"}, []string{recorded, approved}, "approved 1 0", 0},
		{quorum, nil, []string{"ann", "-bob"}, []string{recorded, denied}, "denied 1 0", 0},
		{quorum, nil, []string{"ann", "+1h"}, []string{recorded, timedOut}, "denied 1 0", 0},
		{quorum, nil, []string{"ann", "stop"}, []string{recorded, denied}, "denied 1 0", 0},
		{quorum, escalation(true), []string{"dan", "+1h"}, []string{recorded, timedOut}, "denied 1 0", 0}, // whom it would ask has approved

		{two, nil, []string{"ann"}, []string{recorded}, "pending_approval 2 1", time.Hour},
		{two, nil, []string{"ann", "bob"}, []string{recorded, approved}, "approved 2 0", 0},
		{two, nil, []string{"+30m", "ann", "+59m"}, []string{none, recorded, none}, "pending_approval 2 1", time.Minute},
		{two, nil, []string{"ann", "-bob"}, []string{recorded, denied}, "denied 2 0", 0},
		{two, nil, []string{"ann", "+1h"}, []string{recorded, timedOut}, "denied 2 0", 0},
		{two, nil, []string{"+1h"}, []string{escalated}, "pending_approval 2 1", time.Hour},
		{two, nil, []string{"+9h", "+59m"}, []string{escalated, none}, "pending_approval 2 1", time.Minute},
		{two, nil, []string{"+1h", "bob"}, []string{escalated, approved}, "approved 2 0", 0},
		{two, nil, []string{"+1h", "+1h"}, []string{escalated, timedOut}, "denied 2 0", 0},
		{two, nil, []string{"+1h", "stop"}, []string{escalated, denied}, "denied 2 0", 0},

		{single, escalation(true), []string{"ann"}, []string{approved}, "approved 1 0", 0},
		{single, escalation(true), []string{"+1h"}, []string{escalated}, "pending_approval 2 1", 10 * time.Minute},
		{single, escalation(true), []string{"+1h", "dan"}, []string{escalated, approved}, "approved 2 0", 0},
		{single, escalation(true), []string{"+1h", "-dan"}, []string{escalated, denied}, "denied 2 0", 0},
		{single, escalation(true), []string{"+1h", "+10m"}, []string{escalated, timedOut}, "denied 2 0", 0},
		{two, escalation(true), []string{"ann", "bob"}, []string{recorded, approved}, "approved 2 0", 0},
		{two, escalation(true), []string{"ann", "+1h", "dan"}, []string{recorded, escalated, approved}, "approved 3 0", 0},
		{two, escalation(true), []string{"+1h", "+1h", "+10m"}, []string{escalated, escalated, timedOut}, "denied 3 0", 0},
		{quorum, escalation(true), []string{"ann", "+1h", "dan"}, []string{recorded, escalated, approved}, "approved 2 0", 0},

		{single, escalation(false), []string{"+1h"}, []string{timedOut}, "denied 1 0", 0},
	} {
		t.Run(fmt.Sprint(len(c.stages), " stages of ", c.stages[0].MinApprovers, ", queued ", c.path != nil && c.path.AllowQueuedApproval, " ", c.moves), func(t *testing.T) {
			a, now := waiting(c.path, c.stages...), start
			for i, move := range c.moves {
				did, err := Move{Event: none}, error(nil)
				switch {
				case move == "stop":
					if m, moved := Revoke(a, "stopped", now); moved {
						did = m
					}
				case move[0] == '+':
					by, parseErr := time.ParseDuration(move[1:])
					if parseErr != nil {
						t.Fatal(parseErr)
					}
					now = now.Add(by)
					if m, moved := Pass(a, now); moved {
						did = m
					}
				case move[0] == '-':
					did, err = Reject(a, people[move[1:]], "", now)
				default:
					did, err = Approve(a, people[move], "", now)
				}
				if err != nil || did.Event != c.events[i] {
					t.Fatalf("%s made %q, %v; want %q", move, did.Event, err, c.events[i])
				}
			}
			if got := fmt.Sprint(a.Status, " ", a.Approval.Stage+1, " ", a.Remaining()); got != c.state {
				t.Errorf("ends as %s, want %s", got, c.state)
			}
			if a.Pending() != (a.Outcome == nil) || !a.Pending() && a.Outcome.Status != a.Status {
				t.Errorf("outcome %+v of status %s", a.Outcome, a.Status)
			}
			if left := a.Approval.StageExpiresAt.Sub(now); a.Pending() && left != c.left {
				t.Errorf("%v are left, want %v", left, c.left)
			}
			checkReplay(t, a)
		})
	}
}

// checkReplay holds the record at submission against a wait that just opened.
func checkReplay(t interface {
	Helper()
	Errorf(string, ...any)
}, a *action.Action) {
	t.Helper()
	b := *a
	b.Audit = []audit.Entry{{}}
	first := b.AtSubmission()
	w := first.Approval
	expires := start
	for _, s := range w.Stages {
		expires = expires.Add(s.Timeout())
	}
	if first.Status != governance.Pending || w.Stage != 0 || w.Votes != nil || w.StageExpiresAt != start.Add(w.Stages[0].Timeout()) || w.ExpiresAt != expires {
		t.Errorf("at submission it was %s, %+v", first.Status, w)
	}
	if a.Outcome != nil && first.Outcome != nil {
		t.Errorf("at submission it had the outcome %+v", first.Outcome)
	}
}
