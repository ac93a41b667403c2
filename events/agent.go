package events

// Agent is part of every event of an agent.
type Agent struct {
	ID      int64  `json:"id" doc:"The service's own number of the agent."`
	AgentID string `json:"agent_id"`
	Status  string `json:"status" enum:"draft,active,suspended,deleted" doc:"After the change."`
	Version string `json:"version" doc:"Of its configuration, after the change."`
	Actor   Actor  `json:"actor" doc:"Who changed it."`
	AuditID string `json:"audit_id" doc:"The audit entry of the change."`
}

// Previously is the agent's state before a change.
type Previously struct {
	PreviousStatus  string `json:"previous_status" enum:"draft,active,suspended"`
	PreviousVersion string `json:"previous_version"`
}

// AgentRegistered is sent when an agent was registered as a draft.
type AgentRegistered struct{ Agent }

// AgentUpdated is sent when an agent's configuration changed, or it returned to
// draft. It names the settings that changed, not their values.
type AgentUpdated struct {
	Agent
	Previously
	Change          string   `json:"change" doc:"Such as update, set_rate_limits, rollback or deactivate."`
	ChangedFields   []string `json:"changed_fields"`
	RestoredVersion string   `json:"restored_version,omitzero" doc:"Of a rollback."`
}

// AgentActivated is sent when an agent was activated.
type AgentActivated struct {
	Agent
	Previously
	Reason string `json:"reason,omitzero"`
}

// AgentSuspended is sent when an agent was suspended.
type AgentSuspended struct {
	Agent
	Previously
	Reason string `json:"reason,omitzero"`
}

// AgentDeleted is sent when an agent was deleted.
type AgentDeleted struct {
	Agent
	Previously
}
