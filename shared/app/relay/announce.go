package relay

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/events"
	"ascend/shared/domain/action"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/risk"
	"ascend/shared/store"
)

// announce makes the events that tell of a change: those of the audit entries
// that it added. They are made of nothing but the change, so that they are the
// same each time.
func announce(c store.Change) ([]events.Event, error) {
	switch {
	case c.New == nil:
		return nil, nil
	case store.IsAction(c.Key):
		return announceAction(c)
	case store.IsChange(c.Key) && c.Old == nil:
		return announceAgent(c.New.Body)
	}
	return nil, nil
}

func announceAction(c store.Change) ([]events.Event, error) {
	act, err := decode(c.New)
	if err != nil {
		return nil, err
	}
	if len(act.Audit) == 0 {
		return nil, fmt.Errorf("announce %v: it has no audit entry", c.Key)
	}
	var before action.Action
	if c.Old != nil {
		old, err := decode(c.Old)
		if err != nil {
			return nil, err
		}
		before = *old
	}
	var all []events.Event
	for i, entry := range act.Audit {
		if slices.ContainsFunc(before.Audit, func(known audit.Entry) bool { return known.ID == entry.ID }) {
			continue
		}
		var data []events.Data
		if i == 0 {
			data, err = submission(act.AtSubmission(), entry)
		} else {
			data, err = move(act, entry)
		}
		if err != nil {
			return nil, fmt.Errorf("announce %v: %w", c.Key, err)
		}
		for _, d := range data {
			all = append(all, events.New(entry, d))
		}
	}
	return all, nil
}

// untold skips most of an action's record: what no event tells.
var untold = json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(skip[governance.Agent]), json.UnmarshalFromFunc(skip[[]governance.Check]),
	json.UnmarshalFromFunc(skip[[]risk.Factor]), json.UnmarshalFromFunc(skip[map[string]any]),
))

func skip[T any](d *jsontext.Decoder, _ *T) error { return d.SkipValue() }

// decode returns the action that an item holds, without what no event tells.
func decode(item *store.Item) (*action.Action, error) {
	act := new(action.Action)
	if err := json.Unmarshal(item.Body, act, untold); err != nil {
		return nil, problem.Corrupt("an action", err)
	}
	return act, nil
}

var errNoApproval = errors.New("it waits, or waited, without an approval")

// submission returns the events of what an agent asked, what was decided on it, and whether it
// is to be watched.
func submission(act *action.Action, entry audit.Entry) ([]events.Data, error) {
	about, decided, v := actionData(act, entry), decidedData(act), act.Verdict
	all := []events.Data{events.ActionSubmitted{Action: about, ClientCorrelationID: act.ClientCorrelationID}}
	switch {
	case act.Status == governance.Approved:
		all = append(all, events.ActionApproved{Action: about, Decided: decided})
	case act.Status == governance.Denied:
		all = append(all, events.ActionBlocked{Action: about, Decided: decided, Code: v.Code, RetryAfterSeconds: v.RetryAfterSeconds})
	case act.Approval == nil:
		return nil, errNoApproval
	default:
		all = append(all,
			events.ActionPending{Action: about, Decided: decided, Approval: approvalData(act), RequiresMFA: act.Approval.MFA},
			events.WorkflowStarted{Workflow: workflowData(act, entry), Type: string(act.Approval.Kind), Source: act.Approval.Source},
		)
	}
	if v.Risk.Level == risk.High || v.Risk.Level == risk.Critical {
		all = append(all, events.SecurityHighRisk{
			Action: about, CVSSScore: v.CVSS.Score, CVSSSeverity: v.CVSS.Severity, NISTControl: v.Framework.NISTControl,
			MITRETactic: v.Framework.MITRETactic, MITRETechnique: v.Framework.MITRETechnique, Recommendation: v.Framework.Recommendation,
		})
	}
	if v.Alert {
		all = append(all, events.AlertTriggered{Action: about, Severity: v.Risk.Level, Message: v.Reason})
	}
	return all, nil
}

// move returns the events of what became of a pending action.
func move(act *action.Action, entry audit.Entry) ([]events.Data, error) {
	if act.Approval == nil {
		return nil, errNoApproval
	}
	about, decided, flow := actionData(act, entry), decidedData(act), workflowData(act, entry)
	switch entry.Event {
	case audit.EventApprovalRecorded: // an approval after which the action still waits is not an event
		return nil, nil
	case audit.EventActionEscalated:
		return []events.Data{
			events.ActionEscalated{Action: about, Approval: approvalData(act)},
			events.WorkflowEscalated{Workflow: flow},
		}, nil
	}
	completed := events.WorkflowCompleted{Workflow: flow, Decided: decided}
	switch entry.Event {
	case audit.EventActionApproved:
		return []events.Data{events.ActionApproved{Action: about, Decided: decided}, completed}, nil
	case audit.EventActionDenied:
		return []events.Data{events.ActionDenied{Action: about, Decided: decided}, completed}, nil
	case audit.EventActionTimeout:
		return []events.Data{events.ActionTimeout{Action: about, Decided: decided}, completed}, nil
	}
	return nil, fmt.Errorf("no event tells of %q", entry.Event)
}

func actionData(act *action.Action, entry audit.Entry) events.Action {
	p := act.Input.Proposal
	return events.Action{
		ID: int64(act.ID), AgentID: string(p.AgentID), ActionType: p.ActionType, Description: p.Description, ToolName: p.ToolName,
		TargetSystem: p.TargetSystem, Resource: p.Resource, Environment: p.Environment,
		RiskScore: act.Verdict.Risk.Score, RiskLevel: act.Verdict.Risk.Level,
		Status: string(act.Status), Actor: events.ActorOf(entry), AuditID: entry.ID,
	}
}

func decidedData(act *action.Action) events.Decided {
	return events.Decided{DecidedBy: act.DecidedBy(), Reason: act.Reason()}
}

func approvalData(act *action.Action) events.Approval {
	w := act.Approval
	return events.Approval{
		RequestID: w.RequestID, WorkflowID: w.WorkflowID, Stage: w.Stage + 1, Stages: len(w.Stages),
		StageExpiresAt: w.StageExpiresAt, ExpiresAt: w.ExpiresAt,
	}
}

func workflowData(act *action.Action, entry audit.Entry) events.Workflow {
	return events.Workflow{
		Approval: approvalData(act), ActionID: int64(act.ID), AgentID: string(act.Input.Proposal.AgentID),
		Status: string(act.Status), AuditID: entry.ID,
	}
}

// announceAgent returns the event of a change of an agent.
func announceAgent(body []byte) ([]events.Event, error) {
	var entry audit.Entry
	if err := json.Unmarshal(body, &entry); err != nil {
		return nil, problem.Corrupt("an audit entry", err)
	}
	d, ok := entry.Data.(*audit.AgentChanged)
	if !ok {
		return nil, fmt.Errorf("announce a change of agent %q: entry %s of event %q does not record one", entry.ResourceID, entry.ID, entry.Event)
	}
	about := events.Agent{
		ID: d.ID, AgentID: entry.ResourceID, Status: string(d.Status), Version: d.Version,
		Actor: events.ActorOf(entry), AuditID: entry.ID,
	}
	before := events.Previously{PreviousStatus: string(d.PreviousStatus), PreviousVersion: d.PreviousVersion}
	var data events.Data
	switch entry.Event {
	case audit.EventAgentRegistered:
		data = events.AgentRegistered{Agent: about}
	case audit.EventAgentUpdated:
		fields := make([]string, len(d.Changes)) // never null
		for i, change := range d.Changes {
			fields[i] = change.Field
		}
		data = events.AgentUpdated{Agent: about, Previously: before, Change: entry.Action, ChangedFields: fields, RestoredVersion: d.RestoredVersion}
	case audit.EventAgentActivated:
		data = events.AgentActivated{Agent: about, Previously: before, Reason: d.Reason}
	case audit.EventAgentSuspended:
		data = events.AgentSuspended{Agent: about, Previously: before, Reason: d.Reason}
	case audit.EventAgentDeleted:
		data = events.AgentDeleted{Agent: about, Previously: before}
	default:
		return nil, fmt.Errorf("announce a change of agent %q: no event tells of %q", entry.ResourceID, entry.Event)
	}
	return []events.Event{events.New(entry, data)}, nil
}
