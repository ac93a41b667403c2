// Package workflows holds the use cases of approval workflows: create, read and list.
package workflows

import (
	"context"
	"time"

	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
)

// maxWorkflowBytes bounds an organisation's workflows as JSON, because every
// submission reads the record that holds them.
const maxWorkflowBytes = 64 << 10

// Service runs the use cases of workflows.
type Service struct{ Store store.Store }

// Create adds a workflow to the organisation's. It holds for actions
// that are submitted from now on.
func (s *Service) Create(ctx context.Context, c *command.Command, d workflow.Definition) (workflow.Workflow, error) {
	w, invalid := d.Workflow()
	if err := invalid.Err(); err != nil {
		return workflow.Workflow{}, err
	}
	w.CreatedAt, w.CreatedBy = c.At.Truncate(time.Millisecond), c.Principal.Name()
	return command.Once(ctx, s.Store, c, func(ctx context.Context) (workflow.Workflow, []store.Op, error) {
		w := w
		w.ID = command.NewRecordID("wf_")
		o, write, err := s.organizationToChange(ctx, c)
		if err != nil {
			return workflow.Workflow{}, nil, err
		}
		all, err := record.DecodeWorkflows(o)
		if err != nil {
			return workflow.Workflow{}, nil, err
		}
		if len(all) >= workflow.MaxWorkflows {
			return workflow.Workflow{}, nil, problem.InvalidField("", "an organisation has at most %d workflows", workflow.MaxWorkflows)
		}
		if o.Workflows, err = record.Encode("encode the workflows", append(all, w)); err != nil {
			return workflow.Workflow{}, nil, err
		}
		if len(o.Workflows) > maxWorkflowBytes {
			return workflow.Workflow{}, nil, problem.InvalidField("", "an organisation's workflows must not exceed %d KiB together", maxWorkflowBytes>>10)
		}
		put, err := write(o)
		if err != nil {
			return workflow.Workflow{}, nil, err
		}
		change, err := workflowEntry(c, w)
		return w, []store.Op{put, change}, err
	})
}

// workflowEntry returns the write of the audit entry of a new workflow.
func workflowEntry(c *command.Command, w workflow.Workflow) (store.Put, error) {
	entry := c.Entry(audit.EventWorkflowCreated, "create", "workflow", w.ID, &audit.WorkflowCreated{Workflow: w})
	body, err := record.Encode("encode an audit entry", entry)
	return store.Put{
		Item: store.Item{Key: store.OrganizationChangeKey(c.Principal.Org, entry.ID), Body: body},
		If:   []store.Cond{store.Absent()},
	}, err
}
