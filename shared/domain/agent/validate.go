package agent

import (
	"slices"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/exact"
	"ascend/shared/domain/problem"
)

// The bounds of a configuration. Characters are Unicode code points.
const (
	MaxDisplayName = 255      // characters (seeds/001)
	MaxDescription = 4096     // characters
	MaxScore       = 100      // of each score; the least is 0
	MaxEntries     = 200      // of each list
	MaxEntry       = 256      // characters of each entry
	MaxObject      = 16 << 10 // bytes of metadata, and of mcp_capabilities, as JSON
	MaxConfig      = 64 << 10 // bytes of the whole configuration as JSON
	MaxModelID     = exact.MaxInteger
	MaxReason      = 1000 // characters of a reason for a suspension or activation
)

// Types returns the documented types of agents.
func Types() []Type { return []Type{Autonomous, Supervised, Advisory, MCPServer, Custom} }

// Valid reports whether t is one of the documented types.
func (t Type) Valid() bool { return slices.Contains(Types(), t) }

// ValidateReason returns what is wrong with the reason of a suspension or activation.
func ValidateReason(reason string) problem.Fields {
	var invalid problem.Fields
	invalid.Prose("/reason", reason, MaxReason)
	return invalid
}

// validate returns every field of the configuration that is out of bounds.
func (c Config) validate() problem.Fields {
	var invalid problem.Fields
	invalid.Required("/display_name", c.DisplayName)
	invalid.Text("/display_name", c.DisplayName, MaxDisplayName)
	invalid.Prose("/description", c.Description, MaxDescription)
	problem.OneOf(&invalid, "/agent_type", c.Type, Types())
	invalid.Integer("/default_risk_score", int64(c.DefaultRiskScore), 0, MaxScore)
	invalid.Integer("/auto_approve_below", int64(c.AutoApproveBelow), 0, MaxScore)
	invalid.Integer("/max_risk_threshold", int64(c.MaxRiskThreshold), 0, MaxScore)
	invalid.Integer("/requires_mfa_above", int64(c.RequiresMFAAbove), 0, MaxScore)
	invalid.List("/allowed_action_types", c.AllowedActionTypes, MaxEntries, MaxEntry)
	invalid.List("/allowed_resources", c.AllowedResources, MaxEntries, MaxEntry)
	invalid.List("/blocked_resources", c.BlockedResources, MaxEntries, MaxEntry)
	invalid.URL("/mcp_server_url", c.MCPServerURL, "https", "http")
	invalid.Object("/mcp_capabilities", c.MCPCapabilities, MaxObject)
	if invalid.List("/alert_recipients", c.AlertRecipients, MaxEntries, MaxEntry) {
		invalid.Emails("/alert_recipients", c.AlertRecipients)
	}
	invalid.URL("/webhook_url", c.WebhookURL, "https")
	invalid.List("/tags", c.Tags, MaxEntries, MaxEntry)
	invalid.Object("/metadata", c.Metadata, MaxObject)
	if c.ModelID != nil {
		invalid.Integer("/model_id", *c.ModelID, 0, MaxModelID)
	}
	if len(invalid) == 0 {
		if b, err := json.Marshal(c); err != nil || len(b) > MaxConfig {
			invalid.Add("", "the agent's configuration must not exceed %d KiB", MaxConfig>>10)
		}
	}
	return invalid
}
