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
	playAll(t, newScene(s, func(org tenant.ID, key client) clock { return localClock{key, s.data, int64(org)} }))
}

// localClock runs inside the server, and shows itself by the events that its
// moves are announced with.
type localClock struct {
	key  client
	data string
	org  int64
}

// ended waits until the action's end is announced as it ended, and gives the
// clock a time in which it could still change the action.
func (c localClock) ended(t *testing.T, id action.ID, status, decidedBy string) {
	t.Helper()
	var end *announcement
	for limit := time.Now().Add(patience); end == nil && time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
		for _, e := range c.events(t, id) {
			if e.Type == "workflow.completed" {
				end = &e
			}
		}
	}
	if end == nil || end.Data.Status != status || end.Data.DecidedBy != decidedBy {
		t.Errorf("the end of action %d, %s by %s, was announced as %+v", id, status, decidedBy, end)
	}
	time.Sleep(2 * tick)
	a := must[object](t, c.key, "GET", fmt.Sprintf("/api/v1/actions/%d", id), "")
	if a["status"] != status {
		t.Errorf("action %d was %s and is %v", id, status, a["status"])
	}
}

func (c localClock) events(t *testing.T, id action.ID) []announcement {
	t.Helper()
	return journaled(t, c.data, c.org)[fmt.Sprintf("actions/%d", id)]
}

// startAgain has nothing to start a clock with: the server's own tests start one twice.
func (c localClock) startAgain(*testing.T, action.ID) { time.Sleep(2 * tick) }

// hold has no token, which never leaves the server.
func (c localClock) hold(*testing.T, action.ID) func() { return func() { time.Sleep(2 * tick) } }

// passed reads the stages from what was announced of them.
func (c localClock) passed(t *testing.T, id action.ID) (stages []int) {
	t.Helper()
	for _, e := range c.events(t, id) {
		if e.Type == "workflow.started" || e.Type == "workflow.escalated" {
			stages = append(stages, e.Data.Stage)
		}
	}
	return stages
}
