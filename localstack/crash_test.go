package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	crashRounds  = 5
	crashCallers = 16
	crashLimit   = 50 // actions an hour of the limited agent
)

// TestNothingAcknowledgedIsLostWhenTheServerIsKilled kills the server with
// SIGKILL under load, again and again on one folder. What was answered must
// stand, and what was not must be there wholly or not at all. (A killed process
// leaves what it wrote to the kernel, so this does not show that the disk had
// it; the store's own tests look at its fsync.)
func TestNothingAcknowledgedIsLostWhenTheServerIsKilled(t *testing.T) {
	data := t.TempDir()
	w := &world{t: t}
	s := launch(t, data)
	for _, id := range []string{"crash-busy", "crash-limited"} {
		must[object](t, s.key(), "POST", "/api/registry/agents", fmt.Sprintf(`{"agent_id": %q, "display_name": "Crash"}`, id))
		must[object](t, s.admin(), "POST", "/api/registry/agents/"+id+"/activate", "")
	}
	must[object](t, s.admin(), "PUT", "/api/registry/agents/crash-limited/rate-limits", fmt.Sprintf(`{"max_actions_per_hour": %d}`, crashLimit))

	for round := range crashRounds {
		w.use(s)
		w.load(round, 500*time.Millisecond+rand.N(500*time.Millisecond), func() { s.kill(syscall.SIGKILL) })
		s = launch(t, data)
		w.use(s)
		w.repeatUnanswered()
		w.verify(round)
		if t.Failed() {
			return
		}
	}
	w.verifyRepeats()
	t.Logf("%d submissions, %d decisions, %d agents; %d commands were cut off", len(w.submits), w.decided, len(w.agents), w.unanswered)
	if w.unanswered == 0 || w.decided == 0 {
		t.Error("no kill met a command under way: the test showed nothing")
	}
}

// world is what the callers know: their commands, and the answers they got.
type world struct {
	t                    *testing.T
	key, admin, approver client

	mu                  sync.Mutex
	submits             []*submitted
	agents              []*enrolled
	unanswered, decided int
	verified            int // submissions read back in full in the round they were made
}

// submitted is a submission and what became of it.
type submitted struct {
	key, body, agent string
	answer           object    // nil until acknowledged
	decision         *decision // nil unless somebody decided on the pending action
}

// decision is an approval or a rejection.
type decision struct {
	key, verb, body string
	answer          object // nil until acknowledged
}

// enrolled is an agent's registration and activation.
type enrolled struct {
	id                    string
	registered, activated bool // acknowledged
}

func (w *world) use(s *server) { w.key, w.admin, w.approver = s.key(), s.admin(), s.approver() }

// load has callers at work until the server is killed under them.
func (w *world) load(round int, lasting time.Duration, kill func()) {
	var wg sync.WaitGroup
	for caller := range crashCallers {
		wg.Go(func() {
			for n := 0; ; n++ {
				if !w.command(fmt.Sprintf("%d-%d-%d", round, caller, n), n+caller) {
					return
				}
			}
		})
	}
	time.Sleep(lasting)
	kill()
	wg.Wait()
}

// command makes the next command of a caller; false when it was not answered.
func (w *world) command(name string, n int) bool {
	switch n % 8 {
	case 0:
		return w.enrol(&enrolled{id: "crash-" + name})
	case 1, 2:
		return w.submit(&submitted{key: "key-" + name, agent: "crash-limited", body: submission("crash-limited", "email_send", name)})
	case 3, 4:
		s := &submitted{key: "key-" + name, agent: "crash-busy", body: submission("crash-busy", "shell_execute", name)}
		if !w.submit(s) {
			return false
		}
		verb := []string{"approve", "reject", ""}[n/8%3]
		return verb == "" || w.decide(s, &decision{key: "decide-" + name, verb: verb, body: fmt.Sprintf(`{"reason": "As planned in %s"}`, name)})
	default:
		return w.submit(&submitted{key: "key-" + name, agent: "crash-busy", body: submission("crash-busy", "email_send", name)})
	}
}

// submission is a request whose description is its own.
func submission(agent, kind, name string) string {
	return fmt.Sprintf(`{"agent_id": %q, "action_type": %q, "description": "command %s", "resource": "production",
		"context": {"environment": "production"}, "parameters": {"name": %q}}`, agent, kind, name, name)
}

// ask makes a call that has to be answered with success; nil when it was cut off.
func (w *world) ask(c client, path, key, body string) (object, http.Header) {
	r, err := c.call("POST", path, key, body)
	if err != nil {
		w.mu.Lock()
		w.unanswered++
		w.mu.Unlock()
		return nil, nil
	}
	answer, err := decodeBody[object](r)
	if err == nil && r.status >= 300 {
		err = fmt.Errorf("answered %d %s", r.status, r.body)
	}
	if err != nil {
		w.t.Errorf("POST %s: %v", path, err)
		return nil, nil
	}
	return answer, r.header
}

func (w *world) submit(s *submitted) bool {
	w.mu.Lock()
	w.submits = append(w.submits, s)
	w.mu.Unlock()
	s.answer, _ = w.ask(w.key, "/api/v1/actions/submit", s.key, s.body)
	return s.answer != nil
}

func (w *world) decide(s *submitted, d *decision) bool {
	s.decision = d
	d.answer, _ = w.ask(w.approver, fmt.Sprintf("/api/v1/actions/%.0f/%s", s.answer["id"], d.verb), d.key, d.body)
	w.mu.Lock()
	w.decided++
	w.mu.Unlock()
	return d.answer != nil
}

func (w *world) enrol(e *enrolled) bool {
	w.mu.Lock()
	w.agents = append(w.agents, e)
	w.mu.Unlock()
	answer, _ := w.ask(w.key, "/api/registry/agents", "register-"+e.id, fmt.Sprintf(`{"agent_id": %q, "display_name": "Crash"}`, e.id))
	if e.registered = answer != nil; !e.registered {
		return false
	}
	answer, _ = w.ask(w.admin, "/api/registry/agents/"+e.id+"/activate", "activate-"+e.id, "")
	e.activated = answer != nil
	return e.activated
}

// repeatUnanswered sends again, as a client does, what the kill cut off.
func (w *world) repeatUnanswered() {
	cut := w.unanswered
	for _, s := range w.submits {
		if s.answer == nil {
			s.answer, _ = w.ask(w.key, "/api/v1/actions/submit", s.key, s.body)
		}
		if d := s.decision; d != nil && d.answer == nil {
			d.answer, _ = w.ask(w.approver, fmt.Sprintf("/api/v1/actions/%.0f/%s", s.answer["id"], d.verb), d.key, d.body)
		}
	}
	for _, e := range w.agents {
		// An acknowledged registration must be there without being repeated.
		if !e.registered {
			answer, _ := w.ask(w.key, "/api/registry/agents", "register-"+e.id, fmt.Sprintf(`{"agent_id": %q, "display_name": "Crash"}`, e.id))
			e.registered = answer != nil
		}
	}
	if w.unanswered > cut {
		w.t.Fatal("the restarted server does not answer")
	}
}

// verify reads everything back: all of the list, and in full what this round made.
func (w *world) verify(round int) {
	t := w.t
	listed := byDescription(t, w.list("/api/v1/actions?limit=1000"))
	pending := map[any]bool{}
	for _, a := range w.list("/api/v1/actions?limit=1000&status_filter=pending_approval") {
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
	w.readBack(w.submits[w.verified:])
	w.verified = len(w.submits)
	if round == crashRounds-1 {
		w.readBack(w.submits)
	}
	w.verifyAgents()
	w.verifyLimit(listed)
}

// readBack holds each action's whole record against its answers.
func (w *world) readBack(submits []*submitted) {
	var wg sync.WaitGroup
	for share := range slices.Chunk(submits, len(submits)/crashCallers+1) {
		wg.Go(func() {
			for _, s := range share {
				path := fmt.Sprintf("/api/v1/actions/%.0f", s.answer["id"])
				r, err := w.key.call("GET", path, "", "")
				var a object
				if err == nil {
					a, err = decodeBody[object](r)
				}
				if err != nil || r.status != 200 {
					w.t.Errorf("GET %s: %v: %d %s", path, err, r.status, r.body)
					continue
				}
				for _, fault := range append(s.compare(a), s.compareTrail(a)...) {
					w.t.Errorf("%s: %s", s.key, fault)
				}
			}
		})
	}
	wg.Wait()
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

// list reads all pages of a list.
func (w *world) list(path string) []object {
	var all []object
	for path != "" {
		r, err := w.key.call("GET", path, "", "")
		var page []object
		if err == nil {
			page, err = decodeBody[[]object](r)
		}
		if err != nil {
			w.t.Fatalf("GET %s: %v", path, err)
		}
		all = append(all, page...)
		path = r.next()
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
// none lacks a part.
func (w *world) verifyAgents() {
	for _, e := range w.agents {
		found := must[struct {
			Agent struct {
				ID      string `json:"agent_id"`
				Status  string `json:"status"`
				Version string `json:"version"`
			} `json:"agent"`
		}](w.t, w.key, "GET", "/api/registry/agents/"+e.id, "").Agent
		if found.ID != e.id || e.activated && found.Status != "active" {
			w.t.Errorf("agent %s is %+v; its activation was acknowledged: %t", e.id, found, e.activated)
		}
		if !e.activated && found.Status != "draft" && found.Status != "active" {
			w.t.Errorf("agent %s is %q", e.id, found.Status)
		}
	}
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

// verifyRepeats sends some commands once more: each is answered from memory.
func (w *world) verifyRepeats() {
	for _, n := range rand.Perm(len(w.submits))[:min(200, len(w.submits))] {
		s := w.submits[n]
		answer, header := w.ask(w.key, "/api/v1/actions/submit", s.key, s.body)
		if answer == nil || answer["id"] != s.answer["id"] || header.Get("Idempotency-Replayed") != "true" {
			w.t.Errorf("%s was answered as %v, its repeat as %v", s.key, s.answer["id"], answer["id"])
		}
	}
}
