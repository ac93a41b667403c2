// Package agents holds the use cases of agents: register, configure, start and stop, read.
package agents

import (
	"context"

	"ascend/shared/app/approvals"
	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/app/workflows"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Service runs the use cases of agents. All fields are required.
type Service struct {
	Store     store.Store
	Approvals *approvals.Service // deny what a stopped agent has pending
	Workflows *workflows.Service // to which pending actions may be escalated

	ids command.IDs
}

// Get returns one agent of an organisation.
func (s *Service) Get(ctx context.Context, org tenant.ID, id agent.ID) (agent.Agent, error) {
	if !id.Valid() {
		return agent.Agent{}, errNotFound()
	}
	g, err := record.ReadAgent(ctx, s.Store, org, id)
	if err != nil {
		return agent.Agent{}, err
	}
	if g == nil || g.Status == agent.Deleted {
		return agent.Agent{}, errNotFound()
	}
	return *g, nil
}

// errNotFound returns the answer for an agent that is not there, or not the caller's.
func errNotFound() error {
	return problem.NotFound(problem.CodeAgentNotFound, "agent not found")
}
