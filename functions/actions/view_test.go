package actions

import (
	"slices"
	"testing"
	"time"

	"ascend/shared/app/command"
	"ascend/shared/domain/action"
	"ascend/shared/domain/approval"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
)

// Submit, status and get show the present stage of an approval alike.
func TestAnApprovalIsShownAtItsPresentStage(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	act := &action.Action{
		ID: 5, Org: 1, Status: governance.Pending, CreatedAt: start, Audit: []audit.Entry{{ID: "aud_1"}},
		Verdict: governance.Verdict{Status: governance.Pending},
	}
	approval.Open(act, workflow.Plan{
		Source: workflow.FromAgent, Workflow: &workflow.Workflow{ID: "wf_1"}, Kind: workflow.MultiStage,
		Stages: []workflow.Stage{
			{Approvers: []workflow.Approver{{Role: tenant.Manager}}, MinApprovers: 1, TimeoutSeconds: 60},
			{Approvers: []workflow.Approver{{Role: tenant.Admin}, {Email: "a@b.example"}}, MinApprovers: 2, TimeoutSeconds: 3600},
		},
	})
	check := func(stage, remaining int, stageEnds, ends time.Time, approvers ...string) {
		t.Helper()
		a := detailOf(act, command.Client{}).Approval
		if *a.WorkflowID != "wf_1" || a.Type != "multi_stage" || a.Source != "agent" || a.Stages != 2 ||
			a.Stage != stage || a.RemainingApprovals != remaining || !a.StageExpiresAt.Equal(stageEnds) || !a.ExpiresAt.Equal(ends) || !slices.Equal(a.RequiredApprovers, approvers) {
			t.Errorf("the approval is shown as %+v", a)
		}
		d := decisionOf(act.Summary())
		if act.Pending() && (!slices.Equal(d.RequiredApprovers, approvers) || !d.ExpiresAt.Equal(ends)) {
			t.Errorf("the decision names %v until %v", d.RequiredApprovers, d.ExpiresAt)
		}
		if !act.Pending() && len(d.RequiredApprovers) != 0 {
			t.Errorf("once decided it still needs %v", d.RequiredApprovers)
		}
	}
	check(1, 1, start.Add(time.Minute), start.Add(61*time.Minute), "role:manager")
	if _, passed := approval.Pass(act, start.Add(2*time.Minute)); !passed {
		t.Fatal("the first stage did not pass")
	}
	check(2, 2, start.Add(62*time.Minute), start.Add(62*time.Minute), "role:admin", "email:a@b.example")
	if _, passed := approval.Revoke(act, "stopped", start.Add(3*time.Minute)); !passed {
		t.Fatal("it was not revoked")
	}
	check(2, 0, start.Add(62*time.Minute), start.Add(62*time.Minute), "role:admin", "email:a@b.example")
}

// auto_approved would say that nobody was asked.
func TestTheEnforcementDecisionTellsPeopleFromRules(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	by := tenant.Principal{Org: 1, Kind: tenant.Person, Subject: "ann", UserID: 9, Role: tenant.Admin}
	approve := func(t *testing.T, act *action.Action) {
		if _, err := approval.Approve(act, by, "fine", start); err != nil {
			t.Fatal(err)
		}
	}
	reject := func(t *testing.T, act *action.Action) {
		if _, err := approval.Reject(act, by, "no", start); err != nil {
			t.Fatal(err)
		}
	}
	pass := func(t *testing.T, act *action.Action) {
		if _, passed := approval.Pass(act, start.Add(time.Hour)); !passed {
			t.Fatal("it did not time out")
		}
	}
	for name, c := range map[string]struct {
		rules            string // what they did
		then             func(*testing.T, *action.Action)
		decision, source string
	}{
		"it waits":                             {"pending_approval", nil, "pending_approval", "threshold"},
		"a person approved it":                 {"pending_approval", approve, "pending_approval", "approver"},
		"a person approved what was passed up": {"escalated", approve, "escalated", "approver"},
		"a person rejected it":                 {"pending_approval", reject, "denied", "approver"},
		"nobody answered":                      {"escalated", pass, "denied", "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			act := &action.Action{
				ID: 5, Org: 1, Status: governance.Pending, CreatedAt: start, Audit: []audit.Entry{{ID: "aud_1"}},
				Verdict: governance.Verdict{Status: governance.Pending, DecidedBy: "threshold", Enforcement: c.rules},
			}
			var err error
			if act.Digest, err = action.Digest(act.Org, act.Input.Proposal); err != nil {
				t.Fatal(err)
			}
			approval.Open(act, workflow.Choose(nil, "", "", act.Input.Proposal, 95))
			act.Approval.StageExpiresAt = start.Add(time.Hour)
			if c.then != nil {
				c.then(t, act)
			}
			d := decisionOf(act.Summary())
			if d.EnforcementDecision != c.decision || d.EnforcementDecisionSource != c.source || d.ShadowEnforcementDecision != c.rules {
				t.Errorf("it says %s by %s, shadow %s; want %s by %s, shadow %s", d.EnforcementDecision, d.EnforcementDecisionSource,
					d.ShadowEnforcementDecision, c.decision, c.source, c.rules)
			}
		})
	}
}
