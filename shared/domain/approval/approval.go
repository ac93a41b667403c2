// Package approval moves a pending action to its one final status. A move is a
// pure function of the record, the decider and the time; the store's condition
// on the record's revision makes exactly one of them happen.
package approval

import (
	"fmt"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// Wait is how long people have to answer, by the action's score (decision 30):
// 90 and above 2 h, 70 to 89 4 h, 50 to 69 8 h, below 24 h.
func Wait(score float64) time.Duration {
	switch {
	case score >= 90:
		return 2 * time.Hour
	case score >= 70:
		return 4 * time.Hour
	case score >= 50:
		return 8 * time.Hour
	default:
		return 24 * time.Hour
	}
}

// Open begins the wait of an action whose verdict is pending.
func Open(a *action.Action) {
	a.Approval = &action.Approval{
		RequestID:  "apr_" + a.ID.String(),
		WorkflowID: a.Verdict.WorkflowID,
		Approvers:  []string{"role:" + string(tenant.Admin), "role:" + string(tenant.Manager)},
		OpenedAt:   a.CreatedAt,
		ExpiresAt:  a.CreatedAt.Add(Wait(a.Verdict.Risk.Score)),
		MFA:        a.Verdict.MFA,
	}
}

// Approve lets the action go ahead. The decider must be a person who did not
// submit it, with a second factor where the agent's threshold asks for one.
func Approve(a *action.Action, by tenant.Principal, reason string, now time.Time) error {
	if err := mayDecide(a, by, now); err != nil {
		return err
	}
	if by.Subject == a.Submitter.Subject {
		return problem.New(problem.Forbidden, problem.CodeForbidden, "whoever submitted an action cannot approve it; another person must")
	}
	if a.Approval.MFA && !by.MFA {
		e := problem.New(problem.Unauthenticated, problem.CodeMFARequired,
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
	if reason == "" {
		reason = fmt.Sprintf("approved by %s", by.Name())
	}
	decide(a, governance.Approved, "approver", &by, reason, now)
	return nil
}

// Reject refuses the action; the reason given becomes its denial's.
func Reject(a *action.Action, by tenant.Principal, reason string, now time.Time) error {
	if err := mayDecide(a, by, now); err != nil {
		return err
	}
	if reason == "" {
		reason = fmt.Sprintf("rejected by %s", by.Name())
	}
	decide(a, governance.Denied, "approver", &by, reason, now)
	return nil
}

// Expire denies the action once nobody answered in time; it reports whether it did.
func Expire(a *action.Action, now time.Time) bool {
	if !a.Pending() || now.Before(a.Approval.ExpiresAt) {
		return false
	}
	reason := fmt.Sprintf("nobody approved within %s", a.Approval.ExpiresAt.Sub(a.Approval.OpenedAt))
	decide(a, governance.Denied, "timeout", nil, reason, now)
	return true
}

// mayDecide refuses machines, roles without the right, and any action that is
// not waiting any more.
func mayDecide(a *action.Action, by tenant.Principal, now time.Time) error {
	if by.Kind != tenant.Person || by.Role != tenant.Admin && by.Role != tenant.Manager {
		return problem.New(problem.Forbidden, problem.CodeForbidden, "only a person of role admin or manager decides on actions")
	}
	if !a.Pending() {
		return problem.New(problem.InvalidState, problem.CodeInvalidState,
			"action %d is not pending approval: its status is %s", a.ID, a.Status)
	}
	if !now.Before(a.Approval.ExpiresAt) {
		return problem.New(problem.InvalidState, problem.CodeInvalidState,
			"action %d is not pending approval any more: its time ran out at %s and its status is %s",
			a.ID, a.Approval.ExpiresAt.Format(time.RFC3339), governance.Denied)
	}
	return nil
}

func decide(a *action.Action, to governance.Outcome, how string, by *tenant.Principal, reason string, now time.Time) {
	a.Status, a.UpdatedAt = to, now
	a.Outcome = &action.Outcome{Status: to, DecidedBy: how, By: by, At: now, Reason: reason, Digest: a.Digest}
}
