package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// announcement is an event in the local server's journal, as far as tests look at it.
type announcement struct {
	ID, Type, Subject string
	Organization      int64 `json:"organizationid"`
	Data              struct {
		Stage     int    `json:"stage"`
		Status    string `json:"status"`
		DecidedBy string `json:"decided_by"`
	} `json:"data"`
}

// journaled returns the events of each subject of an organisation in the order
// in which they were published, without repeats.
func journaled(t *testing.T, data string, org int64) map[string][]announcement {
	t.Helper()
	told, seen := map[string][]announcement{}, map[string]bool{}
	for _, name := range []string{eventsFile + ".1", eventsFile} {
		text, err := os.ReadFile(filepath.Join(data, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var e announcement
			if json.Unmarshal(line, &e, json.MatchCaseInsensitiveNames(true)) == nil && e.Organization == org && !seen[e.ID] { // a line may be torn
				seen[e.ID] = true
				told[e.Subject] = append(told[e.Subject], e)
			}
		}
	}
	return told
}

// announced are the events of an audit entry, by its name. The first entry of
// an action is announced after action.submitted.
var announced = map[string][]string{
	"action.approved": {"action.approved", "workflow.completed"}, "action.denied": {"action.denied", "workflow.completed"},
	"action.timeout": {"action.timeout", "workflow.completed"}, "action.escalated": {"action.escalated", "workflow.escalated"},
	"approval.recorded": {},
}

// expectedEvents are those of an action with an audit trail, in order, but for
// those that depend on its risk.
func expectedEvents(trail []string) []string {
	want := []string{"action.submitted", trail[0]}
	if trail[0] == "action.pending" {
		want = append(want, "workflow.started")
	}
	for _, entry := range trail[1:] {
		want = append(want, announced[entry]...)
	}
	return want
}

// verifyWaiting checks that the clock, and not the sweep, has denied what nobody
// answered, although the server was killed while it waited.
func (w *world) verifyWaiting(launched time.Time) {
	for limit := launched.Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		left := 0
		all := w.list("/api/v1/actions?limit=1000")
		for _, a := range all {
			if a["agent_id"] == crashWaiting && a["status"] == "pending_approval" {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(limit) {
			w.t.Errorf("%d actions are pending that should have been denied", left)
			return
		}
	}
}

// verifyFeed checks, once the consumers have caught up, that each committed
// change was announced, in the order of its record.
func (w *world) verifyFeed(data string) {
	want := w.expected()
	var faults []string
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		faults = nil
		told := journaled(w.t, data, 1)
		for subject, names := range want {
			var got []string
			for _, e := range told[subject] {
				if e.Type != "security.high_risk" && e.Type != "alert.triggered" {
					got = append(got, e.Type)
				}
			}
			if !slices.Equal(got, names) {
				faults = append(faults, fmt.Sprintf("%s: the events are %q, want %q", subject, got, names))
			}
		}
		if len(faults) == 0 || time.Now().After(limit) {
			break
		}
	}
	for _, fault := range faults[:min(10, len(faults))] {
		w.t.Error(fault)
	}
	if letters, err := os.ReadFile(filepath.Join(data, deadLettersFile)); !errors.Is(err, fs.ErrNotExist) {
		w.t.Errorf("there are dead letters: %s, %v", letters, err)
	}
}

// expected are the names of the events of each subject, by what is stored.
func (w *world) expected() map[string][]string {
	var mu sync.Mutex
	want := map[string][]string{}
	expect := func(subject string, names []string) {
		mu.Lock()
		defer mu.Unlock()
		want[subject] = names
	}
	actions := w.list("/api/v1/actions?limit=1000")
	w.share(len(actions), func(n int) {
		subject := fmt.Sprintf("actions/%.0f", actions[n]["id"])
		a := must[object](w.t, w.key, "GET", "/api/v1/"+subject, "")
		trail := new(scene).events(a)
		if a["agent_id"] == crashWaiting && !slices.Equal(trail, []string{"action.pending", "action.timeout"}) {
			w.t.Errorf("the trail of %s, which nobody answered, is %q", subject, trail)
		}
		expect(subject, expectedEvents(trail))
	})
	w.share(len(w.agents), func(n int) {
		id := w.agents[n].id
		found := must[struct {
			Agent struct {
				Status string `json:"status"`
			} `json:"agent"`
		}](w.t, w.key, "GET", "/api/registry/agents/"+id, "")
		names := []string{"agent.registered"}
		if found.Agent.Status == "active" {
			names = append(names, "agent.activated")
		}
		expect("agents/"+id, names)
	})
	return want
}
