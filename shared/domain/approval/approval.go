// Package approval moves a pending action through the stages of its approval to
// its final status. A move is a pure function of the record, the decider and
// the time; of moves that race, the store's condition on the record's revision
// lets one succeed.
//
//	Open ─► stage 1 ─► stage 2 ─► … ─► stage n ── enough approved ──► approved
//	                                      │                              ▲
//	                                      │ time ran out                 │
//	                                      ▼                              │
//	                                  escalation ── enough approved ─────┘
//	                                      │
//	                                      │ time ran out
//	                                      ▼
//	                                    denied ◄── from any stage: a rejection,
//	                                               or the agent was stopped
//
// A stage ends when enough people have approved it or when its time runs out;
// the time of the next one begins then. The escalation stage exists when the
// agent queues for its escalation e-mail. Only a timeout enters it, and only
// while that person may still approve; otherwise a timeout of stage n denies.
package approval

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
)

// What ended an approval, as in Outcome.DecidedBy.
const (
	ByApprover = "approver"
	ByTimeout  = "timeout"
	ByStopping = "agent_suspended"
)

// Move is what a move did, as its audit entry records it.
type Move struct {
	Event  string     // its name in package audit
	Reason string     // of the move; "" where it is that of the action's status
	Data   audit.Move // what else it did
}

// Open begins the approval of an action whose verdict is pending. It copies the
// plan into the record, and adds a last stage where the agent queues for its
// escalation e-mail (agent.Escalation).
func Open(a *action.Action, plan workflow.Plan) {
	w := &action.Approval{
		RequestID: a.ID.RequestID(), Source: plan.Source, Kind: plan.Kind,
		OpenedAt: a.CreatedAt, MFA: a.Verdict.MFA,
	}
	if plan.Workflow != nil {
		w.WorkflowID = plan.Workflow.ID
	}
	for _, s := range plan.Stages {
		w.Stages = append(w.Stages, action.Stage{Stage: s})
	}
	if e := a.Input.Agent.Escalation; e != nil && e.AllowQueuedApproval && e.Email != nil && *e.Email != "" {
		last := workflow.Stage{
			Name: "escalation", Approvers: []workflow.Approver{{Email: *e.Email}},
			TimeoutSeconds: e.TimeoutSeconds, MinApprovers: 1,
		}
		if n := len(plan.Stages); last.TimeoutSeconds == 0 && n > 0 {
			last.TimeoutSeconds = plan.Stages[n-1].TimeoutSeconds
		}
		w.Stages = append(w.Stages, action.Stage{Stage: last, Escalation: true})
	}
	w.Enter(0, a.CreatedAt)
	a.Approval = w
}

// Approve records one person's approval of the present stage, and ends the stage
// once enough people have approved; the end of the last stage approves the
// action. The decider must be an approver of the stage who neither submitted the
// action nor approved it before, with a second factor where the agent's
// threshold asks for one. The error is a *problem.Error.
func Approve(a *action.Action, by tenant.Principal, reason string, now time.Time) (Move, error) {
	if err := mayDecide(a, by, now); err != nil {
		return Move{}, err
	}
	if err := mayApprove(a, by); err != nil {
		return Move{}, err
	}
	if reason == "" {
		reason = fmt.Sprintf("approved by %s", by.Name())
	}
	w := a.Approval
	did := moveOf(audit.EventApprovalRecorded, w)
	did.Reason = reason
	w.Votes = append(w.Votes, action.Vote{Stage: w.Stage, By: by, At: now, Reason: reason, Digest: a.Digest})
	a.UpdatedAt = now
	missing := w.Missing()
	if next := w.Stage + 1; missing == 0 && next < len(w.Stages) && !w.Stages[next].Escalation {
		w.Enter(next, now)
		did.Data.NextStage, missing = next+1, w.Missing()
	} else if missing == 0 {
		decide(a, governance.Approved, ByApprover, &by, reason, now)
		did.Event = audit.EventActionApproved
	}
	did.Data.Remaining = &missing
	return did, nil
}

// Reject denies the action at once, for the given reason. The decider must be an
// approver of the present stage. The error is a *problem.Error.
func Reject(a *action.Action, by tenant.Principal, reason string, now time.Time) (Move, error) {
	if err := mayDecide(a, by, now); err != nil {
		return Move{}, err
	}
	if reason == "" {
		reason = fmt.Sprintf("rejected by %s", by.Name())
	}
	decide(a, governance.Denied, ByApprover, &by, reason, now)
	return moveOf(audit.EventActionDenied, a.Approval), nil
}

// Pass moves the action on when the present stage is overdue: to the next stage,
// whose time begins now, or after the last one to its denial. It reports
// whether it did.
func Pass(a *action.Action, now time.Time) (Move, bool) {
	if !Overdue(a, now) {
		return Move{}, false
	}
	w := a.Approval
	if next := w.Stage + 1; next < len(w.Stages) && !pointless(a, w.Stages[next]) {
		did := moveOf(audit.EventActionEscalated, w)
		did.Data.NextStage = next + 1
		did.Reason = fmt.Sprintf("stage %d of %d was not approved in time", next, len(w.Stages))
		a.UpdatedAt = now
		w.Enter(next, now)
		return did, true
	}
	did, who := moveOf(audit.EventActionTimeout, w), "nobody"
	if len(w.Votes) > 0 {
		who = "too few people"
	}
	reason := fmt.Sprintf("%s approved within %s", who, span(w.StageExpiresAt.Sub(w.OpenedAt)))
	if e := a.Input.Agent.Escalation; e != nil && !w.Present().Escalation && (e.Email != nil || e.WebhookURL != nil) {
		reason += "; denied with escalation"
		did.Data.Escalation, did.Data.EscalationEmail, did.Data.EscalationWebhookURL = audit.DenyWithEscalation, e.Email, e.WebhookURL
	}
	decide(a, governance.Denied, ByTimeout, nil, reason, now)
	return did, true
}

// Overdue reports whether the action still waits after the present stage's deadline.
func Overdue(a *action.Action, now time.Time) bool {
	return a.Pending() && !now.Before(a.Approval.StageExpiresAt)
}

// pointless reports whether next is an escalation to a person who may not
// approve: the submitter, or one who has approved an earlier stage.
func pointless(a *action.Action, next action.Stage) bool {
	if !next.Escalation {
		return false
	}
	asked := tenant.Principal{Email: next.Approvers[0].Email}
	return same(asked, a.Submitter) || slices.ContainsFunc(a.Approval.Votes, func(v action.Vote) bool { return same(asked, v.By) })
}

// Revoke denies a pending action because its agent was stopped; it reports
// whether it did.
func Revoke(a *action.Action, reason string, now time.Time) (Move, bool) {
	if !a.Pending() {
		return Move{}, false
	}
	decide(a, governance.Denied, ByStopping, nil, reason, now)
	return moveOf(audit.EventActionDenied, a.Approval), true
}

// mayDecide refuses machines, roles that may not decide, people whom the present
// stage does not name, and actions that do not wait any more.
func mayDecide(a *action.Action, by tenant.Principal, now time.Time) error {
	if by.Kind != tenant.Person || by.Role != tenant.Admin && by.Role != tenant.Manager {
		return problem.Forbidden("only a person of role admin or manager decides on actions")
	}
	if !a.Pending() {
		return problem.InvalidState("action %d is not pending approval: its status is %s", a.ID, a.Status)
	}
	w := a.Approval
	if Overdue(a, now) {
		return ranOut(a)
	}
	for _, approver := range w.Present().Approvers {
		if approver.Admits(by) {
			return nil
		}
	}
	return problem.Forbidden("stage %d of %d of this action's approval is for %s", w.Stage+1, len(w.Stages), strings.Join(w.Approvers(), ", "))
}

// ranOut returns the refusal of a decision after the present stage's deadline,
// with the state that the action is in once Pass has moved it.
func ranOut(a *action.Action) error {
	w := a.Approval
	after := fmt.Sprintf("its status is %s", governance.Denied)
	if next := w.Stage + 1; next < len(w.Stages) && !pointless(a, w.Stages[next]) {
		after = fmt.Sprintf("stage %d is open now", next+1)
	}
	return problem.InvalidState("action %d is not pending approval any more: the time of stage %d ran out at %s and %s",
		a.ID, w.Stage+1, w.StageExpiresAt.Format(time.RFC3339), after)
}

// mayApprove refuses an approver who may not approve this action.
func mayApprove(a *action.Action, by tenant.Principal) error {
	if same(by, a.Submitter) {
		return problem.Forbidden("whoever submitted an action cannot approve it; another person must")
	}
	for _, v := range a.Approval.Votes {
		if same(by, v.By) {
			return problem.Forbidden("you approved stage %d of this action already; another person must approve now", v.Stage+1)
		}
	}
	if a.Approval.MFA && !by.MFA {
		e := problem.Unauthenticated(problem.CodeMFARequired,
			"this action's risk needs an approver with a second factor: sign in with MFA and approve again")
		// RFC 9470 §3: the step-up challenge.
		e.Challenge = `Bearer error="insufficient_user_authentication", error_description="a second factor is required", acr_values="mfa"`
		return e
	}
	// What is approved is what was submitted: the digest still fits (decision 28).
	if digest, err := action.Digest(a.Org, a.Input.Proposal); err != nil || digest != a.Digest {
		return &problem.Error{
			Code: problem.CodeInternal, Detail: "the action's record does not fit its digest; it cannot be approved",
			Err: errors.Join(fmt.Errorf("action %d: digest %s of the record, %s stored", a.ID, digest, a.Digest), err),
		}
	}
	return nil
}

// same reports whether a and b are one person, by subject or by e-mail; a key has no e-mail.
func same(a, b tenant.Principal) bool {
	return a.Subject == b.Subject || a.Email != "" && strings.EqualFold(a.Email, b.Email)
}

// moveOf returns a move of the present stage.
func moveOf(event string, w *action.Approval) Move {
	return Move{Event: event, Data: audit.Move{Stage: w.Stage + 1, Stages: len(w.Stages)}}
}

func decide(a *action.Action, to governance.Status, how string, by *tenant.Principal, reason string, now time.Time) {
	a.Status, a.UpdatedAt = to, now
	a.Outcome = &action.Outcome{Status: to, DecidedBy: how, By: by, At: now, Reason: reason, Digest: a.Digest}
}

// span returns a duration in words, such as "1 h 30 min", to the second.
func span(d time.Duration) string {
	seconds := max(1, int64(d.Round(time.Second)/time.Second))
	var parts []string
	for _, unit := range []struct {
		name    string
		seconds int64
	}{{"d", 24 * 60 * 60}, {"h", 60 * 60}, {"min", 60}, {"s", 1}} {
		if n := seconds / unit.seconds; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
		}
		seconds %= unit.seconds
	}
	return strings.Join(parts, " ")
}
