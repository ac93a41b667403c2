package main

import (
	"fmt"
	"testing"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/tenant"
)

// TestApprovalsOnTheLocalClock plays every scenario on the program as a user runs it.
func TestApprovalsOnTheLocalClock(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for many deadlines: 40 s")
	}
	s := launch(t, t.TempDir())
	playAll(t, newScene(s, func(_ tenant.ID, key client) clock { return localClock{key} }))
}

// localClock looks at all deadlines every tick, so that it is begun again at
// each; it knows nothing of an action but its record.
type localClock struct{ key client }

// ended gives the clock two turns in which it could still change the action.
func (c localClock) ended(t *testing.T, id action.ID, status, _ string) {
	t.Helper()
	time.Sleep(2 * tick)
	if a := c.action(t, id); a["status"] != status {
		t.Errorf("action %d was %s and is %v", id, status, a["status"])
	}
}

func (c localClock) startAgain(*testing.T, action.ID) { time.Sleep(2 * tick) }

func (c localClock) hold(*testing.T, action.ID) func() { return func() { time.Sleep(2 * tick) } }

// passed counts the stages in the action's record, which is all that this clock keeps.
func (c localClock) passed(t *testing.T, id action.ID) (stages []int) {
	t.Helper()
	approval, _ := c.action(t, id)["approval"].(object)
	last, _ := approval["stage"].(float64)
	for stage := range int(last) {
		stages = append(stages, stage+1)
	}
	return stages
}

func (c localClock) action(t *testing.T, id action.ID) object {
	t.Helper()
	return must[object](t, c.key, "GET", fmt.Sprintf("/api/v1/actions/%d", id), "")
}
