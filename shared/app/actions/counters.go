package actions

import (
	"context"
	"strconv"
	"strings"
	"time"

	"ascend/shared/store"
)

// A window is one fixed UTC window of the rate limits.
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

// pastWindows returns the names of counters that no clock within a minute of ours still
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

func limited(state *store.Item) bool {
	for _, name := range []string{store.AttrLimitMinute, store.AttrLimitHour, store.AttrLimitDay} {
		if _, ok := state.Attrs[name]; ok {
			return true
		}
	}
	return false
}

// keepStale is how many counters of past windows a state item may carry before
// they are swept; a counter takes some 12 bytes and an item is billed by the KB.
const keepStale = 64

// sweepWindows removes the counters that an agent of rare actions leaves
// behind, once there are many. It is housekeeping: a failure is repaired by the next.
func (s *Service) sweepWindows(ctx context.Context, item *store.Item, now time.Time) {
	if len(item.Attrs) <= keepStale {
		return
	}
	var stale []string
	current := windows(now)
	for name := range item.Attrs {
		for _, w := range current {
			n, err := strconv.ParseInt(strings.TrimPrefix(name, w.count[:1]), 10, 64)
			number := now.Unix() / int64(w.length/time.Second)
			if name[:1] == w.count[:1] && err == nil && n < number-1 {
				stale = append(stale, name)
			}
		}
	}
	_, _ = s.Store.Write(ctx, store.Update{Key: item.Key, Remove: stale})
}
