// Package workflows holds the operations of approval workflows, one file each.
package workflows

import (
	"time"

	"ascend/shared/domain/workflow"
)

const (
	base = "/api/governance/workflows"
	one  = base + "/{workflow_id}"
	tag  = "Workflows"
)

// Workflow is a workflow as answers show it: the members of its definition
// (seeds/003), and beside them the stages that they stand for.
type Workflow struct {
	ID             string              `json:"id"`
	Name           string              `json:"name"`
	Type           workflow.Kind       `json:"type"`
	Approvers      []workflow.Approver `json:"approvers,omitempty"`      // not of multi_stage
	TimeoutSeconds int64               `json:"timeout_seconds,omitzero"` // not of multi_stage
	MinApprovers   int                 `json:"min_approvers,omitzero"`   // not of multi_stage
	Stages         []workflow.Stage    `json:"stages"`
	Priority       int                 `json:"priority"`
	Trigger        *workflow.Trigger   `json:"trigger_conditions"`
	CreatedAt      time.Time           `json:"created_at"`
	CreatedBy      string              `json:"created_by"`
}

func shown(w workflow.Workflow) Workflow {
	out := Workflow{
		ID: w.ID, Name: w.Name, Type: w.Kind, Stages: w.Stages, Priority: w.Priority, Trigger: w.Trigger,
		CreatedAt: w.CreatedAt, CreatedBy: w.CreatedBy,
	}
	if w.Kind != workflow.MultiStage && len(w.Stages) == 1 {
		only := w.Stages[0]
		out.Approvers, out.TimeoutSeconds, out.MinApprovers = only.Approvers, only.TimeoutSeconds, only.MinApprovers
	}
	return out
}
