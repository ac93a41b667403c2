package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/tenant"
)

// scene is where the scenarios of approval are played: on the local server, or
// on the deployed stack. They are told over HTTP alone; the clock tells more of
// itself where it can.
type scene struct {
	*testing.T
	key, admin, approver client
	person               func(email, role string) client // of the same organisation
	clock                clock
}

// clock is what turns under the scenarios.
type clock interface {
	// ended waits until the clock is done with an action and checks that it ended as the action did.
	ended(t *testing.T, id action.ID, status, decidedBy string)
	// startAgain begins the clock of an action a second time.
	startAgain(t *testing.T, id action.ID)
	// hold keeps what stands for the present wait of an action; the function
	// that it returns uses it after its time.
	hold(t *testing.T, id action.ID) (late func())
	// passed tells through which stages (from 1) the clock has waited.
	passed(t *testing.T, id action.ID) []int
}

// patience is how long a scenario waits for what must happen by itself. The
// deployed clock comes through a stream, a function and a state machine.
const patience = 60 * time.Second

// scenarios are what every clock must get right.
var scenarios = map[string]func(*scene){
	"a person approves":                                            approves,
	"a person rejects":                                             rejects,
	"nobody answers":                                               nobodyAnswers,
	"nobody answers in any of three stages":                        nobodyAnswersThrice,
	"an unanswered stage escalates and the next approves":          escalates,
	"all stages approve, each by another person":                   allStages,
	"a quorum needs distinct people":                               quorum,
	"the agent's escalation path follows the last stage":           escalationPath,
	"an escalation that is not queued denies":                      deniesWithEscalation,
	"the agent is suspended while its action waits":                suspended,
	"what comes late changes nothing":                              late,
	"a clock started twice ends once":                              startedTwice,
	"of two approvers at once one wins":                            race,
	"of approval and rejection at once one wins":                   contradiction,
	"a hundred approvals, ten at a time, all end as was decided":   hundred,
	"an approval that needs a second factor is refused without":    secondFactor,
	"a decision at the last moment and the deadline do not mix up": lastMoment,
}

// playAll runs every scenario as a subtest beside the others.
func playAll(t *testing.T, p scene) {
	for name, scenario := range scenarios {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			own := p
			own.T = t
			scenario(&own)
		})
	}
}

// stageOf makes a stage's members in a workflow's body.
func stageOf(name string, seconds int, approver string) string {
	return fmt.Sprintf(`{"name": %q, "approvers": [%s], "timeout_seconds": %d}`, name, approver, seconds)
}

const (
	byAdmin   = `{"role": "admin"}`
	byManager = `{"role": "manager"}`
	byBoth    = byAdmin + ", " + byManager
)

// agent registers and activates an agent of the scenario's own.
func (p *scene) agent() string {
	p.Helper()
	id := strings.ToLower(fmt.Sprintf("scene-%x", time.Now().UnixNano()))
	p.does(p.key, "POST", "/api/registry/agents", fmt.Sprintf(`{"agent_id": %q, "display_name": "Scene"}`, id))
	p.does(p.admin, "POST", "/api/registry/agents/"+id+"/activate", "")
	return id
}

// under makes a workflow for an agent's actions; members are those of its type.
func (p *scene) under(agent, kind, members string) {
	p.Helper()
	p.does(p.admin, "POST", "/api/governance/workflows", fmt.Sprintf(
		`{"name": %q, "type": %q, %s, "trigger_conditions": {"agent_ids": [%q]}}`, "For "+agent, kind, members, agent))
}

// single is an agent whose actions wait so many seconds for an admin or a manager.
func (p *scene) single(seconds int) (agent string) {
	p.Helper()
	agent = p.agent()
	p.under(agent, "single_approval", fmt.Sprintf(`"approvers": [%s], "timeout_seconds": %d`, byBoth, seconds))
	return agent
}

// asks submits an action that has to wait for people.
func (p *scene) asks(agent string) action.ID {
	p.Helper()
	a := p.does(p.key, "POST", "/api/v1/actions/submit", fmt.Sprintf(
		`{"agent_id": %q, "action_type": "data_access", "resource": "database", "context": {"require_human_approval": true}}`, agent))
	id, _ := a["id"].(float64)
	if a["status"] != "pending_approval" {
		p.Fatalf("action %v is %v, want pending_approval", a["id"], a["status"])
	}
	return action.ID(id)
}

// decides approves or rejects, and returns the answer's status and body.
func (p *scene) decides(who client, verb string, id action.ID) (int, object) {
	p.Helper()
	r := p.answered(who, "POST", fmt.Sprintf("/api/v1/actions/%d/%s", id, verb), `{"reason": "seen"}`)
	body, err := decodeBody[object](r)
	if err != nil {
		p.Fatal(err)
	}
	return r.status, body
}

// answered makes a call, again while the answer is 503, as its Retry-After
// asks: LocalStack on two cores does not always answer in a function's time.
// Its Idempotency-Key makes the repeats one command, also where the first took effect.
func (p *scene) answered(who client, method, path, body string) reply {
	p.Helper()
	for key, again := rand.Text(), 0; ; again++ {
		r, err := who.call(method, path, key, body)
		if err != nil {
			p.Fatal(err)
		}
		if r.status != http.StatusServiceUnavailable || again == 10 {
			return r
		}
		time.Sleep(time.Second)
	}
}

// does makes a call that has to be answered with a status below 300.
func (p *scene) does(who client, method, path, body string) object {
	p.Helper()
	r := p.answered(who, method, path, body)
	answer, err := decodeBody[object](r)
	if err != nil || r.status >= 300 {
		p.Fatalf("%s %s: answered %d %s, %v", method, path, r.status, r.body, err)
	}
	return answer
}

// approvesAs has somebody approve, which must leave the action in status with so many approvals to go.
func (p *scene) approvesAs(who client, id action.ID, status string, remaining int) {
	p.Helper()
	code, body := p.decides(who, "approve", id)
	if code != http.StatusOK || body["status"] != status || body["remaining_approvals"] != float64(remaining) {
		p.Fatalf("the approval of action %d is answered %d %v, want status %s and %d to go", id, code, body, status, remaining)
	}
}

// refused has somebody's decision refused with a status.
func (p *scene) refused(who client, verb string, id action.ID, want int) {
	p.Helper()
	if code, body := p.decides(who, verb, id); code != want {
		p.Errorf("to %s action %d is answered %d %v, want %d", verb, id, code, body, want)
	}
}

func (p *scene) action(id action.ID) object {
	p.Helper()
	return p.does(p.key, "GET", fmt.Sprintf("/api/v1/actions/%d", id), "")
}

// ends waits until an action is decided, and checks how: in its record, in its
// trail, and on the clock.
func (p *scene) ends(id action.ID, status, decidedBy, event string) {
	p.Helper()
	a := p.action(id)
	for limit := time.Now().Add(patience); a["status"] == "pending_approval" && time.Now().Before(limit); a = p.action(id) {
		time.Sleep(100 * time.Millisecond)
	}
	detail, _ := a["decision_detail"].(object)
	if a["status"] != status || detail["decided_by"] != decidedBy {
		p.Fatalf("action %d ended %v by %v, want %s by %s", id, a["status"], detail["decided_by"], status, decidedBy)
	}
	if got := p.events(a); len(got) == 0 || got[len(got)-1] != event {
		p.Errorf("the trail of action %d is %v, want %s at its end", id, got, event)
	}
	p.clock.ended(p.T, id, status, decidedBy)
}

// events are the names in an action's audit trail.
func (p *scene) events(a object) (names []string) {
	trail, _ := a["audit_trail"].([]any)
	for _, entry := range trail {
		names = append(names, fmt.Sprint(entry.(object)["event_type"]))
	}
	return names
}

// reaches waits until an action stands in a stage (from 1).
func (p *scene) reaches(id action.ID, stage int) {
	p.Helper()
	at := func() any {
		approval, _ := p.action(id)["approval"].(object)
		return approval["stage"]
	}
	for limit := time.Now().Add(patience); at() != float64(stage); {
		if time.Now().After(limit) {
			p.Fatalf("action %d stands in stage %v, want %d", id, at(), stage)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// together makes calls at the same instant and returns how many had each status.
func together(calls ...func() int) map[int]int {
	var wait sync.WaitGroup
	start := make(chan struct{})
	codes := make([]int, len(calls))
	for i, call := range calls {
		wait.Go(func() {
			<-start
			codes[i] = call()
		})
	}
	close(start)
	wait.Wait()
	count := map[int]int{}
	for _, code := range codes {
		count[code]++
	}
	return count
}

// newScene is the stage for one run of the scenarios: an organisation of its
// own, because workflows are bounded in number and stay.
func newScene(s *server, clockOf func(tenant.ID, client) clock) scene {
	org := tenant.ID(1_000_000 + time.Now().UnixMilli()%1_000_000_000)
	person := func(email, role string) client {
		role, mfa := strings.CutSuffix(role, " without a second factor")
		args := []string{"token", fmt.Sprintf("-org=%d", org), "-role=" + role, "-email=" + email}
		if mfa {
			args = append(args, "-mfa=false")
		}
		return s.as(s.command(args...))
	}
	key := s.as(s.command("token", fmt.Sprintf("-org=%d", org), "-email=owner@ascend.example", "-key"))
	return scene{
		key: key, admin: person("admin@ascend.example", "admin"), approver: person("approver@ascend.example", "manager"),
		person: person, clock: clockOf(org, key),
	}
}
