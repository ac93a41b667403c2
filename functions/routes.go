package functions

import (
	"ascend/functions/actions"
	"ascend/functions/agents"
	"ascend/functions/risk"
	"ascend/functions/system"
	"ascend/functions/workflows"
	"ascend/shared/endpoint"
)

// Table lists the operations; each entry makes its route. A new operation is
// one file, its test, and one row here (then run make generate).
func Table() []func() endpoint.Route {
	return []func() endpoint.Route{
		actions.Submit,
		actions.List,
		actions.Get,
		actions.Status,
		actions.Approve,
		actions.Reject,

		agents.Register,
		agents.List,
		agents.Get,
		agents.Update,
		agents.Delete,
		agents.Activate,
		agents.Suspend,
		agents.Deactivate,
		agents.Versions,
		agents.RollBack,
		agents.RateLimits,
		agents.Escalation,
		agents.Usage,

		workflows.Create,
		workflows.List,
		workflows.Get,

		risk.Evaluate,

		system.Health,
		system.DeploymentInfo,
		system.OpenAPI,

		// For published clients that wait (clients.md §4).
		actions.SDKApproval,

		// Older names that published clients use (clients.md §3, seeds/000).
		actions.SubmitSDK,
		actions.SubmitAuthorization,
		actions.GetAgentAction,
		actions.StatusAgentAction,
	}
}

// Routes makes the route of every operation in the table.
func Routes() []endpoint.Route {
	table := Table()
	routes := make([]endpoint.Route, len(table))
	for i, define := range table {
		routes[i] = define()
	}
	return routes
}

//go:generate go run ./gen
