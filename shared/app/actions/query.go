package actions

import (
	"context"
	"time"

	"ascend/shared/app/page"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Get reads one action of an organisation.
func (s *Service) Get(ctx context.Context, org tenant.ID, id action.ID) (*action.Action, error) {
	return record.ReadAction(ctx, s.Store, org, id)
}

// Filter selects actions; zero fields select all, and what is set combines.
type Filter struct {
	Status     governance.Status
	AgentID    string
	ActionType string
	From, To   time.Time // created from From to To, both included; actions keep the millisecond
}

func (f Filter) match(item store.Item) bool {
	created := time.UnixMilli(item.Attrs[store.AttrCreated].Num())
	return (f.Status == "" || item.Attrs[store.AttrStatus].Str() == string(f.Status)) &&
		(f.AgentID == "" || item.Attrs[store.AttrAgent].Str() == f.AgentID) &&
		(f.ActionType == "" || item.Attrs[store.AttrType].Str() == f.ActionType) &&
		(f.From.IsZero() || !created.Before(f.From)) &&
		(f.To.IsZero() || !created.After(f.To))
}

// List returns the list of an organisation's actions, newest first.
func (s *Service) List(org tenant.ID, f Filter) page.List[action.Summary] {
	return page.List[action.Summary]{
		Name:  "actions",
		Scan:  page.Query(s.Store, store.ActionsOf(org, f.Status == governance.Pending), f.match, record.DecodeActionSummary),
		Valid: store.IsActionSort,
	}
}
