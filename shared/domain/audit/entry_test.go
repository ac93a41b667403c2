package audit_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
)

// everyEvent is each event that entries record, with its data as JSON.
func everyEvent() map[string]string {
	all := map[string]string{audit.EventWorkflowCreated: `{"workflow":{}}`}
	for _, event := range []string{
		audit.EventAgentRegistered, audit.EventAgentUpdated, audit.EventAgentActivated, audit.EventAgentSuspended, audit.EventAgentDeleted,
	} {
		all[event] = `{"id":1,"status":"active","version":"1.0.0"}`
	}
	for _, event := range []string{
		audit.EventActionApproved, audit.EventActionDenied, audit.EventActionBlocked, audit.EventActionPending,
		audit.EventActionEscalated, audit.EventActionTimeout, audit.EventApprovalRecorded,
	} {
		all[event] = `{"agent_id":"a","status":"denied"}`
	}
	return all
}

func TestAnEntryIsReadAsItWasWritten(t *testing.T) {
	one := 1
	score, email, webhook := 12.5, "e", "w"
	for name, c := range map[string]struct {
		event string
		data  audit.Data
		want  string // event_data
	}{
		"a registration": {audit.EventAgentRegistered, &audit.AgentChanged{ID: 1 << 60, Status: agent.Draft, Version: "1.0.0"},
			`{"id":1152921504606846976,"status":"draft","version":"1.0.0"}`},
		"a rollback": {audit.EventAgentUpdated, &audit.AgentChanged{
			ID: 1, Status: agent.Active, Version: "1.1.0", PreviousStatus: agent.Active, PreviousVersion: "1.0.1", Reason: "why", RestoredVersion: "1.0.0",
			Changes: []agent.FieldChange{{Field: "metadata", From: []byte(`{"n":9007199254740993}`), To: []byte("{}")}},
		}, `{"id":1,"status":"active","version":"1.1.0","previous_status":"active","previous_version":"1.0.1",` +
			`"changes":[{"field":"metadata","from":{"n":9007199254740993},"to":{}}],"reason":"why","restored_version":"1.0.0"}`},
		"a decision on a submission": {audit.EventActionApproved, &audit.ActionDecided{
			AgentID: "a", ActionType: "t", Status: governance.Approved, DecidedBy: "auto_approve", Reason: "low", Digest: "d",
		}, `{"agent_id":"a","action_type":"t","status":"approved","decided_by":"auto_approve","reason":"low","digest":"d"}`},
		"an approval of a stage": {audit.EventApprovalRecorded, &audit.ActionDecided{
			AgentID: "a", ActionType: "t", Status: governance.Pending, DecidedBy: "threshold", Reason: "fine", Digest: "d",
			Move: &audit.Move{Stage: 1, Stages: 2, NextStage: 2, Remaining: &one},
		}, `{"agent_id":"a","action_type":"t","status":"pending_approval","decided_by":"threshold","reason":"fine","digest":"d",` +
			`"stage":1,"stages":2,"next_stage":2,"remaining_approvals":1}`},
		"a denial by timeout": {audit.EventActionTimeout, &audit.ActionDecided{
			AgentID: "a", ActionType: "t", Status: governance.Denied, DecidedBy: "timeout", Reason: "late", Digest: "d",
			Move: &audit.Move{Stage: 2, Stages: 2, Escalation: audit.DenyWithEscalation, EscalationEmail: &email, EscalationWebhookURL: &webhook},
		}, `{"agent_id":"a","action_type":"t","status":"denied","decided_by":"timeout","reason":"late","digest":"d",` +
			`"stage":2,"stages":2,"escalation":"deny_with_escalation","escalation_email":"e","escalation_webhook_url":"w"}`},
		"a workflow": {audit.EventWorkflowCreated, &audit.WorkflowCreated{Workflow: workflow.Workflow{
			ID: "wf_1", Name: "n", Kind: workflow.Single, Trigger: &workflow.Trigger{MinRisk: &score}, CreatedBy: "b",
			Stages: []workflow.Stage{{Name: "s", Approvers: []workflow.Approver{{Role: tenant.Admin}}, TimeoutSeconds: 60, MinApprovers: 1}},
		}}, `{"workflow":{"id":"wf_1","name":"n","type":"single_approval","stages":[{"name":"s","approvers":[{"role":"admin"}],"timeout_seconds":60,"min_approvers":1}],` +
			`"priority":0,"trigger":{"min_risk":12.5},"created_at":"0001-01-01T00:00:00Z","created_by":"b"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			before := audit.Entry{
				ID: "aud_1", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Event: c.event, Org: 7, Actor: "s", ActorType: tenant.Person, ActorName: "n",
				ResourceType: "r", ResourceID: "i", Action: "v", Outcome: audit.Success, RiskLevel: "low", Data: c.data,
				SourceIP: "1.2.3.4", UserAgent: "u", CorrelationID: "c",
			}
			text, err := json.Marshal(before)
			if err != nil {
				t.Fatal(err)
			}
			if data, err := json.Marshal(c.data); err != nil || string(data) != c.want {
				t.Errorf("the data is written as\n%s, %v\nwant\n%s", data, err, c.want)
			}
			var after audit.Entry
			if err := json.Unmarshal(text, &after); err != nil || !reflect.DeepEqual(before, after) {
				t.Errorf("%v; wrote %+v with %+v\nread %+v with %+v", err, before, before.Data, after, after.Data)
			}
		})
	}
}

func TestEachEventHasItsData(t *testing.T) {
	for event, data := range everyEvent() {
		var e audit.Entry
		if err := json.Unmarshal([]byte(`{"event_type":"`+event+`","event_data":`+data+`}`), &e); err != nil || e.Data == nil {
			t.Errorf("%s: %v, %v", event, e.Data, err)
		}
	}
}

func TestDataThatCannotBeReadIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"of an event that nothing records": `{"event_type":"action.submitted","event_data":{}}`,
		"without an event":                 `{"event_data":{}}`,
		"of another type":                  `{"event_type":"agent.updated","event_data":{"id":"1"}}`,
		"that is a list":                   `{"event_type":"agent.updated","event_data":[]}`,
	} {
		if err := json.Unmarshal([]byte(text), new(audit.Entry)); err == nil {
			t.Errorf("data %s was read", name)
		}
	}
}

func TestAnEntryWithoutDataIsReadWhateverItsEvent(t *testing.T) {
	for _, event := range []string{"", "action.submitted", audit.EventAgentDeleted} {
		var e audit.Entry
		if err := json.Unmarshal([]byte(`{"id":"aud_1","event_type":"`+event+`"}`), &e); err != nil || e.ID != "aud_1" || e.Data != nil {
			t.Errorf("%q: %+v, %v", event, e, err)
		}
	}
}
