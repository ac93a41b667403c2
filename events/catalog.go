package events

import (
	"fmt"
	"reflect"
	"sync"

	"ascend/shared/domain/audit"
)

// Kind is one kind of event.
type Kind struct {
	Name  string
	Data  Data   // the zero value of its Go type; nil: not sent yet
	When  string // it is sent, as its schema says
	Later string // what has to be built first; "" for what is sent
}

// Catalog returns every kind of event (decision 33), including those that are
// not sent yet. It alone says which name a Go type is sent under.
func Catalog() []Kind {
	return []Kind{
		{Name: audit.EventActionSubmitted, Data: ActionSubmitted{}, When: "An agent asked to act. The decision on it is told by an event of its own."},
		{Name: audit.EventActionApproved, Data: ActionApproved{}, When: "An action may go ahead."},
		{Name: audit.EventActionDenied, Data: ActionDenied{}, When: "A pending action was rejected, or its agent stopped."},
		{Name: audit.EventActionBlocked, Data: ActionBlocked{}, When: "The decision on a submission refused it."},
		{Name: audit.EventActionPending, Data: ActionPending{}, When: "An action waits for approval."},
		{Name: audit.EventActionEscalated, Data: ActionEscalated{}, When: "A stage of an approval timed out and the next one began."},
		{Name: audit.EventActionTimeout, Data: ActionTimeout{}, When: "Nobody approved in time; the action is denied."},
		{Name: audit.EventActionCompleted, Later: "the completion endpoint (decision 23)"},
		{Name: audit.EventActionFailed, Later: "the completion endpoint (decision 23)"},

		{Name: audit.EventWorkflowStarted, Data: WorkflowStarted{}, When: "The approval of an action began."},
		{Name: audit.EventWorkflowCompleted, Data: WorkflowCompleted{}, When: "The approval of an action ended, one way or another."},
		{Name: audit.EventWorkflowEscalated, Data: WorkflowEscalated{}, When: "The approval of an action moved to its next stage, because one timed out."},

		{Name: audit.EventAgentRegistered, Data: AgentRegistered{}, When: "An agent was registered."},
		{Name: audit.EventAgentUpdated, Data: AgentUpdated{}, When: "An agent's configuration changed, or it returned to draft."},
		{Name: audit.EventAgentActivated, Data: AgentActivated{}, When: "An agent may act."},
		{Name: audit.EventAgentSuspended, Data: AgentSuspended{}, When: "An agent was stopped."},
		{Name: audit.EventAgentDeleted, Data: AgentDeleted{}, When: "An agent was deleted."},

		{Name: audit.EventPolicyCreated, Later: "the policies' endpoints"},
		{Name: audit.EventPolicyUpdated, Later: "the policies' endpoints"},
		{Name: audit.EventPolicyDeleted, Later: "the policies' endpoints"},
		{Name: audit.EventPolicyViolated, Later: "the policies' endpoints"},

		{Name: audit.EventAlertTriggered, Data: AlertTriggered{}, When: "The decision on a submission asks for somebody's attention."},
		{Name: audit.EventBudgetThreshold, Later: "budgets (decision 23)"},
		{Name: audit.EventSecurityHighRisk, Data: SecurityHighRisk{}, When: "An action of risk level high or critical was submitted."},
		{Name: audit.EventSecurityAnomaly, Later: "anomaly detection (decision 26)"},
		{Name: audit.EventWebhookDisabled, Later: "webhooks (decision 34)"},
	}
}

var names = sync.OnceValue(func() map[reflect.Type]string {
	all := map[reflect.Type]string{}
	for _, k := range Catalog() {
		if k.Data != nil {
			all[reflect.TypeOf(k.Data)] = k.Name
		}
	}
	return all
})

// nameOf returns the name that data is sent under.
func nameOf(data Data) string {
	name, ok := names()[reflect.TypeOf(data)]
	if !ok {
		panic(fmt.Sprintf("events: Catalog does not list %T", data))
	}
	return name
}
