package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/apptest"
	"ascend/shared/app/page"
	"ascend/shared/app/record"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/organization"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
)

// workflowNamed is a plain workflow of a name and priority.
func workflowNamed(t *testing.T, name string, priority int) workflow.Definition {
	d := apptest.Definition(t, apptest.PlainWorkflow)
	d.Name, d.Priority = name, &priority
	return d
}

func create(f *apptest.Fixture, d workflow.Definition) workflow.Workflow {
	f.T.Helper()
	w, err := f.Workflows.Create(context.Background(), f.Command(apptest.Admin), d)
	if err != nil {
		f.T.Fatal(err)
	}
	return w
}

// workflows are the names of an organisation's workflows, in the order of the list.
func listed(f *apptest.Fixture, org tenant.ID) string {
	f.T.Helper()
	list, err := f.Workflows.List(context.Background(), org)
	if err != nil {
		f.T.Fatal(err)
	}
	return names(apptest.All(f.T, list))
}

func names(all []workflow.Workflow) string {
	var list []string
	for _, w := range all {
		list = append(list, w.Name)
	}
	return strings.Join(list, " ")
}

// organizationChanges are the audit bodies kept of an organisation's record.
func organizationChanges(f *apptest.Fixture) []audit.Entry {
	return f.Audited(store.Directory, "change#")
}

func putOrganization(f *apptest.Fixture, attrs store.Attrs) {
	f.T.Helper()
	put, err := record.PutOrganization(organization.Organization{ID: 1, Name: "One", KillSwitch: &organization.KillSwitch{Reason: "incident 7"}}, 1)
	if err != nil {
		f.T.Fatal(err)
	}
	put.Item.Attrs = attrs
	if _, err := f.Raw.Write(context.Background(), put); err != nil {
		f.T.Fatal(err)
	}
}

func TestAWorkflowIsKeptInTheOrganisationsRecord(t *testing.T) {
	for name, before := range map[string]func(*apptest.Fixture){
		"that has a revision":                      func(f *apptest.Fixture) { putOrganization(f, store.Attrs{store.AttrRev: store.N(7)}) },
		"from before records had revisions":        func(f *apptest.Fixture) { putOrganization(f, nil) },
		"that is made where there was none so far": func(*apptest.Fixture) {},
	} {
		t.Run(name, func(t *testing.T) {
			f := apptest.New(t)
			before(f)
			first, second := create(f, workflowNamed(t, "first", 2)), create(f, workflowNamed(t, "second", 1))
			if !strings.HasPrefix(first.ID, "wf_") || first.ID >= second.ID {
				t.Errorf("the ids are %s and %s", first.ID, second.ID)
			}
			if got := listed(f, 1); got != "second first" {
				t.Errorf("the list is %s", got)
			}
			if got := listed(f, 2); got != "" {
				t.Errorf("another organisation has %s", got)
			}
			got, err := f.Workflows.Get(context.Background(), 1, first.ID)
			if err != nil || got.Name != "first" || got.CreatedBy != "admin@example.com" || !got.CreatedAt.Equal(f.Now()) {
				t.Errorf("read back: %+v, %v", got, err)
			}
			for org, id := range map[tenant.ID]string{1: "wf_0", 2: first.ID} {
				if _, err := f.Workflows.Get(context.Background(), org, id); apptest.Kind(err) != problem.KindNotFound {
					t.Errorf("organisation %d reads %s: %v", org, id, err)
				}
			}
			var record organization.Organization
			items, err := f.Raw.Get(context.Background(), store.OrganizationKey(1))
			if err != nil || json.Unmarshal(items[0].Body, &record) != nil || record.ID != 1 {
				t.Fatalf("the record is %v, %v", items, err)
			}
			if strings.Contains(name, "made") == (record.KillSwitch != nil) {
				t.Errorf("the rest of the record became %+v", record)
			}
			changes := organizationChanges(f)
			if len(changes) != 2 || changes[0].Event != "workflow.created" || changes[0].ResourceID != first.ID || changes[0].Actor != "sub-1" {
				t.Errorf("audited: %+v", changes)
			}
		})
	}
}

func TestWorkflowsMadeAtOnceAreAllKept(t *testing.T) {
	for name, attrs := range map[string]store.Attrs{"with a revision": {store.AttrRev: store.N(1)}, "without one": nil} {
		t.Run(name, func(t *testing.T) {
			f := apptest.New(t)
			putOrganization(f, attrs)
			var all sync.WaitGroup
			kept := make([]bool, 8)
			for i := range kept {
				all.Go(func() {
					for !kept[i] { // a command that met too many others may come again
						_, err := f.Workflows.Create(context.Background(), f.Command(apptest.Admin), workflowNamed(t, fmt.Sprint(i), i))
						if err != nil && apptest.Kind(err) != problem.KindUnavailable {
							t.Error(err)
							return
						}
						kept[i] = err == nil
					}
				})
			}
			all.Wait()
			if got := listed(f, 1); got != "0 1 2 3 4 5 6 7" || len(organizationChanges(f)) != 8 {
				t.Errorf("kept %s, audited %d", got, len(organizationChanges(f)))
			}
		})
	}
}

func TestAWorkflowIsMadeOnceWhateverHappensToTheWrite(t *testing.T) {
	for name, trouble := range apptest.Troubles {
		t.Run(name, func(t *testing.T) {
			f := apptest.New(t)
			trouble(f)
			first, err := f.Workflows.Create(context.Background(), f.Keyed(apptest.Admin, "0001", "d"), apptest.Definition(t, apptest.PlainWorkflow))
			if err != nil && apptest.Kind(err) != problem.KindUnavailable {
				t.Fatal(err)
			}
			again, err2 := f.Workflows.Create(context.Background(), f.Keyed(apptest.Admin, "0001", "d"), apptest.Definition(t, apptest.PlainWorkflow))
			if err2 != nil || err == nil && again.ID != first.ID {
				t.Errorf("first %s (%v), again %s (%v)", first.ID, err, again.ID, err2)
			}
			if got := listed(f, 1); got != "W" || len(organizationChanges(f)) != 1 {
				t.Errorf("there are %s, audited %d", got, len(organizationChanges(f)))
			}
		})
	}
}

func TestAnOrganisationHasBoundedWorkflows(t *testing.T) {
	f := apptest.New(t)
	for i := range workflow.MaxWorkflows {
		create(f, workflowNamed(t, fmt.Sprint("w", i), 1))
	}
	if _, err := f.Workflows.Create(context.Background(), f.Command(apptest.Admin), apptest.Definition(t, apptest.PlainWorkflow)); apptest.Kind(err) != problem.KindInvalid || !strings.Contains(err.Error(), "at most 50") {
		t.Errorf("one more: %v", err)
	}
	if _, err := f.Workflows.Create(context.Background(), f.Command(apptest.OtherAdmin), apptest.Definition(t, apptest.PlainWorkflow)); err != nil {
		t.Errorf("another organisation's first: %v", err)
	}

	f = apptest.New(t)
	large := apptest.Definition(t, apptest.PlainWorkflow)
	large.Trigger = &workflow.Trigger{Environments: slices.Repeat([]string{strings.Repeat("e", 200)}, 50), ActionTypes: slices.Repeat([]string{strings.Repeat("a", 200)}, 50)}
	made := 0
	for made < workflow.MaxWorkflows {
		_, err := f.Workflows.Create(context.Background(), f.Command(apptest.Admin), large)
		if err != nil {
			if apptest.Kind(err) != problem.KindInvalid || !strings.Contains(err.Error(), "64 KiB") {
				t.Error(err)
			}
			break
		}
		made++
	}
	items, err := f.Raw.Get(context.Background(), store.OrganizationKey(1))
	if err != nil || made != 3 || len(items[0].Body) > 66<<10 {
		t.Errorf("%d large workflows, %d bytes, %v", made, len(items[0].Body), err)
	}
}

func TestWorkflowsAreListedInParts(t *testing.T) {
	f := apptest.New(t)
	for i := range 5 {
		create(f, workflowNamed(t, fmt.Sprint(i), 9-i))
	}
	read := func(r page.Range) (string, page.Part, error) {
		list, err := f.Workflows.List(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		var all []workflow.Workflow
		part, err := page.Read(context.Background(), list, r, func(w workflow.Workflow) bool { all = append(all, w); return true })
		return names(all), part, err
	}
	for _, c := range []struct {
		limit, offset int
		want          string
		more          bool
	}{{2, 0, "4 3", true}, {2, 3, "1 0", false}, {5, 0, "4 3 2 1 0", false}, {2, 4, "0", false}, {2, 5, "", false}, {2, 99, "", false}} {
		got, part, err := read(page.Range{Limit: c.limit, Offset: c.offset})
		if err != nil || got != c.want || part.Total != 5 || !part.Exact || part.Offset != c.offset || (part.Next != nil) != c.more {
			t.Errorf("%+v: %s, %+v, %v", c, got, part, err)
		}
	}
	var all []string
	for r := (page.Range{Limit: 2}); ; {
		got, part, err := read(r)
		if err != nil || part.Offset != len(all)*2 {
			t.Fatalf("after %+v: %+v, %v", r.Cursor, part, err)
		}
		all = append(all, got)
		if r.Cursor = part.Next; r.Cursor == nil {
			break
		}
	}
	if got := strings.Join(all, ", "); got != "4 3, 2 1, 0" {
		t.Errorf("in parts: %s", got)
	}
	if _, _, err := read(page.Range{Limit: 2, Cursor: &page.Cursor{After: "wf_0"}}); apptest.Kind(err) != problem.KindInvalid {
		t.Errorf("after what is not there: %v", err)
	}
}
