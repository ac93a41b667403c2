package agents

import (
	"context"
	"time"

	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Usage is what an agent has used of its rate limits in the windows of one instant.
type Usage struct {
	PerMinute, PerHour, PerDay WindowUsage
}

// WindowUsage counts the admitted actions of one fixed UTC window.
type WindowUsage struct {
	Limit   *int64 // nil: unlimited
	Current int64
}

// Remaining returns how many more actions the window admits; nil is unlimited.
func (w WindowUsage) Remaining() *int64 {
	if w.Limit == nil {
		return nil
	}
	left := max(0, *w.Limit-w.Current)
	return &left
}

// Usage returns what an agent has used at an instant.
func (s *Service) Usage(ctx context.Context, org tenant.ID, id agent.ID, at time.Time) (Usage, error) {
	if !id.Valid() {
		return Usage{}, errNotFound()
	}
	items, err := s.Store.Get(ctx, store.AgentKey(org, id), store.StateKey(org, id))
	if err != nil {
		return Usage{}, problem.Unavailable("read an agent's usage", err)
	}
	g, err := record.DecodeAgent(items[0])
	if err != nil {
		return Usage{}, err
	}
	if g == nil || g.Status == agent.Deleted {
		return Usage{}, errNotFound()
	}
	var counts store.Attrs
	if items[1] != nil {
		counts = items[1].Attrs
	}
	return Usage{
		PerMinute: WindowUsage{g.Config.Limits.PerMinute, counts[store.MinuteAttr(at)].Num()},
		PerHour:   WindowUsage{g.Config.Limits.PerHour, counts[store.HourAttr(at)].Num()},
		PerDay:    WindowUsage{g.Config.Limits.PerDay, counts[store.DayAttr(at)].Num()},
	}, nil
}
