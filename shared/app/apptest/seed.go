package apptest

import (
	"context"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/organization"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
)

// The principals of organisation 1.
var (
	Admin   = tenant.Principal{Org: 1, Kind: tenant.Person, Subject: "sub-1", Email: "admin@example.com", Role: tenant.Admin}
	Machine = tenant.Principal{Org: 1, Kind: tenant.Machine, Subject: "key:1", Role: tenant.Admin}
	Manager = tenant.Principal{Org: 1, Kind: tenant.Person, Subject: "sub-2", UserID: 2, Email: "m@example.com", Role: tenant.Manager, MFA: true}
)

// OtherAdmin is the admin of organisation 2.
var OtherAdmin = tenant.Principal{Org: 2, Kind: tenant.Person, Subject: "sub-1", Email: "admin@example.com", Role: tenant.Admin}

// Approver returns the n-th of as many managers as a test needs.
func Approver(n int) tenant.Principal {
	return tenant.Principal{
		Org: 1, Kind: tenant.Person, Subject: fmt.Sprint("approver-", n), UserID: int64(100 + n),
		Email: fmt.Sprintf("approver-%d@example.com", n), Role: tenant.Manager, MFA: true,
	}
}

// Email returns a proposal of risk 35.
func Email(id agent.ID) governance.Proposal {
	return governance.Proposal{AgentID: id, ActionType: "email_send", Description: "d", ToolName: "t"}
}

// Deletion returns a proposal that a supervised agent needs approval for.
func Deletion(id agent.ID) governance.Proposal {
	return governance.Proposal{
		AgentID: id, ActionType: "database_delete", Description: "d", ToolName: "t",
		Resource: "customer database", Environment: "production", ContainsPII: true,
	}
}

// Settings reads an agent's settings from the body of a request.
func Settings(t testing.TB, body string) (s agent.Settings) {
	t.Helper()
	decode(t, body, &s)
	return s
}

// Limits reads an agent's limits from the body of a request.
func Limits(t testing.TB, body string) (s agent.LimitSettings) {
	t.Helper()
	decode(t, body, &s)
	return s
}

// Definition reads a workflow's definition from the body of a request.
func Definition(t testing.TB, body string) (d workflow.Definition) {
	t.Helper()
	decode(t, body, &d)
	return d
}

func decode(t testing.TB, body string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), v); err != nil {
		t.Fatal(err)
	}
}

// PlainWorkflow is the definition of a workflow of one stage.
const PlainWorkflow = `{"name": "W", "type": "single_approval", "approvers": [{"role": "manager"}], "timeout_seconds": 60}`

// Stop turns on the kill switch of organisation 1.
func (f *Fixture) Stop(reason string) {
	f.T.Helper()
	f.Put(record.PutOrganization(organization.Organization{ID: 1, Name: "One", KillSwitch: &organization.KillSwitch{Reason: reason}}, 1))
}

// Deletions makes a workflow with these stages the one of organisation 1 for deletions.
func (f *Fixture) Deletions(stages ...workflow.Stage) {
	f.T.Helper()
	for i := range stages {
		stages[i].Name = fmt.Sprint("stage ", i+1)
		stages[i].Approvers = []workflow.Approver{{Role: tenant.Manager}}
		stages[i].TimeoutSeconds = 3600
	}
	flows, err := json.Marshal([]workflow.Workflow{{
		ID: "wf_1", Name: "Deletions", Kind: workflow.MultiStage, Stages: stages,
		Trigger: &workflow.Trigger{ActionTypes: []string{"database_delete"}},
	}})
	if err != nil {
		f.T.Fatal(err)
	}
	f.Put(record.PutOrganization(organization.Organization{ID: 1, Name: "One", Workflows: flows}, 1))
}

// Audited returns the audit entries that are kept in organisation 1 beside a record:
// in a table under a prefix, oldest first.
func (f *Fixture) Audited(table store.Table, prefix string) []audit.Entry {
	f.T.Helper()
	page, err := f.Raw.Query(context.Background(), store.Query{Table: table, PK: "1", Prefix: prefix, Limit: 1000})
	if err != nil {
		f.T.Fatal(err)
	}
	entries := make([]audit.Entry, len(page.Items))
	for i, item := range page.Items {
		decode(f.T, string(item.Body), &entries[i])
	}
	return entries
}
