package governance

import "ascend/shared/domain/agent"

// Proposal is the action that an agent wants to take, as the caller sent it,
// with secrets redacted. It is not trusted to lower a risk.
type Proposal struct {
	AgentID      agent.ID `json:"agent_id"`
	AgentName    string   `json:"agent_name,omitzero"`
	ActionType   string   `json:"action_type"`
	Description  string   `json:"description"`
	ToolName     string   `json:"tool_name"`
	TargetSystem string   `json:"target_system,omitzero"`
	Resource     string   `json:"resource,omitzero"`
	ResourceType string   `json:"resource_type,omitzero"`
	ResourceID   string   `json:"resource_id,omitzero"`
	Environment  string   `json:"environment,omitzero"`

	Parameters     map[string]any `json:"parameters,omitzero"`
	Metadata       map[string]any `json:"metadata,omitzero"`
	Context        map[string]any `json:"context,omitzero"`
	RiskIndicators map[string]any `json:"risk_indicators,omitzero"`

	EstimatedCostUSD string `json:"estimated_cost_usd,omitzero"` // decimal
	ContainsPII      bool   `json:"contains_pii,omitzero"`
	RequireApproval  bool   `json:"require_approval,omitzero"` // the caller asks for a person

	NISTControl string `json:"nist_control,omitzero"` // overrides, validated before
	MITRETactic string `json:"mitre_tactic,omitzero"`

	OrchestrationSession string `json:"orchestration_session_id,omitzero"`
	ParentAction         string `json:"parent_action_id,omitzero"`
	OrchestrationDepth   int    `json:"orchestration_depth,omitzero"`
	MCPServer            string `json:"mcp_server_name,omitzero"`
	ModelID              string `json:"model_id,omitzero"`

	// Ignored names what the caller sent and may not set, such as risk_score.
	Ignored []string `json:"ignored,omitzero"`
}

// StatedEnvironment returns the environment that the proposal states, as the risk
// model reads it: the most critical of several, "" for none.
func (p Proposal) StatedEnvironment() string { return riskInput(p, 0).Environment }

// Agent is a snapshot of the agent at the time of the decision. The zero Agent
// is not registered.
type Agent struct {
	Registered bool             `json:"registered,omitzero"`
	Status     agent.Status     `json:"status,omitzero"`
	Version    string           `json:"version,omitzero"`
	Thresholds agent.Thresholds `json:"thresholds"`

	AllowedActionTypes []string `json:"allowed_action_types,omitzero"`
	AllowedResources   []string `json:"allowed_resources,omitzero"`
	BlockedResources   []string `json:"blocked_resources,omitzero"`
	AlertOnHighRisk    bool     `json:"alert_on_high_risk,omitzero"`

	Escalation *agent.Escalation `json:"escalation,omitzero"` // nil: none
}

// AgentOf returns the snapshot of a registered agent; nil is an unregistered one,
// whose high risks always alert.
func AgentOf(g *agent.Agent) Agent {
	if g == nil {
		return Agent{Thresholds: agent.Unregistered(), AlertOnHighRisk: true}
	}
	return Agent{
		Registered: true, Status: g.Status, Version: g.Version, Thresholds: g.Config.Thresholds(),
		AllowedActionTypes: g.Config.AllowedActionTypes,
		AllowedResources:   g.Config.AllowedResources,
		BlockedResources:   g.Config.BlockedResources,
		AlertOnHighRisk:    g.Config.AlertOnHighRisk,
		Escalation:         g.Config.Escalation,
	}
}

// Admission is the result of counting an action against the rate limits: whether
// it was counted, or which limits were full.
type Admission struct {
	Counted bool         `json:"counted"`
	Full    []FullWindow `json:"full,omitzero"`
}

// FullWindow is a rate limit that is used up.
type FullWindow struct {
	Window       string `json:"window"` // minute, hour or day
	Limit        int64  `json:"limit"`
	Current      int64  `json:"current"`
	ResetsMillis int64  `json:"resets_ms"` // until the window ends
}

// Effect is what a matching policy or smart rule asks for.
type Effect string

// The effects (decision 14). Block is a synonym of Deny.
const (
	Allow           Effect = "allow"
	Deny            Effect = "deny"
	Block           Effect = "block"
	RequireApproval Effect = "require_approval"
	Escalate        Effect = "escalate"
	Flag            Effect = "flag"
)

// Finding is a policy or smart rule that matched the proposal.
type Finding struct {
	Rule       string `json:"rule"` // its id
	Name       string `json:"name"`
	Source     string `json:"source"` // "policy" or "smart_rule"
	Effect     Effect `json:"effect"`
	Priority   int    `json:"priority"` // the lowest number decides
	WorkflowID string `json:"workflow_id,omitzero"`
}

// The sources of a Finding.
const (
	FromPolicy    = "policy"
	FromSmartRule = "smart_rule"
)

// Input is everything a decision depends on. It is stored with the action, so
// that the decision can be made again from its record.
type Input struct {
	Proposal   Proposal  `json:"proposal"`
	Agent      Agent     `json:"agent"`
	KillSwitch string    `json:"kill_switch,omitzero"` // why the organisation is stopped, "" when it is not
	Admission  Admission `json:"admission"`
	Findings   []Finding `json:"findings,omitzero"`
}
