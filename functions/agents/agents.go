// Package agents holds the operations of the agent registry, one file each.
package agents

import (
	"time"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

const (
	base = "/api/registry/agents"
	one  = base + "/{agent_id}"
	tag  = "Agents"
)

// The tables that the commands of agents use.
var (
	readsAgent = []store.Table{store.Agents, store.Commands}
	// A setting that a submission does not look at is in the agent's record alone.
	writesSetting = []store.Table{store.Agents, store.Commands}
	// Status and limits are in the counters' item too, where a submission finds them.
	writesState = []store.Table{store.Agents, store.Counters, store.Commands}
	// A stop denies the agent's pending actions.
	stopReads  = []store.Table{store.Agents, store.Commands, store.Actions}
	stopWrites = []store.Table{store.Agents, store.Counters, store.Commands, store.Actions}
)

// One names the agent of a request.
type One struct {
	AgentID agent.ID `path:"agent_id" json:"-" doc:"Your unique agent identifier."`
}

// Agent is an agent in detail (seeds/002, "Get Single Agent"). Suspension,
// RateLimits and Escalation are ours.
type Agent struct {
	ID             int64             `json:"id"`
	AgentID        agent.ID          `json:"agent_id"`
	DisplayName    string            `json:"display_name"`
	Description    string            `json:"description"`
	AgentType      agent.Type        `json:"agent_type"`
	Status         agent.Status      `json:"status"`
	Version        string            `json:"version"`
	RiskConfig     RiskConfig        `json:"risk_config"`
	Capabilities   Capabilities      `json:"capabilities"`
	MCPIntegration MCPIntegration    `json:"mcp_integration"`
	Notifications  Notifications     `json:"notifications"`
	Tags           []string          `json:"tags"`
	Metadata       agent.Object      `json:"metadata"`
	Audit          Audit             `json:"audit"`
	Suspension     *agent.Suspension `json:"suspension"`
	RateLimits     agent.Limits      `json:"rate_limits"`
	Escalation     *agent.Escalation `json:"escalation"`
	ModelID        *int64            `json:"model_id,omitzero"`
}

// RiskConfig is the scores that an agent's actions are held to, each 0 to 100.
type RiskConfig struct {
	DefaultRiskScore           int `json:"default_risk_score"`
	MaxRiskThreshold           int `json:"max_risk_threshold"`
	AutoApproveBelow           int `json:"auto_approve_below"`
	RequiresMFAAbove           int `json:"requires_mfa_above"`
	AutonomousAutoApproveBelow int `json:"autonomous_auto_approve_below"`
	AutonomousMaxRiskThreshold int `json:"autonomous_max_risk_threshold"`
}

// Capabilities is what an agent may do; an empty list restricts nothing.
type Capabilities struct {
	AllowedActionTypes []string `json:"allowed_action_types"`
	AllowedResources   []string `json:"allowed_resources"`
	BlockedResources   []string `json:"blocked_resources"`
}

// MCPIntegration says whether and where an agent is an MCP server.
type MCPIntegration struct {
	IsMCPServer     bool         `json:"is_mcp_server"`
	MCPServerURL    *string      `json:"mcp_server_url"`
	MCPCapabilities agent.Object `json:"mcp_capabilities"`
}

// Notifications says who is told of an agent's actions.
type Notifications struct {
	AlertOnHighRisk bool     `json:"alert_on_high_risk"`
	AlertRecipients []string `json:"alert_recipients"`
	WebhookURL      *string  `json:"webhook_url"`
}

// Audit says who made, changed and activated an agent, and when.
type Audit struct {
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	UpdatedAt  time.Time  `json:"updated_at"`
	UpdatedBy  string     `json:"updated_by"`
	ApprovedAt *time.Time `json:"approved_at"`
	ApprovedBy *string    `json:"approved_by"`
}

func detail(g agent.Agent) Agent {
	c := g.Config
	return Agent{
		ID: g.Serial, AgentID: g.ID, DisplayName: c.DisplayName, Description: c.Description,
		AgentType: c.Type, Status: g.Status, Version: g.Version,
		RiskConfig: RiskConfig{
			DefaultRiskScore: c.DefaultRiskScore, MaxRiskThreshold: c.MaxRiskThreshold,
			AutoApproveBelow: c.AutoApproveBelow, RequiresMFAAbove: c.RequiresMFAAbove,
			AutonomousAutoApproveBelow: c.AutonomousAutoApproveBelow, AutonomousMaxRiskThreshold: c.AutonomousMaxRiskThreshold,
		},
		Capabilities: Capabilities{
			AllowedActionTypes: c.AllowedActionTypes, AllowedResources: c.AllowedResources, BlockedResources: c.BlockedResources,
		},
		MCPIntegration: MCPIntegration{IsMCPServer: c.IsMCPServer, MCPServerURL: c.MCPServerURL, MCPCapabilities: c.MCPCapabilities},
		Notifications:  Notifications{AlertOnHighRisk: c.AlertOnHighRisk, AlertRecipients: c.AlertRecipients, WebhookURL: c.WebhookURL},
		Tags:           c.Tags, Metadata: c.Metadata,
		Audit: Audit{
			CreatedAt: g.CreatedAt, CreatedBy: g.CreatedBy, UpdatedAt: g.UpdatedAt, UpdatedBy: g.UpdatedBy,
			ApprovedAt: g.ApprovedAt, ApprovedBy: g.ApprovedBy,
		},
		Suspension: g.Suspension, RateLimits: c.Limits, Escalation: c.Escalation, ModelID: c.ModelID,
	}
}

// Summary is an agent in short (seeds/001).
type Summary struct {
	ID             int64        `json:"id"`
	AgentID        agent.ID     `json:"agent_id"`
	DisplayName    string       `json:"display_name"`
	Status         agent.Status `json:"status"`
	Version        string       `json:"version"`
	AgentType      agent.Type   `json:"agent_type"`
	CreatedAt      time.Time    `json:"created_at"`
	OrganizationID tenant.ID    `json:"organization_id"`
}

func summary(g agent.Agent) Summary {
	return Summary{
		ID: g.Serial, AgentID: g.ID, DisplayName: g.Config.DisplayName, Status: g.Status, Version: g.Version,
		AgentType: g.Config.Type, CreatedAt: g.CreatedAt, OrganizationID: g.Org,
	}
}

// said returns the message of a change: what was done, or that it already was so.
func said(changed bool, done, already string, id agent.ID) string {
	if changed {
		return done + ": " + string(id)
	}
	return already + ": " + string(id)
}
