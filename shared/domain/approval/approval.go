// Package approval moves a pending action along the stages of its wait, to its
// one final status. A move is a pure function of the record, the decider and
// the time; the store's condition on the record's revision makes exactly one
// of those that race happen.
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
// A stage opens the next one when enough people approved it, and also when its
// time ran out; the next one's time begins then. An approval short of enough
// stays in its stage. The escalation stage is there when the agent queues for
// its escalation e-mail, and is entered by a timeout only, while that person may
// still approve; otherwise a timeout of stage n denies.
package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
)

// The events of moves: those of decision 33, and EventRecorded for an approval
// after which the action still waits.
const (
	EventRecorded  = "approval.recorded"
	EventApproved  = "action.approved"
	EventDenied    = "action.denied"
	EventEscalated = "action.escalated"
	EventTimedOut  = "action.timeout"
)

// What ends a wait, as Outcome.DecidedBy says it.
const (
	ByApprover = "approver"
	ByTimeout  = "timeout"
	ByStopping = "agent_suspended"
)

// Move is what a move did, for the one audit entry that tells of it.
type Move struct {
	Event string
	Data  map[string]any // beside what every entry on an action holds; stages count from 1
}

// Open begins the wait of an action whose verdict is pending. The plan is
// copied into the record, and an agent that queues for its escalation e-mail
// (agent.Escalation) gets a last stage for it.
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

// Approve is one person's approval of the present stage. It finishes the stage
// once enough people have approved; the last one lets the action go ahead. The
// decider must be an approver of the stage who neither submitted the action
// nor approved it before, with a second factor where the agent's threshold
// asks for one. The error is a *problem.Error.
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
	data := stageData(w)
	w.Votes = append(w.Votes, action.Vote{Stage: w.Stage, By: by, At: now, Reason: reason, Digest: a.Digest})
	a.UpdatedAt = now
	missing := w.Missing()
	next := w.Stage + 1
	switch {
	case missing > 0:
		data["remaining_approvals"] = missing
	case next < len(w.Stages) && !w.Stages[next].Escalation:
		w.Enter(next, now)
		data["next_stage"], data["remaining_approvals"] = next+1, w.Missing()
	default:
		data["remaining_approvals"] = 0
		decide(a, governance.Approved, ByApprover, &by, reason, now)
		return Move{EventApproved, data}, nil
	}
	data["reason"] = reason
	return Move{EventRecorded, data}, nil
}

// Reject refuses the action at once, whatever others approved; the reason
// given becomes its denial's. The decider must be an approver of the present
// stage. The error is a *problem.Error.
func Reject(a *action.Action, by tenant.Principal, reason string, now time.Time) (Move, error) {
	if err := mayDecide(a, by, now); err != nil {
		return Move{}, err
	}
	if reason == "" {
		reason = fmt.Sprintf("rejected by %s", by.Name())
	}
	decide(a, governance.Denied, ByApprover, &by, reason, now)
	return Move{EventDenied, stageData(a.Approval)}, nil
}

// Pass moves the action on once the present stage's time ran out: to the next
// stage, whose time begins now, or after the last one to its denial. It
// reports whether it did.
func Pass(a *action.Action, now time.Time) (Move, bool) {
	if !Overdue(a, now) {
		return Move{}, false
	}
	w := a.Approval
	data := stageData(w)
	if next := w.Stage + 1; next < len(w.Stages) && !inVain(a, w.Stages[next]) {
		a.UpdatedAt = now
		w.Enter(next, now)
		data["next_stage"] = next + 1
		data["reason"] = fmt.Sprintf("stage %d of %d was not approved in time", next, len(w.Stages))
		return Move{EventEscalated, data}, true
	}
	who := "nobody"
	if len(w.Votes) > 0 {
		who = "too few people"
	}
	reason := fmt.Sprintf("%s approved within %s", who, w.StageExpiresAt.Sub(w.OpenedAt))
	if e := a.Input.Agent.Escalation; e != nil && !w.Present().Escalation && (e.Email != nil || e.WebhookURL != nil) {
		reason += "; denied with escalation"
		data["escalation"] = "deny_with_escalation"
		if e.Email != nil {
			data["escalation_email"] = *e.Email
		}
		if e.WebhookURL != nil {
			data["escalation_webhook_url"] = *e.WebhookURL
		}
	}
	decide(a, governance.Denied, ByTimeout, nil, reason, now)
	return Move{EventTimedOut, data}, true
}

// Overdue reports whether the present stage's time ran out and nothing moved
// the action on yet.
func Overdue(a *action.Action, now time.Time) bool {
	return a.Pending() && !now.Before(a.Approval.StageExpiresAt)
}

// inVain reports whether the one person whom an escalation asks may not
// approve any more, or never might: another wait would end as this one did.
func inVain(a *action.Action, next action.Stage) bool {
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
	return Move{EventDenied, stageData(a.Approval)}, true
}

// mayDecide refuses machines, roles without the right, any action that is not
// waiting any more, and whom the present stage does not name.
func mayDecide(a *action.Action, by tenant.Principal, now time.Time) error {
	if by.Kind != tenant.Person || by.Role != tenant.Admin && by.Role != tenant.Manager {
		return forbidden("only a person of role admin or manager decides on actions")
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
	return forbidden("stage %d of %d of this action's approval is for %s", w.Stage+1, len(w.Stages), strings.Join(w.Approvers(), ", "))
}

// ranOut refuses a decision after the present stage's deadline. It says where
// the action stands once its deadline was passed.
func ranOut(a *action.Action) error {
	w := a.Approval
	after := fmt.Sprintf("its status is %s", governance.Denied)
	if next := w.Stage + 1; next < len(w.Stages) && !inVain(a, w.Stages[next]) {
		after = fmt.Sprintf("stage %d is open now", next+1)
	}
	return problem.InvalidState("action %d is not pending approval any more: the time of stage %d ran out at %s and %s",
		a.ID, w.Stage+1, w.StageExpiresAt.Format(time.RFC3339), after)
}

// mayApprove holds an approver against the rules on who may not approve.
func mayApprove(a *action.Action, by tenant.Principal) error {
	if same(by, a.Submitter) {
		return forbidden("whoever submitted an action cannot approve it; another person must")
	}
	for _, v := range a.Approval.Votes {
		if same(by, v.By) {
			return forbidden("you approved stage %d of this action already; another person must approve now", v.Stage+1)
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
			Err: fmt.Errorf("action %d: digest %s of the record, %s stored (%v)", a.ID, digest, a.Digest, err),
		}
	}
	return nil
}

// same tells one person under two subjects by the e-mail; a key has none.
func same(a, b tenant.Principal) bool {
	return a.Subject == b.Subject || a.Email != "" && strings.EqualFold(a.Email, b.Email)
}

func forbidden(format string, args ...any) error {
	return problem.Forbidden(format, args...)
}

func stageData(w *action.Approval) map[string]any {
	return map[string]any{"stage": w.Stage + 1, "stages": len(w.Stages)}
}

func decide(a *action.Action, to governance.Outcome, how string, by *tenant.Principal, reason string, now time.Time) {
	a.Status, a.UpdatedAt = to, now
	a.Outcome = &action.Outcome{Status: to, DecidedBy: how, By: by, At: now, Reason: reason, Digest: a.Digest}
}
