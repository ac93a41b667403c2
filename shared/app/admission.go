package app

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// admission is what the admission write found.
type admission struct {
	governance.Admission
	status agent.Status // of the state item; "" when there is none
	fresh  bool         // this very call counted the action, not an earlier run of the command
}

// keepStale is how many counters of past windows a state item may carry before
// they are swept; a counter takes some 12 bytes and an item is billed by the KB.
const keepStale = 64

// admit counts a command in its agent's windows, on condition that the agent
// is active, no window is full, and the command was not counted before. All of
// it is one conditional write, so a limit holds exactly under any concurrency,
// and a repeat after a lost answer does not count twice (decision 22).
func (a *App) admit(ctx context.Context, c *Command, org tenant.ID, id agent.ID) (admission, error) {
	now := c.At
	minute, hour, day := store.MinuteAttr(now), store.HourAttr(now), store.DayAttr(now)
	slot, next := store.SlotAttr(now)
	write := store.Update{
		Key: store.StateKey(org, id),
		If: []store.Cond{
			store.Equal(store.AttrStatus, store.S(string(agent.Active))),
			store.Below(minute, store.AttrLimitMinute),
			store.Below(hour, store.AttrLimitHour),
			store.Below(day, store.AttrLimitDay),
		},
		Add:    map[string]int64{minute: 1, hour: 1, day: 1},
		AddTo:  map[string]string{slot: c.ID},
		Remove: append(next, pastWindows(now)...),
	}
	for _, s := range recentSlots(now) {
		write.If = append(write.If, store.Lacks(s, c.ID))
	}

	after, err := a.Store.Write(ctx, write)
	if conflict, ok := store.Conflict(err); ok {
		return readRefusal(conflict.Old, c.ID, now), nil
	}
	if err != nil {
		return admission{}, problem.Down("count the action", err)
	}
	a.sweepWindows(ctx, after, now)
	return admission{Admission: governance.Admission{Counted: true}, status: agent.Active, fresh: true}, nil
}

// readRefusal tells from the item as it stood why the write was refused.
func readRefusal(old *store.Item, command string, now time.Time) admission {
	if old == nil {
		return admission{}
	}
	found := admission{status: agent.Status(old.Attrs[store.AttrStatus].Str())}
	for _, s := range recentSlots(now) {
		if slices.Contains(old.Attrs[s].Members(), command) {
			found.Counted = true
			return found
		}
	}
	if found.status != agent.Active {
		return found
	}
	for _, w := range windows(now) {
		limit, limited := old.Attrs[w.limit]
		if used := old.Attrs[w.count].Num(); limited && used >= limit.Num() {
			found.Full = append(found.Full, governance.FullWindow{
				Window: w.name, Limit: limit.Num(), Current: used,
				ResetsMillis: (w.length - now.Sub(now.Truncate(w.length))).Milliseconds(),
			})
		}
	}
	return found
}

// window is one fixed UTC window of the rate limits.
type window struct {
	name, count, limit string
	length             time.Duration
}

func windows(now time.Time) [3]window {
	return [3]window{
		{"minute", store.MinuteAttr(now), store.AttrLimitMinute, time.Minute},
		{"hour", store.HourAttr(now), store.AttrLimitHour, time.Hour},
		{"day", store.DayAttr(now), store.AttrLimitDay, 24 * time.Hour},
	}
}

// markedFor is longer than the mark of an admitted command can be seen.
const markedFor = 10 * time.Second

// recentSlots are the sets that may hold a repeat of a command: those of the last eight seconds.
func recentSlots(now time.Time) []string {
	slots := make([]string, 4)
	for i := range slots {
		slots[i], _ = store.SlotAttr(now.Add(time.Duration(-2*i) * time.Second))
	}
	return slots
}

// pastWindows names counters that no clock within a minute of ours still
// counts in. The windows just past stay, for clocks a little behind.
func pastWindows(now time.Time) []string {
	names := make([]string, 0, 12)
	for i := 2; i <= 9; i++ {
		names = append(names, store.MinuteAttr(now.Add(time.Duration(-i)*time.Minute)))
	}
	return append(names,
		store.HourAttr(now.Add(-2*time.Hour)), store.HourAttr(now.Add(-3*time.Hour)),
		store.DayAttr(now.Add(-48*time.Hour)))
}

// sweepWindows removes the counters that an agent of rare actions leaves
// behind, once there are many. It is housekeeping: a failure is repaired by the next.
func (a *App) sweepWindows(ctx context.Context, item *store.Item, now time.Time) {
	if len(item.Attrs) <= keepStale {
		return
	}
	var stale []string
	for name := range item.Attrs {
		for _, w := range windows(now) {
			n, err := strconv.ParseInt(strings.TrimPrefix(name, w.count[:1]), 10, 64)
			current := now.Unix() / int64(w.length/time.Second)
			if name[:1] == w.count[:1] && err == nil && name != w.limit && n < current-1 {
				stale = append(stale, name)
			}
		}
	}
	_, _ = a.Store.Write(ctx, store.Update{Key: item.Key, Remove: stale})
}

// release gives back what admit counted, when the command turned out not to be
// a new action, and forgets that it was counted. The command's own mark is the
// condition, so repeating the write gives back once. A failure leaves the count
// too high until the window ends, never too low.
func (a *App) release(ctx context.Context, c *Command, org tenant.ID, id agent.ID, was admission) {
	if !was.fresh {
		return
	}
	slot, _ := store.SlotAttr(c.At)
	_, _ = a.Store.Write(ctx, store.Update{
		Key:      store.StateKey(org, id),
		If:       []store.Cond{store.Holds(slot, c.ID)},
		Add:      map[string]int64{store.MinuteAttr(c.At): -1, store.HourAttr(c.At): -1, store.DayAttr(c.At): -1},
		TakeFrom: map[string]string{slot: c.ID},
	})
}
