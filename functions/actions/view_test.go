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
		Verdict: governance.Verdict{Outcome: governance.Pending},
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
		d := decisionOf(act)
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
