package agents

import (
	"context"

	"ascend/shared/app/page"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// Versions returns the list of an agent's versions, newest first.
func (s *Service) Versions(ctx context.Context, org tenant.ID, id agent.ID) (page.List[agent.Version], error) {
	g, err := s.Get(ctx, org, id)
	if err != nil {
		return page.List[agent.Version]{}, err
	}
	key := func(number int) store.Key { return store.VersionKey(org, id, g.Serial, number) }
	return page.List[agent.Version]{
		Name: "versions of " + string(id),
		Scan: page.Numbered(s.Store, g.Number, key, record.DecodeVersion),
	}, nil
}

// findVersion returns a version by its semantic name; nil when there is none.
// Versions grow with their numbers, so it looks at few of them.
func (s *Service) findVersion(ctx context.Context, g agent.Agent, version string) (*agent.Version, error) {
	low, high := 1, g.Number
	for low <= high {
		middle := (low + high) / 2
		items, err := s.Store.Get(ctx, store.VersionKey(g.Org, g.ID, g.Serial, middle))
		if err != nil {
			return nil, problem.Unavailable("read an agent's version", err)
		}
		v, err := record.DecodeVersion(items[0])
		if err != nil {
			return nil, err
		}
		order, ok := agent.CompareVersions(version, v.Version)
		switch {
		case !ok:
			return nil, nil
		case order == 0:
			return v, nil
		case order < 0:
			high = middle - 1
		default:
			low = middle + 1
		}
	}
	return nil, nil
}
