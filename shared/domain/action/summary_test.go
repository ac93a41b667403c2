package action

import (
	"reflect"
	"testing"
	"time"

	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/tenant"
)

func TestASummaryReadFromTheRecordIsThatOfTheAction(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
	by := tenant.Principal{Org: 1, Kind: tenant.Person, Subject: "ann", UserID: 9, Role: tenant.Admin}
	in := governance.Input{Proposal: governance.Proposal{
		AgentID: "agent-1", ActionType: "email_send", Description: "d", ToolName: "t", Resource: "r", TargetSystem: "s",
		Parameters: map[string]any{"n": 1e300, "nested": map[string]any{"a": []any{1.0, "x"}}},
	}}
	for name, change := range map[string]func(*Action){
		"decided at once": func(*Action) {},
		"pending": func(a *Action) {
			a.Approval = &Approval{RequestID: "apr_1", OpenedAt: now, StageExpiresAt: now, ExpiresAt: now}
		},
		"decided by a person": func(a *Action) {
			a.Outcome = &Outcome{Status: governance.Denied, DecidedBy: "approver", By: &by, At: now.Add(time.Hour), Reason: "no"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := &Action{
				ID: 5, Org: 1, Status: governance.Approved, Input: in, Verdict: governance.Decide(in), CreatedAt: now, UpdatedAt: now,
				CorrelationID: "c", Audit: []audit.Entry{{ID: "aud_1"}, {ID: "aud_2"}},
			}
			change(a)
			body, err := a.Encode()
			if err != nil {
				t.Fatal(err)
			}
			full, err := Decode(body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeSummary(body)
			if err != nil || !reflect.DeepEqual(*got, full.Summary()) {
				t.Errorf("read %+v, want %+v, %v", got, full.Summary(), err)
			}
			if got.AuditID != "aud_1" || got.Subject.Description != "d" || got.Reason() != a.Reason() || got.DecidedBy() != a.DecidedBy() {
				t.Errorf("read %+v", got)
			}
		})
	}
	if _, err := DecodeSummary([]byte("{")); err == nil {
		t.Error("half an object was read")
	}
}
