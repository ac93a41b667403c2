package approval

import (
	"errors"
	"testing"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/risk"
	"ascend/shared/domain/tenant"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func person(subject string, role tenant.Role, mfa bool) tenant.Principal {
	return tenant.Principal{Org: 1, Kind: tenant.Person, Subject: subject, Role: role, MFA: mfa, UserID: 7}
}

// waiting is an action of risk 75, submitted by the person "submitter", that needs a second factor.
func waiting() *action.Action {
	a := &action.Action{
		ID: 5, Org: 1, Status: governance.Pending, Submitter: person("submitter", tenant.Admin, true), CreatedAt: start,
		Verdict: governance.Verdict{Outcome: governance.Pending, MFA: true, Risk: risk.Result{Score: 75}},
	}
	Open(a)
	var err error
	if a.Digest, err = action.Digest(a.Org, a.Input.Proposal); err != nil {
		panic(err)
	}
	return a
}

func TestHowLongPeopleHave(t *testing.T) {
	for score, want := range map[float64]time.Duration{
		100: 2 * time.Hour, 90: 2 * time.Hour, 89.99: 4 * time.Hour, 70: 4 * time.Hour, 69.99: 8 * time.Hour, 50: 8 * time.Hour, 49.99: 24 * time.Hour, 0: 24 * time.Hour,
	} {
		if got := Wait(score); got != want {
			t.Errorf("risk %v: %v, want %v", score, got, want)
		}
	}
}

func TestWhoMayDecideAndWhen(t *testing.T) {
	type move func(*action.Action, tenant.Principal, string, time.Time) error
	manager := person("m", tenant.Manager, true)
	decided := waiting()
	if err := Reject(decided, manager, "", start); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		move  move
		on    *action.Action
		by    tenant.Principal
		after time.Duration
		code  string // "" when it may
		kind  problem.Kind
	}{
		"a manager with a second factor approves":   {Approve, waiting(), manager, time.Hour, "", 0},
		"an admin rejects":                          {Reject, waiting(), person("a", tenant.Admin, false), time.Hour, "", 0},
		"an approver without a second factor":       {Approve, waiting(), person("m", tenant.Manager, false), time.Hour, problem.CodeMFARequired, problem.Unauthenticated},
		"rejecting needs no second factor":          {Reject, waiting(), person("m", tenant.Manager, false), time.Hour, "", 0},
		"whoever submitted cannot approve":          {Approve, waiting(), person("submitter", tenant.Admin, true), time.Hour, problem.CodeForbidden, problem.Forbidden},
		"whoever submitted may take it back":        {Reject, waiting(), person("submitter", tenant.Admin, true), time.Hour, "", 0},
		"a user has not the role":                   {Approve, waiting(), person("u", tenant.User, true), time.Hour, problem.CodeForbidden, problem.Forbidden},
		"a key never decides":                       {Approve, waiting(), tenant.Principal{Org: 1, Kind: tenant.Machine, Subject: "key:1", Role: tenant.Admin, MFA: true}, time.Hour, problem.CodeForbidden, problem.Forbidden},
		"a key never rejects either":                {Reject, waiting(), tenant.Principal{Org: 1, Kind: tenant.Machine, Subject: "key:1", Role: tenant.Admin}, time.Hour, problem.CodeForbidden, problem.Forbidden},
		"what is decided cannot be decided again":   {Approve, decided, manager, time.Hour, problem.CodeInvalidState, problem.InvalidState},
		"a millisecond before the deadline is fine": {Approve, waiting(), manager, 4*time.Hour - time.Millisecond, "", 0},
		"at the deadline it is too late":            {Approve, waiting(), manager, 4 * time.Hour, problem.CodeInvalidState, problem.InvalidState},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before := *c.on
			err := c.move(c.on, c.by, "because", start.Add(c.after))
			var p *problem.Error
			switch {
			case c.code == "" && err != nil:
				t.Fatalf("refused: %v", err)
			case c.code == "":
				o := c.on.Outcome
				if c.on.Pending() || o == nil || o.Reason != "because" || o.By.Subject != c.by.Subject || o.Digest != c.on.Digest || len(o.Digest) != 64 || o.At != start.Add(c.after) {
					t.Errorf("outcome %+v, status %s", o, c.on.Status)
				}
			case !errors.As(err, &p) || p.Code != c.code || p.Kind != c.kind:
				t.Errorf("got %v, want %s", err, c.code)
			case c.on.Status != before.Status || c.on.Outcome != before.Outcome:
				t.Error("a refused move changed the record")
			}
		})
	}
}

func TestAnActionThatIsNotWhatWasSubmittedCannotBeApproved(t *testing.T) {
	a := waiting()
	a.Input.Proposal.Resource = "something else"
	if err := Approve(a, person("m", tenant.Manager, true), "", start); problem.As(err).Kind != problem.Internal || !a.Pending() {
		t.Errorf("got %v, status %s", err, a.Status)
	}
	if err := Reject(a, person("m", tenant.Manager, true), "", start); err != nil {
		t.Errorf("rejecting it stays possible: %v", err)
	}
}

func TestAnUnansweredActionIsDeniedByTheClockOnce(t *testing.T) {
	a := waiting()
	if Expire(a, a.Approval.ExpiresAt.Add(-1)) || !a.Pending() {
		t.Fatal("expired early")
	}
	if !Expire(a, a.Approval.ExpiresAt) || a.Status != governance.Denied || a.Outcome.DecidedBy != "timeout" || a.Outcome.By != nil || a.Outcome.Reason == "" {
		t.Fatalf("outcome %+v", a.Outcome)
	}
	if Expire(a, a.Approval.ExpiresAt.Add(time.Hour)) {
		t.Error("expired twice")
	}
}
