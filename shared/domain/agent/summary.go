package agent

import "time"

// Summary is what lists show of an agent. It is stored beside the agent, so that
// a list reads no configurations.
type Summary struct {
	Serial           int64     `json:"id"`
	ID               ID        `json:"agent_id"`
	DisplayName      string    `json:"display_name"`
	Description      string    `json:"description"`
	Type             Type      `json:"agent_type"`
	Status           Status    `json:"status"`
	Version          string    `json:"version"`
	DefaultRiskScore int       `json:"default_risk_score"`
	AutoApproveBelow int       `json:"auto_approve_below"`
	MaxRiskThreshold int       `json:"max_risk_threshold"`
	IsMCPServer      bool      `json:"is_mcp_server"`
	Tags             []string  `json:"tags"`
	CreatedAt        time.Time `json:"created_at"`
}

// Summary returns the agent as lists show it.
func (a Agent) Summary() Summary {
	c := a.Config
	return Summary{
		Serial: a.Serial, ID: a.ID, DisplayName: c.DisplayName, Description: c.Description, Type: c.Type,
		Status: a.Status, Version: a.Version, DefaultRiskScore: c.DefaultRiskScore, AutoApproveBelow: c.AutoApproveBelow,
		MaxRiskThreshold: c.MaxRiskThreshold, IsMCPServer: c.IsMCPServer, Tags: c.Tags, CreatedAt: a.CreatedAt,
	}
}
