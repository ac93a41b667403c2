package agent

import "slices"

// Clone is a copy that shares nothing with c.
func (c Config) Clone() Config {
	c.AllowedActionTypes = slices.Clone(c.AllowedActionTypes)
	c.AllowedResources = slices.Clone(c.AllowedResources)
	c.BlockedResources = slices.Clone(c.BlockedResources)
	c.MCPServerURL = clonePtr(c.MCPServerURL)
	c.MCPCapabilities = c.MCPCapabilities.Clone()
	c.AlertRecipients = slices.Clone(c.AlertRecipients)
	c.WebhookURL = clonePtr(c.WebhookURL)
	c.Tags = slices.Clone(c.Tags)
	c.Metadata = c.Metadata.Clone()
	c.ModelID = clonePtr(c.ModelID)
	c.Limits = c.Limits.Clone()
	c.Escalation = c.Escalation.Clone()
	return c
}

// Clone is a copy that shares nothing with l.
func (l Limits) Clone() Limits {
	return Limits{clonePtr(l.PerMinute), clonePtr(l.PerHour), clonePtr(l.PerDay)}
}

func clonePtr[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
