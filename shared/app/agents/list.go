package agents

import (
	"ascend/shared/app/page"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
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
	return status != string(agent.Deleted) && (f.Status == "" || status == string(f.Status)) &&
		(f.Type == "" || item.Attrs[store.AttrAgentType].Str() == string(f.Type))
}

// List returns the list of an organisation's agents by their ids, byte by byte.
func (s *Service) List(org tenant.ID, f Filter) page.List[agent.Summary] {
	return page.List[agent.Summary]{
		Name:  "agents",
		Scan:  page.Query(s.Store, store.SummariesOf(org), f.match, record.DecodeSummary),
		Valid: func(position string) bool { return agent.ID(position).Valid() },
	}
}
