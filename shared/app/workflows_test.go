package app_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/agents"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/organization"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
)

// definition reads the definition of a request.
func definition(t *testing.T, body string) workflow.Definition {
	t.Helper()
	var d workflow.Definition
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

const plainWorkflow = `{"name": "W", "type": "single_approval", "approvers": [{"role": "manager"}], "timeout_seconds": 60}`

// workflowNamed is a plain workflow of a name and priority.
func workflowNamed(t *testing.T, name string, priority int) workflow.Definition {
	d := definition(t, plainWorkflow)
	d.Name, d.Priority = name, &priority
	return d
}

func (r *registry) workflow(d workflow.Definition) workflow.Workflow {
	r.t.Helper()
	w, err := r.Workflows.Create(context.Background(), r.command(), d)
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

// workflows are the names of an organisation's workflows, in the order of the list.
func (r *registry) workflows(org tenant.ID) string {
	r.t.Helper()
	list, err := r.Workflows.List(context.Background(), org, record.Range{Limit: 100})
	if err != nil || list.Total != len(list.Workflows) || list.Next != "" {
		r.t.Fatalf("%d of %d, next %q, %v", len(list.Workflows), list.Total, list.Next, err)
	}
	return names(list.Workflows)
}

func names(all []workflow.Workflow) string {
	var list []string
	for _, w := range all {
		list = append(list, w.Name)
	}
	return strings.Join(list, " ")
}

// organizationChanges are the audit bodies kept of an organisation's record.
func (r *registry) organizationChanges() (all []audit.Entry) {
	r.t.Helper()
	page, err := r.store.Store.Query(context.Background(), store.Query{Table: store.Directory, PK: "1", Prefix: "change#", Limit: 1000})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, item := range page.Items {
		var e audit.Entry
		if err := json.Unmarshal(item.Body, &e); err != nil {
			r.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func (r *registry) putOrganization(attrs store.Attrs) {
	r.t.Helper()
	put, err := record.PutOrganization(organization.Organization{ID: 1, Name: "One", KillSwitch: &organization.KillSwitch{Reason: "incident 7"}}, 1)
	if err != nil {
		r.t.Fatal(err)
	}
	put.Item.Attrs = attrs
	if _, err := r.store.Write(context.Background(), put); err != nil {
		r.t.Fatal(err)
	}
}

func TestAWorkflowIsKeptInTheOrganisationsRecord(t *testing.T) {
	for name, before := range map[string]func(*registry){
		"that has a revision":                      func(r *registry) { r.putOrganization(store.Attrs{store.AttrRev: store.N(7)}) },
		"from before records had revisions":        func(r *registry) { r.putOrganization(nil) },
		"that is made where there was none so far": func(*registry) {},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			before(r)
			first, second := r.workflow(workflowNamed(t, "first", 2)), r.workflow(workflowNamed(t, "second", 1))
			if !strings.HasPrefix(first.ID, "wf_") || first.ID >= second.ID {
				t.Errorf("the ids are %s and %s", first.ID, second.ID)
			}
			if got := r.workflows(1); got != "second first" {
				t.Errorf("the list is %s", got)
			}
			if got := r.workflows(2); got != "" {
				t.Errorf("another organisation has %s", got)
			}
			got, err := r.Workflows.Get(context.Background(), 1, first.ID)
			if err != nil || got.Name != "first" || got.CreatedBy != "admin@example.com" || !got.CreatedAt.Equal(r.now) {
				t.Errorf("read back: %+v, %v", got, err)
			}
			for org, id := range map[tenant.ID]string{1: "wf_0", 2: first.ID} {
				if _, err := r.Workflows.Get(context.Background(), org, id); kind(err) != problem.KindNotFound {
					t.Errorf("organisation %d reads %s: %v", org, id, err)
				}
			}
			var record organization.Organization
			items, err := r.store.Get(context.Background(), store.OrganizationKey(1))
			if err != nil || json.Unmarshal(items[0].Body, &record) != nil || record.ID != 1 {
				t.Fatalf("the record is %v, %v", items, err)
			}
			if strings.Contains(name, "made") == (record.KillSwitch != nil) {
				t.Errorf("the rest of the record became %+v", record)
			}
			changes := r.organizationChanges()
			if len(changes) != 2 || changes[0].Event != "workflow.created" || changes[0].ResourceID != first.ID || changes[0].Actor != "sub-1" {
				t.Errorf("audited: %+v", changes)
			}
		})
	}
}

func TestWorkflowsMadeAtOnceAreAllKept(t *testing.T) {
	for name, attrs := range map[string]store.Attrs{"with a revision": {store.AttrRev: store.N(1)}, "without one": nil} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			r.putOrganization(attrs)
			var all sync.WaitGroup
			kept := make([]bool, 8)
			for i := range kept {
				all.Go(func() {
					for !kept[i] { // a command that met too many others may come again
						_, err := r.Workflows.Create(context.Background(), r.command(), workflowNamed(t, fmt.Sprint(i), i))
						if err != nil && kind(err) != problem.KindUnavailable {
							t.Error(err)
							return
						}
						kept[i] = err == nil
					}
				})
			}
			all.Wait()
			if got := r.workflows(1); got != "0 1 2 3 4 5 6 7" || len(r.organizationChanges()) != 8 {
				t.Errorf("kept %s, audited %d", got, len(r.organizationChanges()))
			}
		})
	}
}

func TestAWorkflowIsMadeOnceWhateverHappensToTheWrite(t *testing.T) {
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			r.store.meet(trouble)
			first, err := r.Workflows.Create(context.Background(), r.repeat("0001", "d", false), definition(t, plainWorkflow))
			if err != nil && kind(err) != problem.KindUnavailable {
				t.Fatal(err)
			}
			again, err2 := r.Workflows.Create(context.Background(), r.repeat("0001", "d", false), definition(t, plainWorkflow))
			if err2 != nil || err == nil && again.ID != first.ID {
				t.Errorf("first %s (%v), again %s (%v)", first.ID, err, again.ID, err2)
			}
			if got := r.workflows(1); got != "W" || len(r.organizationChanges()) != 1 {
				t.Errorf("there are %s, audited %d", got, len(r.organizationChanges()))
			}
		})
	}
}

func TestAnOrganisationHasBoundedWorkflows(t *testing.T) {
	r := newRegistry(t)
	for i := range workflow.MaxWorkflows {
		r.workflow(workflowNamed(t, fmt.Sprint("w", i), 1))
	}
	if _, err := r.Workflows.Create(context.Background(), r.command(), definition(t, plainWorkflow)); kind(err) != problem.KindInvalid || !strings.Contains(err.Error(), "at most 50") {
		t.Errorf("one more: %v", err)
	}
	if _, err := r.Workflows.Create(context.Background(), r.command(admin2()), definition(t, plainWorkflow)); err != nil {
		t.Errorf("another organisation's first: %v", err)
	}

	r = newRegistry(t)
	large := definition(t, plainWorkflow)
	large.Trigger = &workflow.Trigger{Environments: slices.Repeat([]string{strings.Repeat("e", 200)}, 50), ActionTypes: slices.Repeat([]string{strings.Repeat("a", 200)}, 50)}
	made := 0
	for made < workflow.MaxWorkflows {
		_, err := r.Workflows.Create(context.Background(), r.command(), large)
		if err != nil {
			if kind(err) != problem.KindInvalid || !strings.Contains(err.Error(), "64 KiB") {
				t.Error(err)
			}
			break
		}
		made++
	}
	items, err := r.store.Get(context.Background(), store.OrganizationKey(1))
	if err != nil || made != 3 || len(items[0].Body) > 66<<10 {
		t.Errorf("%d large workflows, %d bytes, %v", made, len(items[0].Body), err)
	}
}

func admin2() tenant.Principal {
	p := admin
	p.Org = 2
	return p
}

func TestWorkflowsAreListedInParts(t *testing.T) {
	r := newRegistry(t)
	ctx := context.Background()
	for i := range 5 {
		r.workflow(workflowNamed(t, fmt.Sprint(i), 9-i))
	}
	for _, c := range []struct {
		limit, offset int
		want          string
		more          bool
	}{{2, 0, "4 3", true}, {2, 3, "1 0", false}, {5, 0, "4 3 2 1 0", false}, {2, 4, "0", false}, {2, 5, "", false}, {2, 99, "", false}} {
		list, err := r.Workflows.List(ctx, 1, record.Range{Limit: c.limit, Offset: c.offset})
		if got := names(list.Workflows); err != nil || got != c.want || list.Total != 5 || list.Offset != c.offset || (list.Next != "") != c.more {
			t.Errorf("%+v: %s, offset %d, next %q, %v", c, got, list.Offset, list.Next, err)
		}
	}
	var all []string
	for after := ""; ; {
		list, err := r.Workflows.List(ctx, 1, record.Range{Limit: 2, After: after})
		if err != nil || list.Offset != len(all)*2 {
			t.Fatalf("after %q: offset %d, %v", after, list.Offset, err)
		}
		all = append(all, names(list.Workflows))
		if after = list.Next; after == "" {
			break
		}
	}
	if got := strings.Join(all, ", "); got != "4 3, 2 1, 0" {
		t.Errorf("in parts: %s", got)
	}
	if _, err := r.Workflows.List(ctx, 1, record.Range{Limit: 2, After: "wf_0"}); kind(err) != problem.KindInvalid {
		t.Errorf("after what is not there: %v", err)
	}
}

func TestEscalationIsAConfigurationOfTheAgent(t *testing.T) {
	r := newRegistry(t)
	ctx := context.Background()
	r.register("my-agent")
	w, foreign := r.workflow(definition(t, plainWorkflow)), ""
	if other, err := r.Workflows.Create(ctx, r.command(admin2()), definition(t, plainWorkflow)); err != nil {
		t.Fatal(err)
	} else {
		foreign = other.ID
	}
	set := func(body string) (agents.Change, error) {
		var s agent.EscalationSettings
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			t.Fatal(err)
		}
		return r.Agents.SetEscalation(ctx, r.command(), "my-agent", s)
	}
	for _, step := range []struct {
		body, version, workflow string
		changed                 bool
	}{
		{`{"workflow_id": "` + w.ID + `", "timeout_seconds": 60}`, "1.1.0", w.ID, true},
		{`{"workflow_id": "` + w.ID + `", "timeout_seconds": 60, "allow_queued_approval": true}`, "1.1.0", w.ID, false},
		{`{"escalation_email": "a@b.example"}`, "1.2.0", "", true},
		{`{}`, "1.3.0", "none", true},
		{`{"escalation_email": null}`, "1.3.0", "none", false},
	} {
		got, err := set(step.body)
		id := "none"
		if e := got.Agent.Config.Escalation; e != nil {
			id = e.WorkflowID
		}
		if err != nil || got.Agent.Version != step.version || got.Changed != step.changed || id != step.workflow {
			t.Errorf("%s: version %s, changed %v, workflow %s, %v", step.body, got.Agent.Version, got.Changed, id, err)
		}
	}
	for _, body := range []string{`{"workflow_id": "wf_0"}`, `{"workflow_id": "` + foreign + `"}`, `{"timeout_seconds": 0}`} {
		if _, err := set(body); kind(err) != problem.KindInvalid || len(problem.As(err).Fields) != 1 {
			t.Errorf("%s: %v", body, err)
		}
	}
	back, err := r.Agents.Rollback(ctx, r.command(), "my-agent", "1.1.0")
	if err != nil || back.Agent.Config.Escalation == nil || back.Agent.Config.Escalation.WorkflowID != w.ID {
		t.Errorf("rolled back to %+v, %v", back.Agent.Config.Escalation, err)
	}
	if got := r.events("my-agent"); strings.Count(got, "agent.updated") != 4 {
		t.Errorf("audited: %s", got)
	}
}
