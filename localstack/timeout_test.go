package main

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/store"
)

// TestAnUnansweredApprovalIsDeniedByTheClock has the deadline of a pending
// action pass while the server is down, as hours of waiting would: the record
// is written again with another deadline.
func TestAnUnansweredApprovalIsDeniedByTheClock(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a deadline: 4 s")
	}
	data := t.TempDir()
	s := launch(t, data)
	must[object](t, s.key(), "POST", "/api/registry/agents", `{"agent_id": "waiting", "display_name": "Waiting"}`)
	must[object](t, s.admin(), "POST", "/api/registry/agents/waiting/activate", "")
	type asked struct {
		ID     action.ID `json:"id"`
		Status string    `json:"status"`
	}
	const risky = `{"agent_id": "waiting", "action_type": "shell_execute", "resource": "production", "context": {"environment": "production"}}`
	late := must[asked](t, s.key(), "POST", "/api/v1/actions/submit", risky)
	soon := must[asked](t, s.key(), "POST", "/api/v1/actions/submit", risky)
	early := must[asked](t, s.key(), "POST", "/api/v1/actions/submit", risky)
	for _, a := range []asked{late, soon, early} {
		if a.Status != "pending_approval" {
			t.Fatalf("%+v should be pending", a)
		}
	}
	if err := s.kill(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	deadline(t, data, late.ID, time.Now().Add(-time.Hour))
	end := time.Now().Add(3 * time.Second)
	deadline(t, data, soon.ID, end)

	s = launch(t, data)
	if a := s.action(soon.ID); a["status"] != "pending_approval" && time.Now().Before(end) {
		t.Errorf("an action is %v before its deadline", a["status"])
	}
	s.denied(late.ID)
	s.denied(soon.ID)
	if a := s.action(early.ID); a["status"] != "pending_approval" {
		t.Errorf("an action is %v hours before its deadline", a["status"])
	}
	left := must[[]object](t, s.key(), "GET", "/api/v1/actions?status_filter=pending_approval", "")
	if len(left) != 1 || left[0]["id"] != float64(early.ID) {
		t.Errorf("among the pending are %v, want %v alone", left, early.ID)
	}
	r, err := s.approver().call("POST", fmt.Sprintf("/api/v1/actions/%d/approve", late.ID), "", "")
	if err != nil || r.status != 400 {
		t.Errorf("approving what timed out is answered %d %s, %v", r.status, r.body, err)
	}
	s.denied(late.ID)
}

func (s *server) action(id action.ID) object {
	s.t.Helper()
	return must[object](s.t, s.key(), "GET", fmt.Sprintf("/api/v1/actions/%d", id), "")
}

// denied waits until the clock has denied an action, and looks at its record.
func (s *server) denied(id action.ID) {
	s.t.Helper()
	a := s.action(id)
	for limit := time.Now().Add(10 * time.Second); a["status"] == "pending_approval" && time.Now().Before(limit); a = s.action(id) {
		time.Sleep(tick)
	}
	detail, _ := a["decision_detail"].(object)
	if a["status"] != "denied" || detail["decided_by"] != "timeout" || a["denial_reason"] == nil || a["execution_allowed"] != false {
		s.t.Errorf("after its deadline action %d is %v, by %v, because %v", id, a["status"], detail["decided_by"], a["denial_reason"])
	}
	trail, _ := a["audit_trail"].([]any)
	if len(trail) != 2 || trail[1].(object)["event_type"] != "action.timeout" {
		s.t.Errorf("the audit trail of action %d is %v", id, trail)
	}
}

// deadline gives a pending action of a stopped server another deadline.
func deadline(t *testing.T, data string, id action.ID, at time.Time) {
	t.Helper()
	h, err := open(place{data: data})
	if err != nil {
		t.Fatal(err)
	}
	act, err := h.app.Actions.Get(t.Context(), 1, id)
	if err == nil {
		act.Approval.StageExpiresAt = at.UTC()
		var body []byte
		if body, err = act.Encode(); err == nil {
			put := stored(act, body)
			put.If = []store.Cond{store.Present()}
			_, err = h.store.Write(t.Context(), put)
		}
	}
	if err != nil {
		t.Error(err)
	}
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
}
