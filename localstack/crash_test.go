package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	crashRounds  = 5
	crashCallers = 16
	crashLimit   = 50              // actions an hour of the limited agent
	crashMost    = 400             // submissions a round, so that a quick machine has no more to read back
	crashWaiting = "crash-waiting" // an agent whose actions nobody answers
)

// TestNothingAcknowledgedIsLostWhenTheServerIsKilled kills the server with
// SIGKILL under load, again and again on one folder. What was answered must
// stand, and what was not must be there wholly or not at all; and every change
// that was committed must have its consequences. (A killed process
// leaves what it wrote to the kernel, so this does not show that the disk had
// it; the store's own tests look at its fsync.)
func TestNothingAcknowledgedIsLostWhenTheServerIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the server under load: 12 s")
	}
	data := t.TempDir()
	w := &world{t: t}
	s := launch(t, data)
	for _, id := range []string{"crash-busy", "crash-limited", crashWaiting} {
		must[object](t, s.key(), "POST", "/api/registry/agents", fmt.Sprintf(`{"agent_id": %q, "display_name": "Crash"}`, id))
		must[object](t, s.admin(), "POST", "/api/registry/agents/"+id+"/activate", "")
	}
	must[object](t, s.admin(), "PUT", "/api/registry/agents/crash-limited/rate-limits", fmt.Sprintf(`{"max_actions_per_hour": %d}`, crashLimit))

	must[object](t, s.admin(), "POST", "/api/governance/workflows", fmt.Sprintf(`{"name": "Waiting", "type": "single_approval",
		"approvers": [{"role": "manager"}], "timeout_seconds": 2, "trigger_conditions": {"agent_ids": [%q]}}`, crashWaiting))

	var launched time.Time
	for round := range crashRounds {
		w.use(s)
		w.load(round, 500*time.Millisecond+rand.N(500*time.Millisecond), func() { s.kill(syscall.SIGKILL) })
		s = launch(t, data)
		launched = time.Now()
		w.use(s)
		w.repeatUnanswered()
		w.verify(round)
		if t.Failed() {
			return
		}
	}
	w.verifyWaiting(launched)
	w.verifyFeed(data)
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
	enough := len(w.submits) + crashMost
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
	for end := time.Now().Add(lasting); time.Now().Before(end) && w.submissions() < enough; {
		time.Sleep(5 * time.Millisecond)
	}
	kill()
	wg.Wait()
}

func (w *world) submissions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.submits)
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
	case 7:
		answer, _ := w.ask(w.key, "/api/v1/actions/submit", "key-"+name, submission(crashWaiting, "shell_execute", name))
		return answer != nil
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
	if w.unanswered > cut || w.t.Failed() {
		w.t.Fatal("the restarted server does not answer as it should")
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
