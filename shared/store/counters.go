package store

import (
	"strconv"
	"time"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/tenant"
)

// The key shape of an agent's state item, in table Counters:
//
//	<org>#<agent id>  state
//
// It is what the admission write of a submission touches: one update that
// counts the action in its minute, hour and day, on condition that the agent
// is active and no window is full. Counts are attributes named by the window's
// number since 1970 (m29384123, h489735, d20405), so that a new window starts
// at zero by having a new name. Slots s0 … s7 are sets of the command ids
// admitted in the last seconds; a repeat of a command finds itself there.
const (
	AttrLimitMinute = "limit_minute" // absent: unlimited
	AttrLimitHour   = "limit_hour"
	AttrLimitDay    = "limit_day"
)

// StateKey is where an agent's state item lives.
func StateKey(org tenant.ID, id agent.ID) Key {
	return Key{Table: Counters, PK: org.String() + "#" + string(id), SK: "state"}
}

// MinuteAttr, HourAttr and DayAttr name the counter of the fixed UTC window that t is in.
func MinuteAttr(t time.Time) string { return windowAttr("m", t, 60) }

// HourAttr names the hour's counter.
func HourAttr(t time.Time) string { return windowAttr("h", t, 3600) }

// DayAttr names the day's counter.
func DayAttr(t time.Time) string { return windowAttr("d", t, 86400) }

func windowAttr(unit string, t time.Time, seconds int64) string {
	return unit + strconv.FormatInt(t.Unix()/seconds, 10)
}

// SlotAttr names the set of commands admitted in the two seconds around t, and
// the slots that will be used next, which an admission empties ahead.
func SlotAttr(t time.Time) (slot string, next []string) {
	const slots, ahead = 8, 4
	n := t.Unix() / 2
	for i := range int64(ahead) {
		next = append(next, "s"+strconv.FormatInt((n+i+1)%slots, 10))
	}
	return "s" + strconv.FormatInt(n%slots, 10), next
}
