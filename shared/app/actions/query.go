package actions

import (
	"context"
	"strings"
	"time"

	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
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
	From, To   time.Time // created at or after From and before To
}

func (f Filter) match(item store.Item) bool {
	created := item.Attrs[store.AttrCreated].Num()
	return (f.Status == "" || item.Attrs[store.AttrStatus].Str() == string(f.Status)) &&
		(f.AgentID == "" || item.Attrs[store.AttrAgent].Str() == f.AgentID) &&
		(f.ActionType == "" || item.Attrs[store.AttrType].Str() == f.ActionType) &&
		(f.From.IsZero() || created >= f.From.UnixMilli()) &&
		(f.To.IsZero() || created < f.To.UnixMilli())
}

// Page is a part of a list of actions, newest first.
type Page struct {
	Actions []*action.Action
	// Total counts what matches in all, when the range was given by offset;
	// Exact is false when counting stopped at CountLimit.
	Total int
	Exact bool
	Next  string // the sort key to go on after, "" at the end
}

// CountLimit bounds how many index entries one request looks at, to fill a
// page or to count. A page that ends there may be short; Next goes on.
const CountLimit = 10_000

// List returns actions by age. With an offset it also counts all that match.
func (s *Service) List(ctx context.Context, org tenant.ID, f Filter, r record.Range) (Page, error) {
	if _, ok := action.ParseID(strings.TrimLeft(r.After, "0")); r.After != "" && (!ok || len(r.After) != len(store.ActionSort(1))) {
		return Page{}, record.BadCursor()
	}
	q := store.ActionsOf(org, f.Status == governance.Pending)
	q.Before, q.Limit = r.After, 1000
	counting := r.After == ""
	if !counting {
		q.Limit = min(1000, r.Limit+1)
	}
	var list Page
	var keys []store.Key
	var last string
	seen, matched := 0, 0
	for {
		page, err := s.Store.Query(ctx, q)
		if err != nil {
			return list, problem.Unavailable("list actions", err)
		}
		for i, item := range page.Items {
			seen++
			if !f.match(item) {
				continue
			}
			matched++
			switch {
			case matched <= r.Offset:
			case len(keys) < r.Limit:
				keys = append(keys, item.Key)
				last = page.Sort[i]
			case list.Next == "":
				list.Next = last
			}
		}
		full := len(keys) == r.Limit && list.Next != ""
		if !page.More {
			list.Exact = true
			break
		}
		q.Before = page.Sort[len(page.Sort)-1]
		if seen >= CountLimit || full && !counting {
			if list.Next == "" {
				list.Next = q.Before
			}
			break
		}
	}
	list.Total = matched
	var err error
	list.Actions, err = s.readActions(ctx, keys)
	return list, err
}

// readActions reads the records of index entries. One that is gone is left out.
func (s *Service) readActions(ctx context.Context, keys []store.Key) ([]*action.Action, error) {
	actions := make([]*action.Action, 0, len(keys))
	for len(keys) > 0 {
		n := min(100, len(keys))
		items, err := s.Store.Get(ctx, keys[:n]...)
		if err != nil {
			return nil, problem.Unavailable("read actions", err)
		}
		keys = keys[n:]
		for _, item := range items {
			if item == nil {
				continue
			}
			act, err := record.DecodeAction(item)
			if err != nil {
				return nil, err
			}
			actions = append(actions, act)
		}
	}
	return actions, nil
}
