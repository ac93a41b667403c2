package agents

import (
	"context"

	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Filter selects agents; zero fields select all, and what is set combines.
type Filter struct {
	Status agent.Status
	Type   agent.Type
}

func (f Filter) match(item store.Item) bool {
	status := item.Attrs[store.AttrStatus].Str()
	return status != string(agent.Deleted) &&
		(f.Status == "" || status == string(f.Status)) &&
		(f.Type == "" || item.Attrs[store.AttrAgentType].Str() == string(f.Type))
}

// Page is a part of a list of agents, in the order of their agent ids.
type Page struct {
	Agents []agent.Agent
	Total  int    // all that match; counted only when the range was given by offset
	Next   string // where to go on: Range.After of the next part, "" at the end
}

// List returns agents by their ids, byte by byte. By offset it looks at all of
// the organisation's agents, to count them; by After only at those it lists. A
// list that would be larger than an answer may be is shorter, and says Next.
func (s *Service) List(ctx context.Context, org tenant.ID, f Filter, r record.Range) (Page, error) {
	q := store.AgentsOf(org)
	counting := r.After == ""
	q.Limit = 250 // with their bodies, which are up to some 64 KB
	if !counting {
		if !agent.ID(r.After).Valid() {
			return Page{}, record.BadCursor()
		}
		q.After = store.AgentKey(org, agent.ID(r.After)).SK
		q.Limit = min(q.Limit, r.Limit+1)
	}
	list, size, full := Page{}, 0, false
	for {
		page, err := s.Store.Query(ctx, q)
		if err != nil {
			return Page{}, problem.Unavailable("list agents", err)
		}
		for _, item := range page.Items {
			if !f.match(item) {
				continue
			}
			list.Total++
			if list.Total <= r.Offset {
				continue
			}
			size += len(item.Body)
			if full = full || len(list.Agents) == r.Limit || size > record.MaxListBytes && len(list.Agents) > 0; full {
				continue
			}
			g, err := record.DecodeAgent(&item)
			if err != nil {
				return Page{}, err
			}
			list.Agents = append(list.Agents, *g)
		}
		if !page.More || full && !counting {
			break
		}
		q.After = page.Sort[len(page.Sort)-1]
	}
	if full {
		list.Next = string(list.Agents[len(list.Agents)-1].ID)
	}
	return list, nil
}
