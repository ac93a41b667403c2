package agent

import "ascend/shared/domain/problem"

// Settings are the members of a request that configure an agent, at
// registration or later. Each is named as its field of Config. An absent member
// leaves the field; null sets the default of the agent's type.
type Settings struct {
	DisplayName        Setting[string]   `json:"display_name,omitzero" doc:"What people call the agent, up to 255 characters. Required at registration."`
	Description        Setting[string]   `json:"description,omitzero" doc:"What the agent is for, up to 4096 characters."`
	Type               Setting[Type]     `json:"agent_type,omitzero" doc:"One of autonomous, supervised, advisory, mcp_server, custom; supervised by default."`
	DefaultRiskScore   Setting[int]      `json:"default_risk_score,omitzero" doc:"0 to 100, 50 by default."`
	MaxRiskThreshold   Setting[int]      `json:"max_risk_threshold,omitzero" doc:"0 to 100: actions at or above this score need approval. The default depends on the type."`
	AutoApproveBelow   Setting[int]      `json:"auto_approve_below,omitzero" doc:"0 to 100, not above max_risk_threshold: actions below this score are approved. The default depends on the type."`
	RequiresMFAAbove   Setting[int]      `json:"requires_mfa_above,omitzero" doc:"0 to 100: approvers of actions above this score need a second factor. The default depends on the type."`
	AllowedActionTypes Setting[[]string] `json:"allowed_action_types,omitzero" doc:"The action types the agent may submit, up to 200; none restricts nothing."`
	AllowedResources   Setting[[]string] `json:"allowed_resources,omitzero" doc:"The resources the agent may act on, up to 200; none restricts nothing."`
	BlockedResources   Setting[[]string] `json:"blocked_resources,omitzero" doc:"The resources the agent may not act on, up to 200."`
	IsMCPServer        Setting[bool]     `json:"is_mcp_server,omitzero" doc:"Whether the agent is an MCP server; false by default."`
	MCPServerURL       Setting[string]   `json:"mcp_server_url,omitzero" doc:"Where the MCP server is: an absolute https or http URL."`
	MCPCapabilities    Setting[Object]   `json:"mcp_capabilities,omitzero" doc:"What the MCP server offers, up to 16 KiB."`
	AlertOnHighRisk    Setting[bool]     `json:"alert_on_high_risk,omitzero" doc:"Whether actions of high risk raise an alert; true by default."`
	AlertRecipients    Setting[[]string] `json:"alert_recipients,omitzero" doc:"E-mail addresses that alerts go to, up to 200."`
	WebhookURL         Setting[string]   `json:"webhook_url,omitzero" doc:"Where notifications go: an absolute https URL."`
	Tags               Setting[[]string] `json:"tags,omitzero" doc:"Up to 200 words to sort agents by."`
	Metadata           Setting[Object]   `json:"metadata,omitzero" doc:"Whatever else the caller keeps of the agent, up to 16 KiB."`
	ModelID            Setting[int64]    `json:"model_id,omitzero" doc:"The caller's number for the model behind the agent."`
}

// Apply returns base with the settings, or the fields that are not valid.
// Thresholds that were set stay when the type changes.
//
// An action at or above max_risk_threshold is never approved by its score, so
// auto_approve_below may not be set above it. Lowering only the maximum below
// auto_approve_below lowers that as well.
func (s Settings) Apply(base Config) (Config, problem.Fields) {
	c := base
	if !s.Type.IsZero() {
		c.Type = Supervised
	}
	if t := s.Type.Value(); t != nil {
		c.Type = *t
	}
	assign(s, &c, Defaults(c.Type))

	invalid := c.validate()
	if len(invalid) == 0 && c.AutoApproveBelow > c.MaxRiskThreshold {
		if s.AutoApproveBelow.Value() != nil {
			invalid.Add("/auto_approve_below", "auto_approve_below must not be above max_risk_threshold (%d)", c.MaxRiskThreshold)
		}
		c.AutoApproveBelow = c.MaxRiskThreshold
	}
	return c, invalid
}

// LimitSettings are the members of a request that sets an agent's rate limits:
// absent leaves a limit, null makes it unlimited.
type LimitSettings struct {
	PerMinute Setting[int64] `json:"max_actions_per_minute,omitzero" doc:"Admitted actions per UTC minute: 0 to 1000000000, or null for unlimited."`
	PerHour   Setting[int64] `json:"max_actions_per_hour,omitzero" doc:"Admitted actions per UTC hour: 0 to 1000000000, or null for unlimited."`
	PerDay    Setting[int64] `json:"max_actions_per_day,omitzero" doc:"Admitted actions per UTC day: 0 to 1000000000, or null for unlimited."`
}

// MaxLimit is the largest rate limit that can be set.
const MaxLimit = 1_000_000_000

// Apply returns base with the settings, or the fields that are not within
// 0 … MaxLimit. A limit of 0 admits nothing.
func (s LimitSettings) Apply(base Limits) (Limits, problem.Fields) {
	l := base
	assign(s, &l, Limits{})
	var invalid problem.Fields
	for _, limit := range []struct {
		name string
		n    *int64
	}{{"max_actions_per_minute", l.PerMinute}, {"max_actions_per_hour", l.PerHour}, {"max_actions_per_day", l.PerDay}} {
		if n := limit.n; n != nil && (*n < 0 || *n > MaxLimit) {
			invalid.Add("/"+limit.name, "%s must be an integer between 0 and %d, or null for unlimited", limit.name, MaxLimit)
		}
	}
	return l, invalid
}
