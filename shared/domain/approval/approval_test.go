package approval

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/risk"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func person(subject string, role tenant.Role, mfa bool) tenant.Principal {
	return tenant.Principal{Org: 1, Kind: tenant.Person, Subject: subject, Email: subject + "@x.example", Role: role, MFA: mfa, UserID: 7}
}

var (
	ann, bob, cyd, dan = person("ann", tenant.Admin, true), person("bob", tenant.Manager, true), person("cyd", tenant.Manager, true), person("dan", tenant.Admin, true)
	submitter          = person("submitter", tenant.Admin, true)
)

// stage waits an hour for some approvals of managers and admins.
func stage(name string, approvals int) workflow.Stage {
	return workflow.Stage{
		Name: name, MinApprovers: approvals, TimeoutSeconds: 3600,
		Approvers: []workflow.Approver{{Role: tenant.Admin}, {Role: tenant.Manager}},
	}
}

// escalation is an agent's escalation path to dan.
func escalation(queued bool) *agent.Escalation {
	email := "Dan@X.example"
	return &agent.Escalation{Email: &email, AllowQueuedApproval: queued, TimeoutSeconds: 600}
}

// waiting is an action of risk 75, submitted by a person, that needs a second factor.
func waiting(path *agent.Escalation, stages ...workflow.Stage) *action.Action {
	a := &action.Action{
		ID: 5, Org: 1, Status: governance.Pending, Submitter: submitter, CreatedAt: start, UpdatedAt: start,
		Input:   governance.Input{Agent: governance.Agent{Escalation: path}},
		Verdict: governance.Verdict{Status: governance.Pending, MFA: true, Risk: risk.Result{Score: 75}},
	}
	Open(a, workflow.Plan{Source: workflow.FromTrigger, Workflow: &workflow.Workflow{ID: "wf_1"}, Kind: workflow.MultiStage, Stages: stages})
	var err error
	if a.Digest, err = action.Digest(a.Org, a.Input.Proposal); err != nil {
		panic(err)
	}
	return a
}

func TestWhatOpens(t *testing.T) {
	short := stage("b", 2)
	short.TimeoutSeconds = 60
	webhook, email := "https://x.example/hook", "dan@x.example"
	for name, c := range map[string]struct {
		path    *agent.Escalation
		stages  []workflow.Stage
		want    int // stages
		expires time.Duration
	}{
		"one stage": {nil, []workflow.Stage{stage("a", 1)}, 1, time.Hour},
		"two stages, of which the deadlines add up":    {nil, []workflow.Stage{stage("a", 1), short}, 2, time.Hour + time.Minute},
		"an escalation that queues is a last stage":    {escalation(true), []workflow.Stage{stage("a", 1)}, 2, time.Hour + 10*time.Minute},
		"one that denies is none":                      {escalation(false), []workflow.Stage{stage("a", 1)}, 1, time.Hour},
		"one without an e-mail has nobody to wait for": {&agent.Escalation{WebhookURL: &webhook, AllowQueuedApproval: true}, []workflow.Stage{stage("a", 1)}, 1, time.Hour},
		"one without a time waits as the last stage":   {&agent.Escalation{Email: &email, AllowQueuedApproval: true}, []workflow.Stage{stage("a", 1), short}, 3, time.Hour + 2*time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			a := waiting(c.path, c.stages...)
			w := a.Approval
			if len(w.Stages) != c.want || w.Stage != 0 || w.ExpiresAt != start.Add(c.expires) || w.StageExpiresAt != start.Add(time.Hour) || w.OpenedAt != start {
				t.Errorf("%d stages, at %d, until %v and %v", len(w.Stages), w.Stage, w.StageExpiresAt, w.ExpiresAt)
			}
			if w.RequestID != "apr_5" || w.WorkflowID != "wf_1" || w.Source != "trigger" || w.Kind != workflow.MultiStage || !w.MFA {
				t.Errorf("%+v", w)
			}
			if last := w.Stages[len(w.Stages)-1]; last.Escalation != (c.want > len(c.stages)) {
				t.Errorf("the last stage is %+v", last)
			}
		})
	}
}

func TestWhoMayDecideAndWhen(t *testing.T) {
	type move func(*action.Action, tenant.Principal, string, time.Time) (Move, error)
	one := func() *action.Action { return waiting(nil, stage("a", 1)) }
	named := func() *action.Action {
		s := stage("a", 1)
		s.Approvers = []workflow.Approver{{Email: "Bob@X.Example"}}
		return waiting(nil, s)
	}
	byKey := func() *action.Action {
		a := one()
		a.Submitter = tenant.Principal{Org: 1, Kind: tenant.Machine, Subject: "key:1", Role: tenant.Admin, UserID: 7}
		return a
	}
	after := func(do func(*action.Action) error, a *action.Action) *action.Action {
		if err := do(a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	reject := func(a *action.Action) error { _, err := Reject(a, ann, "", start); return err }
	annApproves := func(a *action.Action) error { _, err := Approve(a, ann, "", start); return err }
	annAgain := ann
	annAgain.Subject, annAgain.Email = "ann-2", "ANN@x.example"
	key := tenant.Principal{Org: 1, Kind: tenant.Machine, Subject: "key:1", Role: tenant.Admin, MFA: true}
	const forbidden, state = problem.CodeForbidden, problem.CodeInvalidState

	for name, c := range map[string]struct {
		move  move
		on    *action.Action
		by    tenant.Principal
		after time.Duration
		code  string // "" when it may
		kind  problem.Kind
	}{
		"a manager with a second factor approves":      {Approve, one(), bob, time.Minute, "", 0},
		"an admin rejects":                             {Reject, one(), person("a", tenant.Admin, false), time.Minute, "", 0},
		"an approver without a second factor":          {Approve, one(), person("m", tenant.Manager, false), time.Minute, problem.CodeMFARequired, problem.KindUnauthenticated},
		"rejecting needs no second factor":             {Reject, one(), person("m", tenant.Manager, false), time.Minute, "", 0},
		"whoever submitted cannot approve":             {Approve, one(), submitter, time.Minute, forbidden, problem.KindForbidden},
		"whoever submitted may take it back":           {Reject, one(), submitter, time.Minute, "", 0},
		"the key's creator may approve":                {Approve, byKey(), bob, time.Minute, "", 0},
		"a user has not the role":                      {Approve, one(), person("u", tenant.User, true), time.Minute, forbidden, problem.KindForbidden},
		"a key never decides":                          {Approve, one(), key, time.Minute, forbidden, problem.KindForbidden},
		"a key never rejects either":                   {Reject, one(), key, time.Minute, forbidden, problem.KindForbidden},
		"what is decided cannot be decided again":      {Approve, after(reject, one()), bob, time.Minute, state, problem.KindInvalidState},
		"a millisecond before the deadline is fine":    {Approve, one(), bob, time.Hour - time.Millisecond, "", 0},
		"at the deadline it is too late":               {Approve, one(), bob, time.Hour, state, problem.KindInvalidState},
		"at the stage's deadline it is too late":       {Approve, waiting(nil, stage("a", 1), stage("b", 1)), bob, time.Hour, state, problem.KindInvalidState},
		"too late to reject as well":                   {Reject, one(), bob, time.Hour, state, problem.KindInvalidState},
		"who is named by e-mail approves":              {Approve, named(), bob, time.Minute, "", 0},
		"an admin who is not named does not":           {Approve, named(), ann, time.Minute, forbidden, problem.KindForbidden},
		"nor rejects":                                  {Reject, named(), ann, time.Minute, forbidden, problem.KindForbidden},
		"who is named but a user does not":             {Approve, named(), person("bob", tenant.User, true), time.Minute, forbidden, problem.KindForbidden},
		"the same person twice in a stage":             {Approve, after(annApproves, waiting(nil, stage("a", 2))), ann, time.Minute, forbidden, problem.KindForbidden},
		"the same person under another subject":        {Approve, after(annApproves, waiting(nil, stage("a", 2))), annAgain, time.Minute, forbidden, problem.KindForbidden},
		"the same person in two stages":                {Approve, after(annApproves, waiting(nil, stage("a", 1), stage("b", 1))), ann, time.Minute, forbidden, problem.KindForbidden},
		"another person in the second stage":           {Approve, after(annApproves, waiting(nil, stage("a", 1), stage("b", 1))), bob, time.Minute, "", 0},
		"who approved a stage may reject the next one": {Reject, after(annApproves, waiting(nil, stage("a", 1), stage("b", 1))), ann, time.Minute, "", 0},
		"a record without stages has no approvers":     {Approve, waiting(nil), bob, time.Minute, state, problem.KindInvalidState},
	} {
		t.Run(name, func(t *testing.T) {
			before, votes := *c.on, len(c.on.Approval.Votes)
			did, err := c.move(c.on, c.by, "because", start.Add(c.after))
			if c.code != "" {
				if p := problem.As(err); err == nil || p.Code != c.code || p.Kind != c.kind {
					t.Errorf("got %v, want %s", err, c.code)
				}
				if c.on.Status != before.Status || c.on.Outcome != before.Outcome || len(c.on.Approval.Votes) != votes {
					t.Error("a refused move changed the record")
				}
				return
			}
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			o := c.on.Outcome
			if c.on.Pending() || o == nil || o.Reason != "because" || o.By.Subject != c.by.Subject || o.Digest != c.on.Digest || len(o.Digest) != 64 || o.At != start.Add(c.after) || o.DecidedBy != ByApprover {
				t.Errorf("outcome %+v, status %s", o, c.on.Status)
			}
			if want := map[governance.Status]string{governance.Approved: audit.EventActionApproved, governance.Denied: audit.EventActionDenied}[c.on.Status]; did.Event != want {
				t.Errorf("event %s, want %s", did.Event, want)
			}
		})
	}
}

func TestAnActionThatIsNotWhatWasSubmittedCannotBeApproved(t *testing.T) {
	a := waiting(nil, stage("a", 2))
	if _, err := Approve(a, ann, "", start); err != nil {
		t.Fatal(err)
	}
	a.Input.Proposal.Resource = "something else"
	if _, err := Approve(a, bob, "", start); problem.As(err).Kind != problem.KindInternal || !a.Pending() {
		t.Errorf("got %v, status %s", err, a.Status)
	}
	if _, err := Reject(a, bob, "", start); err != nil {
		t.Errorf("rejecting it stays possible: %v", err)
	}
}

func TestAVoteIsRecorded(t *testing.T) {
	a := waiting(nil, stage("a", 2), stage("b", 1))
	did, err := Approve(a, ann, "", start.Add(time.Minute))
	want := action.Vote{By: ann, At: start.Add(time.Minute), Reason: "approved by ann@x.example", Digest: a.Digest}
	if err != nil || len(a.Approval.Votes) != 1 || !reflect.DeepEqual(a.Approval.Votes[0], want) {
		t.Errorf("%+v, %v", a.Approval.Votes, err)
	}
	if did.Event != audit.EventApprovalRecorded || did.Reason != want.Reason || did.Data.Stage != 1 || *did.Data.Remaining != 1 {
		t.Errorf("%+v", did)
	}
	if a.UpdatedAt != want.At || a.Remaining() != 1 {
		t.Errorf("updated at %v, %d approvals remain", a.UpdatedAt, a.Remaining())
	}
}

func TestAnEscalationThatDoesNotQueueIsDeniedWithItsAddress(t *testing.T) {
	webhook := "https://x.example/hook"
	for name, c := range map[string]struct {
		path *agent.Escalation
		data map[string]any
	}{
		"none":               {nil, nil},
		"without an address": {&agent.Escalation{WorkflowID: "wf_1"}, nil},
		"an e-mail":          {escalation(false), map[string]any{"escalation": "deny_with_escalation", "escalation_email": "Dan@X.example"}},
		"a webhook":          {&agent.Escalation{WebhookURL: &webhook}, map[string]any{"escalation": "deny_with_escalation", "escalation_webhook_url": webhook}},
		"a webhook, where nobody can be waited for": {&agent.Escalation{WebhookURL: &webhook, AllowQueuedApproval: true}, map[string]any{"escalation": "deny_with_escalation", "escalation_webhook_url": webhook}},
		"one that queued": {escalation(true), nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := waiting(c.path, stage("a", 1))
			did, passed := Pass(a, start.Add(time.Hour))
			if a.Pending() {
				did, passed = Pass(a, start.Add(2*time.Hour))
			}
			if !passed || did.Event != audit.EventActionTimeout || a.Status != governance.Denied || a.Outcome.DecidedBy != ByTimeout {
				t.Fatalf("%+v, status %s, outcome %+v", did, a.Status, a.Outcome)
			}
			reason := "nobody approved within 1 h"
			if c.data != nil {
				reason += "; denied with escalation"
			}
			if name == "one that queued" {
				reason = "nobody approved within 1 h 10 min"
			}
			if a.Outcome.Reason != reason {
				t.Errorf("because %q, want %q", a.Outcome.Reason, reason)
			}
			text, err := json.Marshal(did.Data)
			var data map[string]any
			if err := errors.Join(err, json.Unmarshal(text, &data)); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"escalation", "escalation_email", "escalation_webhook_url"} {
				if data[name] != c.data[name] {
					t.Errorf("%s is %v, want %v", name, data[name], c.data[name])
				}
			}
		})
	}
}

func TestSpansAreForPeople(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1 s", 4_558_091_912: "5 s", 30 * time.Second: "30 s", 59*time.Second + 999*time.Millisecond: "1 min", time.Minute + time.Second: "1 min 1 s",
		4 * time.Hour: "4 h", 24 * time.Hour: "1 d", 90*24*time.Hour + 90*time.Minute: "90 d 1 h 30 min",
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
