package actions

import "ascend/shared/endpoint"

// The older names of operations, which published clients still call
// (clients.md section 3; seeds/000 names the first).

// SubmitSDK is POST /api/sdk/agent-action.
func SubmitSDK() endpoint.Route {
	return endpoint.Define(submitSpec("sdk-agent-action", "/api/sdk/agent-action"), submit)
}

// SubmitAuthorization is POST /api/authorization/agent-action.
func SubmitAuthorization() endpoint.Route {
	return endpoint.Define(submitSpec("authorization-agent-action", "/api/authorization/agent-action"), submit)
}

// GetAgentAction is GET /api/agent-action/{action_id}.
func GetAgentAction() endpoint.Route {
	return endpoint.Define(getSpec("agent-action-get", "/api/agent-action/{action_id}"), get)
}

// StatusAgentAction is GET /api/agent-action/status/{action_id}.
func StatusAgentAction() endpoint.Route {
	return endpoint.Define(statusSpec("agent-action-status", "/api/agent-action/status/{action_id}"), status)
}
