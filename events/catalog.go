package events

// Kind is one kind of event. Data is the zero value of its Go type, or nil
// where Later says why it is not sent yet.
type Kind struct {
	Name string
	Data Data
	When string // it is sent, as its schema says
	// Later is what has to be built first, "" for what is sent.
	Later string
}

// Catalog lists every kind of event there is (decision 33), also those that
// are not sent yet. No event of another name is sent.
func Catalog() []Kind {
	return []Kind{
		{Name: "action.submitted", Data: ActionSubmitted{}, When: "An agent asked to act. The decision on it is told by an event of its own."},
		{Name: "action.approved", Data: ActionApproved{}, When: "An action may go ahead."},
		{Name: "action.denied", Data: ActionDenied{}, When: "A pending action was rejected, or its agent stopped."},
		{Name: "action.blocked", Data: ActionBlocked{}, When: "The decision on a submission refused it."},
		{Name: "action.pending", Data: ActionPending{}, When: "An action waits for approval."},
		{Name: "action.escalated", Data: ActionEscalated{}, When: "A stage of an approval timed out and the next one began."},
		{Name: "action.timeout", Data: ActionTimeout{}, When: "Nobody approved in time; the action is denied."},
		{Name: "action.completed", Later: "the completion endpoint (decision 23)"},
		{Name: "action.failed", Later: "the completion endpoint (decision 23)"},

		{Name: "workflow.started", Data: WorkflowStarted{}, When: "The approval of an action began."},
		{Name: "workflow.completed", Data: WorkflowCompleted{}, When: "The approval of an action ended, one way or another."},
		{Name: "workflow.escalated", Data: WorkflowEscalated{}, When: "The approval of an action moved to its next stage, because one timed out."},

		{Name: "agent.registered", Data: AgentRegistered{}, When: "An agent was registered."},
		{Name: "agent.updated", Data: AgentUpdated{}, When: "An agent's configuration changed, or it returned to draft."},
		{Name: "agent.activated", Data: AgentActivated{}, When: "An agent may act."},
		{Name: "agent.suspended", Data: AgentSuspended{}, When: "An agent was stopped."},
		{Name: "agent.deleted", Data: AgentDeleted{}, When: "An agent was deleted."},

		{Name: "policy.created", Later: "the policies' endpoints"},
		{Name: "policy.updated", Later: "the policies' endpoints"},
		{Name: "policy.deleted", Later: "the policies' endpoints"},
		{Name: "policy.violated", Later: "the policies' endpoints"},

		{Name: "alert.triggered", Data: AlertTriggered{}, When: "The decision on a submission asks for somebody's attention."},
		{Name: "budget.threshold", Later: "budgets (decision 23)"},
		{Name: "security.high_risk", Data: SecurityHighRisk{}, When: "An action of risk level high or critical was submitted."},
		{Name: "security.anomaly", Later: "anomaly detection (decision 26)"},
		{Name: "webhook.disabled", Later: "webhooks (decision 34)"},
	}
}
