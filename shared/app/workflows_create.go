package app

import (
	"context"
	"fmt"
	"time"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
)

// maxWorkflowBytes bounds an organisation's workflows as JSON, because every
// submission reads the record that holds them.
const maxWorkflowBytes = 64 << 10

// CreateWorkflow adds a workflow to the organisation's. It holds for actions
// that are submitted from now on.
func (a *App) CreateWorkflow(ctx context.Context, c *Command, d workflow.Definition) (workflow.Workflow, error) {
	w, invalid := d.Workflow()
	if len(invalid) > 0 {
		return workflow.Workflow{}, problem.InvalidFields(invalid...)
	}
	w.CreatedAt, w.CreatedBy = c.At.Truncate(time.Millisecond), c.Principal.Name()
	return once(ctx, a, c, func(ctx context.Context) (workflow.Workflow, []store.Op, error) {
		w := w
		w.ID = newRecordID("wf_")
		o, write, err := a.organizationToChange(ctx, c)
		if err != nil {
			return workflow.Workflow{}, nil, err
		}
		all, err := o.workflows()
		if err != nil {
			return workflow.Workflow{}, nil, err
		}
		if len(all) >= workflow.MaxWorkflows {
			return workflow.Workflow{}, nil, errWorkflows("an organisation has at most %d workflows", workflow.MaxWorkflows)
		}
		if o.Workflows, err = encode(append(all, w)); err != nil {
			return workflow.Workflow{}, nil, err
		}
		if len(o.Workflows) > maxWorkflowBytes {
			return workflow.Workflow{}, nil, errWorkflows("an organisation's workflows must not exceed %d KiB together", maxWorkflowBytes>>10)
		}
		put, err := write(o)
		if err != nil {
			return workflow.Workflow{}, nil, err
		}
		change, err := workflowEntry(c, w)
		return w, []store.Op{put, change}, err
	})
}

// workflowEntry is the write of the audit body of a new workflow.
func workflowEntry(c *Command, w workflow.Workflow) (store.Put, error) {
	entry := c.entry("workflow.created", "create", "workflow", w.ID, map[string]any{"workflow": w})
	body, err := encode(entry)
	return store.Put{
		Item: store.Item{Key: store.OrganizationChangeKey(c.Principal.Org, entry.ID), Body: body},
		If:   []store.Cond{store.Absent()},
	}, err
}

func errWorkflows(format string, args ...any) error {
	return problem.InvalidFields(problem.Field{Pointer: "", Detail: fmt.Sprintf(format, args...)})
}
