package action

import (
	"strconv"
	"sync"
	"time"

	"ascend/shared/domain/exact"
)

// ID is an action's identity within its organisation: a JSON integer between
// 1 and MaxID that grows with time.
type ID int64

// MaxID is the largest ID.
const MaxID = exact.MaxInteger

// ParseID parses the decimal form that String returns.
func ParseID(s string) (ID, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || n > MaxID || strconv.FormatInt(n, 10) != s {
		return 0, false
	}
	return ID(n), true
}

// String returns the decimal form.
func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// IDs generates IDs without a shared counter: ticks of 1/16 ms since 2025 in the
// upper 45 bits, 8 random bits below. They increase within one process, and with
// the clock across processes. Two processes may generate the same ID; the
// conditional write of the second record fails, and it takes another. The zero
// value is ready.
type IDs struct {
	mu   sync.Mutex
	last int64
}

const ticksPerSecond = 16_000

var idEpoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// Next returns a new ID for an instant, with random as its low bits.
func (g *IDs) Next(now time.Time, random byte) ID {
	tick := now.Sub(idEpoch).Nanoseconds() / (1_000_000_000 / ticksPerSecond)
	g.mu.Lock()
	defer g.mu.Unlock()
	if tick <= g.last {
		tick = g.last + 1
	}
	g.last = tick
	return ID(tick<<8 | int64(random))
}
