package actions_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ascend/shared/app/actions"
	"ascend/shared/app/apptest"
	"ascend/shared/app/page"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
)

func TestFilteredPagesAreWhatANaiveFilterShows(t *testing.T) {
	f := apptest.New(t)
	r := rand.New(rand.NewPCG(5, 6))
	start := f.Now()
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	var all []*action.Action // newest first
	for i := range 250 {
		act := &action.Action{
			ID: action.ID(1000 + i), Org: 1, Status: governance.Status(one("approved", "denied", "pending_approval")),
			Input:     governance.Input{Proposal: governance.Proposal{AgentID: agent.ID(one("agent-1", "agent-2")), ActionType: one("email_send", "data_read")}},
			CreatedAt: start.Add(time.Duration(i/3) * time.Millisecond), Revision: 1,
		}
		if act.Pending() {
			act.Approval = &action.Approval{RequestID: act.ID.RequestID(), StageExpiresAt: start.Add(time.Hour)}
		}
		f.Put(record.PutAction(act))
		all = append(all, act)
	}
	slices.Reverse(all)
	at := func() time.Time {
		if r.IntN(2) == 0 {
			return time.Time{}
		}
		return start.Add(time.Duration(r.IntN(90))*time.Millisecond + time.Duration(r.IntN(3)-1)*time.Nanosecond)
	}
	for range 200 {
		filter := actions.Filter{
			Status: governance.Status(one("", "", "approved", "pending_approval")), AgentID: one("", "agent-1", "nobody"), ActionType: one("", "data_read"),
			From: at(), To: at(),
		}
		var want []action.ID
		for _, act := range all {
			p := act.Input.Proposal
			if (filter.Status == "" || act.Status == filter.Status) && (filter.AgentID == "" || string(p.AgentID) == filter.AgentID) &&
				(filter.ActionType == "" || p.ActionType == filter.ActionType) &&
				(filter.From.IsZero() || act.CreatedAt.Compare(filter.From) >= 0) && (filter.To.IsZero() || act.CreatedAt.Compare(filter.To) <= 0) {
				want = append(want, act.ID)
			}
		}
		offset := r.IntN(20) * r.IntN(2)
		wanted := page.Range{Limit: 1 + r.IntN(100), Offset: offset}
		var seen []action.ID
		for {
			part, err := page.Read(context.Background(), f.Actions.List(1, filter), wanted, func(s action.Summary) bool {
				seen = append(seen, s.ID)
				return true
			})
			if err != nil || part.Total != len(want) || !part.Exact {
				t.Fatalf("%+v: %+v, %v, want a total of %d", filter, part, err, len(want))
			}
			if wanted.Cursor = part.Next; wanted.Cursor == nil {
				break
			}
		}
		if !slices.Equal(seen, want[min(offset, len(want)):]) {
			t.Fatalf("%+v, offset %d: %v, want %v", filter, offset, seen, want)
		}
	}
}
