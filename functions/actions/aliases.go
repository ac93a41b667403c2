package actions

import "ascend/shared/endpoint"

// The older names of operations, which published clients still call
// (clients.md section 3; seeds/000 names the first).

// SubmitSDK serves POST /api/sdk/agent-action.
func SubmitSDK() endpoint.Route {
	return endpoint.Define(alias(submitSpec("sdk-agent-action", "/api/sdk/agent-action"), "actions-submit"), submit)
}

// SubmitAuthorization serves POST /api/authorization/agent-action.
func SubmitAuthorization() endpoint.Route {
	return endpoint.Define(alias(submitSpec("authorization-agent-action", "/api/authorization/agent-action"), "actions-submit"), submit)
}

// GetAgentAction serves GET /api/agent-action/{action_id}.
func GetAgentAction() endpoint.Route {
	return endpoint.Define(alias(getSpec("agent-action-get", "/api/agent-action/{action_id}"), "actions-get"), get)
}

// StatusAgentAction serves GET /api/agent-action/status/{action_id}.
func StatusAgentAction() endpoint.Route {
	return endpoint.Define(alias(statusSpec("agent-action-status", "/api/agent-action/status/{action_id}"), "actions-status"), status)
}

func alias(s endpoint.Spec, of string) endpoint.Spec {
	s.AliasOf = of
	return s
}
