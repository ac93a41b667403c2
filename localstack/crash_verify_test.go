package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// verify reads everything back: all of the list, and in full what this round made.
func (w *world) verify(round int) {
	t := w.t
	answerable := func(path string) []object { // the others change meanwhile
		return slices.DeleteFunc(w.list(path), func(a object) bool { return a["agent_id"] == crashWaiting })
	}
	listed := byDescription(t, answerable("/api/v1/actions?limit=1000"))
	pending := map[any]bool{}
	for _, a := range answerable("/api/v1/actions?limit=1000&status_filter=pending_approval") {
		pending[a["id"]] = true
	}
	if len(listed) != len(w.submits) {
		t.Errorf("round %d: %d actions are listed, %d were submitted", round, len(listed), len(w.submits))
	}
	waiting := 0
	for _, s := range w.submits {
		a := listed[s.description()]
		if a == nil {
			t.Errorf("%s: no action is listed", s.key)
			continue
		}
		if a["status"] == "pending_approval" {
			waiting++
		}
		if (a["status"] == "pending_approval") != pending[a["id"]] {
			t.Errorf("%s is %v; among the pending: %t", s.key, a["status"], pending[a["id"]])
		}
		for _, fault := range s.compare(a) {
			t.Errorf("%s, in the list: %s", s.key, fault)
		}
	}
	if waiting != len(pending) {
		t.Errorf("round %d: %d actions are pending, %d are among the pending", round, waiting, len(pending))
	}
	if round < crashRounds-1 {
		w.readBack(w.submits[w.verified:])
		w.verified = len(w.submits)
	} else {
		w.readBack(w.submits)
	}
	w.verifyAgents()
	w.verifyLimit(listed)
}

// readBack holds each action's whole record against its answers.
func (w *world) readBack(submits []*submitted) {
	w.share(len(submits), func(n int) {
		s := submits[n]
		path := fmt.Sprintf("/api/v1/actions/%.0f", s.answer["id"])
		r, err := w.key.call("GET", path, "", "")
		var a object
		if err == nil {
			a, err = decodeBody[object](r)
		}
		if err != nil || r.status != 200 {
			w.t.Errorf("GET %s: %v: %d %s", path, err, r.status, r.body)
			return
		}
		for _, fault := range append(s.compare(a), s.compareTrail(a)...) {
			w.t.Errorf("%s: %s", s.key, fault)
		}
	})
}

func (s *submitted) description() string { return "command " + strings.TrimPrefix(s.key, "key-") }

// moves are the members of an answer that a later decision changes.
var moves = []string{
	"status", "decision", "execution_allowed", "requires_approval", "decision_ready", "reason", "summary", "denial_reason",
	"decision_detail", "enforcement_decision", "enforcement_decision_source", "required_approvers", "updated_at", "audit_trail",
}

// compare tells where a record as read differs from what was acknowledged.
func (s *submitted) compare(a object) (faults []string) {
	for name, was := range s.answer {
		is, there := a[name]
		moved := slices.Contains(moves, name) && (s.decision != nil || name == "audit_trail")
		if there && !moved && !reflect.DeepEqual(was, is) {
			faults = append(faults, fmt.Sprintf("%s was acknowledged as %v and is %v", name, was, is))
		}
	}
	for _, name := range []string{"id", "status", "decision", "reason", "audit_id", "correlation_id", "risk_score", "created_at"} {
		if a[name] == nil {
			faults = append(faults, name+" is missing")
		}
	}
	if s.decision == nil {
		return faults
	}
	want := object{"status": "approved", "approved_by": s.decision.answer["approved_by"], "reason": s.decision.answer["reason"]}
	if s.decision.verb == "reject" {
		want = object{"status": "denied", "rejected_by": s.decision.answer["rejected_by"], "reason": s.decision.answer["reason"]}
	}
	for name, value := range want {
		if value == nil || !reflect.DeepEqual(a[name], value) {
			faults = append(faults, fmt.Sprintf("%s was decided as %v and is %v", name, value, a[name]))
		}
	}
	return faults
}

// compareTrail checks the audit trail: one entry of the submission, one of the
// decision, and none else.
func (s *submitted) compareTrail(a object) (faults []string) {
	events := map[string]string{"approved": "action.approved", "pending_approval": "action.pending", "denied": "action.blocked"}
	want := []string{events[s.answer["status"].(string)]}
	if s.decision != nil {
		want = append(want, map[string]string{"approve": "action.approved", "reject": "action.denied"}[s.decision.verb])
	}
	var found []string
	trail, _ := a["audit_trail"].([]any)
	for _, e := range trail {
		event, _ := e.(object)["event_type"].(string)
		found = append(found, event)
	}
	if !slices.Equal(found, want) {
		return []string{fmt.Sprintf("its audit trail has %v, want %v", found, want)}
	}
	if id := trail[0].(object)["audit_id"]; id != s.answer["audit_id"] {
		faults = append(faults, fmt.Sprintf("its audit entry is %v, acknowledged as %v", id, s.answer["audit_id"]))
	}
	if checks, _ := a["checks"].([]any); len(checks) == 0 {
		faults = append(faults, "its checks are missing")
	}
	return faults
}

// list reads all pages of a list, whose links are queries alone.
func (w *world) list(path string) []object {
	var all []object
	whole, _, _ := strings.Cut(path, "?")
	for more := true; more; {
		r, err := w.key.call("GET", path, "", "")
		var page []object
		if err == nil {
			page, err = decodeBody[[]object](r)
		}
		if err != nil {
			w.t.Fatalf("GET %s: %v", path, err)
		}
		all = append(all, page...)
		path, more = whole+r.next(), r.next() != ""
	}
	return all
}

// byDescription tells the actions by the command they were made for; none may
// have made two.
func byDescription(t *testing.T, actions []object) map[string]object {
	found := make(map[string]object, len(actions))
	for _, a := range actions {
		name, _ := a["description"].(string)
		if other := found[name]; other != nil {
			t.Errorf("%q made two actions: %v and %v", name, other["id"], a["id"])
		}
		found[name] = a
	}
	return found
}

// verifyAgents checks that what was acknowledged of agents stands, and that
// none is there in part.
func (w *world) verifyAgents() {
	w.share(len(w.agents), func(n int) {
		e := w.agents[n]
		r, err := w.key.call("GET", "/api/registry/agents/"+e.id, "", "")
		var found struct {
			Agent struct {
				ID      string `json:"agent_id"`
				Status  string `json:"status"`
				Version string `json:"version"`
			} `json:"agent"`
		}
		if err == nil {
			err = json.Unmarshal(r.body, &found)
		}
		a := found.Agent
		if err != nil || r.status != 200 || a.ID != e.id || a.Version == "" || a.Status != "active" && (e.activated || a.Status != "draft") {
			w.t.Errorf("agent %s, whose activation was acknowledged: %t: %d %s, %v", e.id, e.activated, r.status, r.body, err)
		}
	})
}

// share does n things, several at a time.
func (w *world) share(n int, do func(int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range crashCallers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	wg.Wait()
}

// verifyLimit checks that no hour admitted more than the agent's limit, and
// that what counts admissions has not lost one.
func (w *world) verifyLimit(listed map[string]object) {
	hours := map[string]int{}
	for _, a := range listed {
		if a["agent_id"] == "crash-limited" && a["error_code"] != "RATE_LIMIT_EXCEEDED" {
			hours[a["created_at"].(string)[:len("2026-01-02T15")]]++
		}
	}
	for hour, admitted := range hours {
		if admitted > crashLimit {
			w.t.Errorf("%d actions were admitted in the hour %s, the limit is %d", admitted, hour, crashLimit)
		}
	}
	usage := must[struct {
		RateLimits map[string]struct {
			Current int `json:"current"`
		} `json:"rate_limits"`
	}](w.t, w.key, "GET", "/api/registry/agents/crash-limited/usage", "")
	current := usage.RateLimits["per_hour"].Current
	now := time.Now().UTC().Format("2006-01-02T15")
	if current > crashLimit || current < hours[now] {
		w.t.Errorf("usage shows %d actions of this hour; %d were admitted, the limit is %d", current, hours[now], crashLimit)
	}
	if len(hours) == 0 {
		w.t.Error("the limited agent was never admitted")
	}
}
