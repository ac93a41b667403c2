package agent

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FirstVersion is the version of a new agent (seeds/001).
const FirstVersion = "1.0.0"

// Version is one configuration that an agent has had.
type Version struct {
	Version   string    `json:"version"` // semantic
	Number    int       `json:"number"`  // 1, 2, 3, …
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	// Change is what made the version: registered, updated, rate_limits,
	// escalation or rollback.
	Change   string        `json:"change"`
	Restored string        `json:"restored_version,omitzero"` // the version that a rollback restored
	Changes  []FieldChange `json:"changes"`                   // against the version before; none in the first
	Config   Config        `json:"config"`
}

// Bump returns the version that follows version: the greatest part that one of
// the changes raises (see Config) is incremented. Without changes it returns version.
func Bump(version string, changes []FieldChange) string {
	n, ok := parseVersion(version)
	if !ok || len(changes) == 0 {
		return version
	}
	greatest := patch
	for _, f := range fields() {
		if slices.ContainsFunc(changes, func(c FieldChange) bool { return c.Field == f.name }) {
			greatest = max(greatest, f.class)
		}
	}
	switch greatest {
	case major:
		n = [3]int{n[0] + 1, 0, 0}
	case minor:
		n = [3]int{n[0], n[1] + 1, 0}
	default:
		n[2]++
	}
	return fmt.Sprintf("%d.%d.%d", n[0], n[1], n[2])
}

// CompareVersions compares two semantic versions as slices.Compare does; ok is
// false unless both have the form that Bump returns.
func CompareVersions(a, b string) (order int, ok bool) {
	x, okA := parseVersion(a)
	y, okB := parseVersion(b)
	if !okA || !okB {
		return 0, false
	}
	return slices.Compare(x[:], y[:]), true
}

func parseVersion(s string) (n [3]int, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != len(n) {
		return n, false
	}
	for i, part := range parts {
		v, err := strconv.Atoi(part)
		if err != nil || v < 0 || strconv.Itoa(v) != part {
			return n, false
		}
		n[i] = v
	}
	return n, true
}
