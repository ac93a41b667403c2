package agents

import (
	"context"
	"strconv"

	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// VersionPage is a part of an agent's versions, newest first.
type VersionPage struct {
	Versions []agent.Version
	Total    int
	Next     string // where to go on: Range.After of the next part, "" at the end
}

// Versions returns the versions of an agent, at most 100. Range.After is a
// number of a version. A list that would be larger than an answer may be is
// shorter. Versions are numbered without gaps, so the cost is that of what is listed.
func (s *Service) Versions(ctx context.Context, org tenant.ID, id agent.ID, r record.Range) (VersionPage, error) {
	g, err := s.Get(ctx, org, id)
	if err != nil {
		return VersionPage{}, err
	}
	list := VersionPage{Total: g.Number}
	number := g.Number - r.Offset
	if r.After != "" {
		after, err := strconv.Atoi(r.After)
		if err != nil {
			return VersionPage{}, record.BadCursor()
		}
		number = min(after-1, g.Number)
	}
	var keys []store.Key
	for ; number > 0 && len(keys) < r.Limit; number-- {
		keys = append(keys, store.VersionKey(org, id, g.Serial, number))
	}
	if len(keys) == 0 {
		return list, nil
	}
	items, err := s.Store.Get(ctx, keys...)
	if err != nil {
		return VersionPage{}, problem.Unavailable("read an agent's versions", err)
	}
	size := 0
	for _, item := range items {
		v, err := record.DecodeVersion(item)
		if err != nil {
			return VersionPage{}, err
		}
		if size += len(item.Body); size > record.MaxListBytes && len(list.Versions) > 0 {
			break
		}
		list.Versions = append(list.Versions, *v)
	}
	if last := list.Versions[len(list.Versions)-1].Number; last > 1 {
		list.Next = strconv.Itoa(last)
	}
	return list, nil
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
