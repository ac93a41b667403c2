package app

import (
	"context"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// VersionList is a part of an agent's versions, newest first.
type VersionList struct {
	Versions []agent.Version
	Total    int
	Next     string // where to go on: Range.After of the next part, "" at the end
}

// AgentVersions lists the versions of an agent, at most 100. Range.After is a
// number of a version. A list that would be larger than an answer may be is
// shorter. Versions are numbered without gaps, so the cost is that of what is listed.
func (a *App) AgentVersions(ctx context.Context, org tenant.ID, id agent.ID, r Range) (VersionList, error) {
	g, err := a.Agent(ctx, org, id)
	if err != nil {
		return VersionList{}, err
	}
	list := VersionList{Total: g.Number}
	number := g.Number - r.Offset
	if r.After != "" {
		after, err := strconv.Atoi(r.After)
		if err != nil {
			return VersionList{}, errCursor()
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
	items, err := a.Store.Get(ctx, keys...)
	if err != nil {
		return VersionList{}, problem.Unavailable("read an agent's versions", err)
	}
	size := 0
	for _, item := range items {
		v, err := decodeVersion(item)
		if err != nil {
			return VersionList{}, err
		}
		if size += len(item.Body); size > maxListBytes && len(list.Versions) > 0 {
			break
		}
		list.Versions = append(list.Versions, *v)
	}
	if last := list.Versions[len(list.Versions)-1].Number; last > 1 {
		list.Next = strconv.Itoa(last)
	}
	return list, nil
}

// maxListBytes bounds the records of one list, because a Lambda's answer is at
// most 6 MB (AWS Lambda Developer Guide, "Lambda quotas").
const maxListBytes = 4 << 20

// findVersion finds a version by its semantic name; nil when there is none.
// Versions grow with their numbers, so it looks at few of them.
func (a *App) findVersion(ctx context.Context, g agent.Agent, version string) (*agent.Version, error) {
	low, high := 1, g.Number
	for low <= high {
		middle := (low + high) / 2
		items, err := a.Store.Get(ctx, store.VersionKey(g.Org, g.ID, g.Serial, middle))
		if err != nil {
			return nil, problem.Unavailable("read an agent's version", err)
		}
		v, err := decodeVersion(items[0])
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

func decodeVersion(item *store.Item) (*agent.Version, error) {
	if item == nil {
		return nil, problem.Corrupt("an agent's version", errors.New("no item"))
	}
	v := new(agent.Version)
	if err := json.Unmarshal(item.Body, v); err != nil {
		return nil, problem.Corrupt("an agent's version", err)
	}
	return v, nil
}
