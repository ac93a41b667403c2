package agent

import "ascend/shared/domain/problem"

// Settings is what a caller says of an agent's configuration, at registration
// or later. An absent member leaves what is; null gives the default of the
// agent's type.
type Settings struct {
	DisplayName        Setting[string]   `json:"display_name,omitzero"`
	Description        Setting[string]   `json:"description,omitzero"`
	AgentType          Setting[Type]     `json:"agent_type,omitzero"`
	DefaultRiskScore   Setting[int]      `json:"default_risk_score,omitzero"`
	MaxRiskThreshold   Setting[int]      `json:"max_risk_threshold,omitzero"`
	AutoApproveBelow   Setting[int]      `json:"auto_approve_below,omitzero"`
	RequiresMFAAbove   Setting[int]      `json:"requires_mfa_above,omitzero"`
	AllowedActionTypes Setting[[]string] `json:"allowed_action_types,omitzero"`
	AllowedResources   Setting[[]string] `json:"allowed_resources,omitzero"`
	BlockedResources   Setting[[]string] `json:"blocked_resources,omitzero"`
	IsMCPServer        Setting[bool]     `json:"is_mcp_server,omitzero"`
	MCPServerURL       Setting[string]   `json:"mcp_server_url,omitzero"`
	MCPCapabilities    Setting[Object]   `json:"mcp_capabilities,omitzero"`
	AlertOnHighRisk    Setting[bool]     `json:"alert_on_high_risk,omitzero"`
	AlertRecipients    Setting[[]string] `json:"alert_recipients,omitzero"`
	WebhookURL         Setting[string]   `json:"webhook_url,omitzero"`
	Tags               Setting[[]string] `json:"tags,omitzero"`
	Metadata           Setting[Object]   `json:"metadata,omitzero"`
	ModelID            Setting[int64]    `json:"model_id,omitzero"`
}

// Apply gives the configuration that the settings make of base, or the fields
// that make no valid one. Thresholds that were set stay when the type changes.
//
// An action at or above max_risk_threshold is never approved by its score, so
// auto_approve_below may not be set above it; when the maximum alone is lowered
// past auto_approve_below, that is lowered with it.
func (s Settings) Apply(base Config) (Config, []problem.Field) {
	c := base.Clone()
	s.AgentType.into(&c.Type, Supervised)
	def := Defaults(c.Type)

	s.DisplayName.into(&c.DisplayName, def.DisplayName)
	s.Description.into(&c.Description, def.Description)
	s.DefaultRiskScore.into(&c.DefaultRiskScore, def.DefaultRiskScore)
	s.MaxRiskThreshold.into(&c.MaxRiskThreshold, def.MaxRiskThreshold)
	s.AutoApproveBelow.into(&c.AutoApproveBelow, def.AutoApproveBelow)
	s.RequiresMFAAbove.into(&c.RequiresMFAAbove, def.RequiresMFAAbove)
	s.AllowedActionTypes.into(&c.AllowedActionTypes, nil)
	s.AllowedResources.into(&c.AllowedResources, nil)
	s.BlockedResources.into(&c.BlockedResources, nil)
	s.IsMCPServer.into(&c.IsMCPServer, def.IsMCPServer)
	s.MCPServerURL.intoOptional(&c.MCPServerURL)
	s.MCPCapabilities.into(&c.MCPCapabilities, nil)
	s.AlertOnHighRisk.into(&c.AlertOnHighRisk, def.AlertOnHighRisk)
	s.AlertRecipients.into(&c.AlertRecipients, nil)
	s.WebhookURL.intoOptional(&c.WebhookURL)
	s.Tags.into(&c.Tags, nil)
	s.Metadata.into(&c.Metadata, nil)
	s.ModelID.intoOptional(&c.ModelID)

	invalid := c.validate()
	if len(invalid) == 0 && c.AutoApproveBelow > c.MaxRiskThreshold {
		if s.AutoApproveBelow.Value() != nil {
			invalid.add("/auto_approve_below", "auto_approve_below must not be above max_risk_threshold (%d)", c.MaxRiskThreshold)
		}
		c.AutoApproveBelow = c.MaxRiskThreshold
	}
	return c, invalid
}

// LimitSettings is what a caller says of an agent's rate limits: absent leaves
// a limit, null makes it unlimited.
type LimitSettings struct {
	PerMinute Setting[int64] `json:"max_actions_per_minute,omitzero"`
	PerHour   Setting[int64] `json:"max_actions_per_hour,omitzero"`
	PerDay    Setting[int64] `json:"max_actions_per_day,omitzero"`
}

// MaxLimit is the largest rate limit that can be set.
const MaxLimit = 1_000_000_000

// Apply gives the limits that the settings make of base, or the fields that
// are not within 0 … MaxLimit. A limit of 0 admits nothing.
func (s LimitSettings) Apply(base Limits) (Limits, []problem.Field) {
	l := base.Clone()
	s.PerMinute.intoOptional(&l.PerMinute)
	s.PerHour.intoOptional(&l.PerHour)
	s.PerDay.intoOptional(&l.PerDay)
	var invalid fieldErrors
	invalid.limit("max_actions_per_minute", l.PerMinute)
	invalid.limit("max_actions_per_hour", l.PerHour)
	invalid.limit("max_actions_per_day", l.PerDay)
	return l, invalid
}
