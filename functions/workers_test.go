package functions

import (
	"regexp"
	"slices"
	"testing"
)

func TestEveryWorkerHasANameOfItsOwnAndACaller(t *testing.T) {
	names := map[string]bool{}
	for _, r := range Routes() {
		names[r.ID] = true
	}
	form := regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)
	for _, w := range Workers() {
		if !form.MatchString(w.ID) || names[w.ID] || w.Summary == "" {
			t.Errorf("worker %q is named badly, like another function, or without summary", w.ID)
		}
		names[w.ID] = true
		callers := 0
		for _, called := range []bool{len(w.Streams) > 0, w.Every > 0, w.Task, w.Trigger != ""} {
			if called {
				callers++
			}
		}
		if callers != 1 {
			t.Errorf("worker %s has %d callers", w.ID, callers)
		}
		for table := range w.Filters {
			if !slices.Contains(w.Streams, table) {
				t.Errorf("worker %s filters %s, whose stream does not call it", w.ID, table)
			}
		}
	}
}
