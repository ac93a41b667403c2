package action

import (
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
)

// Summary is what lists show of an action: a projection of its record without the
// proposal's free-form members and the audit bodies.
type Summary struct {
	Subject Subject `json:"-"`
	AuditID string  `json:"-"` // of the decision

	ID            ID                 `json:"id"`
	Status        governance.Status  `json:"status"`
	Verdict       governance.Verdict `json:"verdict"`
	CreatedAt     time.Time          `json:"created_at"`
	UpdatedAt     time.Time          `json:"updated_at"`
	CorrelationID string             `json:"correlation_id"`
	Approval      *Approval          `json:"approval"`
	Outcome       *Outcome           `json:"outcome"`
}

// Subject is what an action is about.
type Subject struct {
	AgentID      agent.ID `json:"agent_id"`
	ActionType   string   `json:"action_type"`
	Description  string   `json:"description"`
	ToolName     string   `json:"tool_name"`
	Resource     string   `json:"resource"`
	TargetSystem string   `json:"target_system"`
}

// DecodeSummary reads the summary out of a stored record.
func DecodeSummary(body []byte) (*Summary, error) {
	var stored struct {
		Summary
		Input struct {
			Proposal Subject `json:"proposal"`
		} `json:"input"`
		Audit []struct {
			ID string `json:"id"`
		} `json:"audit"`
	}
	if err := json.Unmarshal(body, &stored); err != nil {
		return nil, err
	}
	stored.Subject = stored.Input.Proposal
	if len(stored.Audit) > 0 {
		stored.AuditID = stored.Audit[0].ID
	}
	return &stored.Summary, nil
}

// Summary returns the action as lists show it.
func (a *Action) Summary() Summary {
	p := a.Input.Proposal
	s := Summary{
		Subject: Subject{
			AgentID: p.AgentID, ActionType: p.ActionType, Description: p.Description,
			ToolName: p.ToolName, Resource: p.Resource, TargetSystem: p.TargetSystem,
		},
		ID: a.ID, Status: a.Status, Verdict: a.Verdict, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
		CorrelationID: a.CorrelationID, Approval: a.Approval, Outcome: a.Outcome,
	}
	if len(a.Audit) > 0 {
		s.AuditID = a.Audit[0].ID
	}
	return s
}

// DecidedBy returns what decided the present status.
func (s *Summary) DecidedBy() string { return decidedBy(&s.Verdict, s.Outcome) }

// Reason returns the reason of the present status, in a sentence.
func (s *Summary) Reason() string { return reason(&s.Verdict, s.Outcome) }

// DecidedAt returns when the present status was decided.
func (s *Summary) DecidedAt() time.Time {
	if s.Outcome != nil {
		return s.Outcome.At
	}
	return s.CreatedAt
}
