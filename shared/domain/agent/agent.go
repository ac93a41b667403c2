// Package agent models a registered agent: its configuration, its life cycle
// and its versions.
//
//	         register
//	            │
//	            ▼       activate
//	┌──────── draft ───────────────► active ◄─┐
//	│           ▲                     │  │    │ activate
//	│           └─────── deactivate ──┘  │    │ (with a reason after an
//	│           ▲                suspend │    │  emergency)
//	│           └─ deactivate ─┐         ▼    │
//	└──────────────────────── suspended ──────┘
//	             suspend
//
// An agent of any status can be deleted. Its ID is unknown then, until it is
// registered again and a new life begins.
package agent

import (
	"time"

	"ascend/shared/domain/tenant"
)

// Type is how independently an agent works; it picks the default thresholds.
type Type string

// The documented types.
const (
	Supervised Type = "supervised"
	Autonomous Type = "autonomous"
	Advisory   Type = "advisory"
	MCPServer  Type = "mcp_server"
	Custom     Type = "custom"
)

// Status is where an agent is in its life. Only an active agent's actions are decided on their merits.
type Status string

// The documented statuses, and Deleted, which no endpoint shows.
const (
	Draft     Status = "draft"
	Active    Status = "active"
	Suspended Status = "suspended"
	Deleted   Status = "deleted"
)

// Limits are an agent's rate limits in admitted actions per fixed UTC window;
// nil is unlimited.
type Limits struct {
	PerMinute *int64 `json:"max_actions_per_minute"`
	PerHour   *int64 `json:"max_actions_per_hour"`
	PerDay    *int64 `json:"max_actions_per_day"`
}

// Config is everything of an agent that a version keeps and a rollback
// restores. Copies share their lists, objects and pointers, so these are
// replaced and never changed in place.
//
// A change of a field raises the part of the version that its tag names
// (decision 11): patch for what describes the agent, major for what it is, and
// minor, without a tag, for what controls it.
type Config struct {
	DisplayName string `json:"display_name" version:"patch"`
	Description string `json:"description" version:"patch"`
	Type        Type   `json:"agent_type" version:"major"`

	// Scores are 0 to 100.
	DefaultRiskScore           int `json:"default_risk_score"`
	AutoApproveBelow           int `json:"auto_approve_below"`
	MaxRiskThreshold           int `json:"max_risk_threshold"`
	RequiresMFAAbove           int `json:"requires_mfa_above"`
	AutonomousAutoApproveBelow int `json:"autonomous_auto_approve_below"`
	AutonomousMaxRiskThreshold int `json:"autonomous_max_risk_threshold"`

	// An empty list restricts nothing.
	AllowedActionTypes []string `json:"allowed_action_types"`
	AllowedResources   []string `json:"allowed_resources"`
	BlockedResources   []string `json:"blocked_resources"`

	IsMCPServer     bool    `json:"is_mcp_server"`
	MCPServerURL    *string `json:"mcp_server_url"`
	MCPCapabilities Object  `json:"mcp_capabilities"`

	AlertOnHighRisk bool     `json:"alert_on_high_risk" version:"patch"`
	AlertRecipients []string `json:"alert_recipients" version:"patch"`
	WebhookURL      *string  `json:"webhook_url" version:"patch"`

	Tags     []string `json:"tags" version:"patch"`
	Metadata Object   `json:"metadata" version:"patch"`

	// ModelID is the caller's own number for the model behind the agent; the
	// published clients set it (clients.md §4).
	ModelID *int64 `json:"model_id,omitzero" version:"patch"`

	Limits     Limits      `json:"rate_limits"`
	Escalation *Escalation `json:"escalation"` // nil: none
}

// Thresholds are the scores that separate approved, pending and denied.
type Thresholds struct {
	AutoApproveBelow int  `json:"auto_approve_below"`
	MaxRiskThreshold int  `json:"max_risk_threshold"`
	RequiresMFAAbove int  `json:"requires_mfa_above"`
	Type             Type `json:"agent_type"`
	Registered       bool `json:"is_registered"`
}

// Unregistered returns the thresholds of an agent that nobody registered
// (seeds/004, "Unregistered Agent Handling").
func Unregistered() Thresholds {
	return Thresholds{AutoApproveBelow: 30, MaxRiskThreshold: 70, RequiresMFAAbove: 70, Type: "unregistered"}
}

// Thresholds returns the thresholds that apply: for an autonomous agent the
// stricter of its ordinary and its autonomous pair.
func (c Config) Thresholds() Thresholds {
	t := Thresholds{
		AutoApproveBelow: c.AutoApproveBelow, MaxRiskThreshold: c.MaxRiskThreshold, RequiresMFAAbove: c.RequiresMFAAbove,
		Type: c.Type, Registered: true,
	}
	if c.Type == Autonomous {
		t.AutoApproveBelow = min(t.AutoApproveBelow, c.AutonomousAutoApproveBelow)
		t.MaxRiskThreshold = min(t.MaxRiskThreshold, c.AutonomousMaxRiskThreshold)
	}
	return t
}

// The kinds of suspension.
const (
	Ordinary  = "ordinary"
	Emergency = "emergency"
)

// Suspension records why and by whom an agent was stopped.
type Suspension struct {
	Kind   string    `json:"kind"` // Ordinary or Emergency
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
}

// Agent is the record of a registered agent.
type Agent struct {
	Serial  int64     `json:"id"` // the service's own integer id
	ID      ID        `json:"agent_id"`
	Org     tenant.ID `json:"organization_id"`
	Status  Status    `json:"status"`
	Version string    `json:"version"` // semantic, of Config
	Number  int       `json:"version_number"`
	Config  Config    `json:"config"`

	Suspension *Suspension `json:"suspension,omitzero"`

	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	UpdatedAt  time.Time  `json:"updated_at"`
	UpdatedBy  string     `json:"updated_by"`
	ApprovedAt *time.Time `json:"approved_at"` // of the last activation
	ApprovedBy *string    `json:"approved_by"`

	Revision int64 `json:"revision"` // counts the writes of the record
}
