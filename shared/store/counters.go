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
// at zero by having a new name. Where the agent has limits that a double count
// would eat into (marks is 1), slots s0 … s7 are sets of the commands admitted
// in the last seconds; a repeat of a command finds itself there.
const (
	AttrLimitMinute = "limit_minute" // absent: unlimited
	AttrLimitHour   = "limit_hour"
	AttrLimitDay    = "limit_day"
	AttrMarks       = "marks" // 0 where admissions leave no marks, else 1
)

// StateKey returns the key of an agent's state item.
func StateKey(org tenant.ID, id agent.ID) Key {
	return Key{Table: Counters, PK: org.String() + "#" + string(id), SK: "state"}
}

// MinuteAttr returns the name of the counter of the UTC minute that t is in.
func MinuteAttr(t time.Time) string { return windowAttr("m", t, 60) }

// HourAttr returns the name of the hour's counter.
func HourAttr(t time.Time) string { return windowAttr("h", t, 3600) }

// DayAttr returns the name of the day's counter.
func DayAttr(t time.Time) string { return windowAttr("d", t, 86400) }

func windowAttr(unit string, t time.Time, seconds int64) string {
	return unit + strconv.FormatInt(t.Unix()/seconds, 10)
}

// slots is how many sets of marks take turns, each for slotTime; a mark is seen
// for the time of slotsSeen of them.
const (
	slots     = 8
	slotsSeen = 4
	slotTime  = 2 // seconds
)

// MarkedFor is longer than a mark can be seen.
const MarkedFor = (slotsSeen + 1) * slotTime * time.Second

// SlotAttr returns the name of the set of marks for an instant.
func SlotAttr(t time.Time) string { return slotAttr(t, 0) }

// SlotsSeen returns the names of the sets that may hold the mark of a retry, the present one first.
func SlotsSeen(t time.Time) []string {
	names := make([]string, slotsSeen)
	for i := range names {
		names[i] = slotAttr(t, -i)
	}
	return names
}

// SlotsNext returns the names of the sets used after those; an admission empties them ahead.
func SlotsNext(t time.Time) []string {
	names := make([]string, slots-slotsSeen)
	for i := range names {
		names[i] = slotAttr(t, i+1)
	}
	return names
}

func slotAttr(t time.Time, later int) string {
	n := (t.Unix()/slotTime + int64(later)) % slots
	return "s" + string('0'+byte(n))
}
