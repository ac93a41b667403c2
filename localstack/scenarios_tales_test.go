package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"ascend/shared/domain/action"
)

func approves(p *scene) {
	id := p.asks(p.single(60))
	p.approvesAs(p.approver, id, "approved", 0)
	p.ends(id, "approved", "approver", "action.approved")
	p.refused(p.admin, "reject", id, http.StatusBadRequest)
}

func rejects(p *scene) {
	id := p.asks(p.single(60))
	if code, body := p.decides(p.approver, "reject", id); code != http.StatusOK || body["status"] != "denied" {
		p.Fatalf("the rejection is answered %d %v", code, body)
	}
	p.ends(id, "denied", "approver", "action.denied")
	p.refused(p.admin, "approve", id, http.StatusBadRequest)
}

func nobodyAnswers(p *scene) {
	id := p.asks(p.single(2))
	p.ends(id, "denied", "timeout", "action.timeout")
	p.refused(p.approver, "approve", id, http.StatusBadRequest)
	p.expectStages(id, 1)
}

func nobodyAnswersThrice(p *scene) {
	agent := p.agent()
	p.under(agent, "multi_stage", fmt.Sprintf(`"stages": [%s, %s, %s]`, stageOf("one", 2, byManager), stageOf("two", 3, byManager), stageOf("three", 3, byAdmin)))
	id := p.asks(agent)
	p.ends(id, "denied", "timeout", "action.timeout")
	want := []string{"action.pending", "action.escalated", "action.escalated", "action.timeout"}
	if got := p.events(p.action(id)); !slices.Equal(got, want) {
		p.Errorf("the trail is %v, want %v", got, want)
	}
	p.expectStages(id, 3)
}

func escalates(p *scene) {
	agent := p.agent()
	p.under(agent, "multi_stage", fmt.Sprintf(`"stages": [%s, %s]`, stageOf("team", 12, byManager), stageOf("security", 60, byAdmin)))
	id := p.asks(agent)
	p.refused(p.admin, "approve", id, http.StatusForbidden) // not of this stage
	p.reaches(id, 2)
	p.refused(p.approver, "approve", id, http.StatusForbidden) // not of this stage any more
	p.approvesAs(p.admin, id, "approved", 0)
	p.ends(id, "approved", "approver", "action.approved")
	p.expectStages(id, 2)
}

func allStages(p *scene) {
	agent := p.agent()
	p.under(agent, "multi_stage", fmt.Sprintf(`"stages": [%s, %s]`, stageOf("one", 60, byBoth), stageOf("two", 60, byBoth)))
	id := p.asks(agent)
	p.approvesAs(p.approver, id, "pending_approval", 1)
	p.refused(p.approver, "approve", id, http.StatusForbidden) // the same person never in two stages
	p.approvesAs(p.admin, id, "approved", 0)
	p.ends(id, "approved", "approver", "action.approved")
}

func quorum(p *scene) {
	agent := p.agent()
	p.under(agent, "quorum", fmt.Sprintf(`"approvers": [%s], "timeout_seconds": 60, "min_approvers": 3`, byBoth))
	id := p.asks(agent)
	p.approvesAs(p.approver, id, "pending_approval", 2)
	p.refused(p.approver, "approve", id, http.StatusForbidden) // twice
	p.approvesAs(p.admin, id, "pending_approval", 1)
	p.approvesAs(p.person("third@ascend.example", "manager"), id, "approved", 0)
	p.ends(id, "approved", "approver", "action.approved")
}

func escalationPath(p *scene) {
	agent := p.single(1)
	p.does(p.admin, "PUT", "/api/registry/agents/"+agent+"/escalation",
		`{"escalation_email": "chief@ascend.example", "allow_queued_approval": true, "timeout_seconds": 60}`)
	id := p.asks(agent)
	p.reaches(id, 2)
	p.refused(p.admin, "approve", id, http.StatusForbidden)
	p.approvesAs(p.person("chief@ascend.example", "manager"), id, "approved", 0)
	p.ends(id, "approved", "approver", "action.approved")
}

func deniesWithEscalation(p *scene) {
	agent := p.single(1)
	p.does(p.admin, "PUT", "/api/registry/agents/"+agent+"/escalation",
		`{"escalation_email": "chief@ascend.example", "allow_queued_approval": false}`)
	id := p.asks(agent)
	p.ends(id, "denied", "timeout", "action.timeout")
	p.expectStages(id, 1)
}

func suspended(p *scene) {
	agent := p.single(60)
	id := p.asks(agent)
	p.does(p.admin, "POST", "/api/registry/agents/"+agent+"/suspend?reason=drill", "")
	p.refused(p.approver, "approve", id, http.StatusBadRequest)
	p.ends(id, "denied", "agent_suspended", "action.denied")
}

func late(p *scene) {
	id := p.asks(p.single(20))
	use := p.clock.hold(p.T, id)
	p.approvesAs(p.approver, id, "approved", 0)
	p.ends(id, "approved", "approver", "action.approved")
	use()
	time.Sleep(21 * time.Second) // past the deadline that it had
	p.ends(id, "approved", "approver", "action.approved")
}

func startedTwice(p *scene) {
	id := p.asks(p.single(2))
	p.clock.startAgain(p.T, id)
	p.ends(id, "denied", "timeout", "action.timeout")
	p.clock.startAgain(p.T, id)
	p.ends(id, "denied", "timeout", "action.timeout")
	if got := p.events(p.action(id)); len(got) != 2 {
		p.Errorf("the trail is %v, want one entry for the deadline", got)
	}
}

func race(p *scene) {
	agent := p.single(60)
	for range 10 {
		id := p.asks(agent)
		p.oneWins(id, "approve", "approve")
		p.ends(id, "approved", "approver", "action.approved")
	}
}

func contradiction(p *scene) {
	agent := p.single(60)
	for range 10 {
		id := p.asks(agent)
		p.oneWins(id, "approve", "reject")
		if status := p.action(id)["status"]; status == "approved" {
			p.ends(id, "approved", "approver", "action.approved")
		} else {
			p.ends(id, "denied", "approver", "action.denied")
		}
	}
}

// oneWins has two people decide at once: one is answered 200, the other 400.
func (p *scene) oneWins(id action.ID, first, second string) {
	p.Helper()
	got := together(
		func() int { code, _ := p.decides(p.admin, first, id); return code },
		func() int { code, _ := p.decides(p.approver, second, id); return code },
	)
	if !maps.Equal(got, map[int]int{http.StatusOK: 1, http.StatusBadRequest: 1}) {
		p.Errorf("two decisions at once on action %d are answered %v, want one 200 and one 400", id, got)
	}
}

func hundred(p *scene) {
	agent := p.single(120)
	var wait sync.WaitGroup
	for worker := range 10 {
		wait.Go(func() {
			for i := range 10 {
				id := p.asks(agent)
				if (worker+i)%2 == 0 {
					p.decides(p.approver, "approve", id)
					p.ends(id, "approved", "approver", "action.approved")
				} else {
					p.decides(p.approver, "reject", id)
					p.ends(id, "denied", "approver", "action.denied")
				}
			}
		})
	}
	wait.Wait()
}

func secondFactor(p *scene) {
	agent := p.single(60)
	a := p.does(p.key, "POST", "/api/v1/actions/submit", fmt.Sprintf(
		`{"agent_id": %q, "action_type": "shell_execute", "resource": "production", "context": {"environment": "production"}}`, agent))
	number, _ := a["id"].(float64)
	id := action.ID(number)
	p.refused(p.person("password-only@ascend.example", "manager without a second factor"), "approve", id, http.StatusUnauthorized)
	p.approvesAs(p.approver, id, "approved", 0)
	p.ends(id, "approved", "approver", "action.approved")
}

// lastMoment approves around the deadline: whoever is answered is who decided.
func lastMoment(p *scene) {
	agent := p.single(2)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			id := p.asks(agent)
			time.Sleep(1900*time.Millisecond + time.Duration(i)*25*time.Millisecond)
			if code, _ := p.decides(p.approver, "approve", id); code == http.StatusOK {
				p.ends(id, "approved", "approver", "action.approved")
			} else {
				p.ends(id, "denied", "timeout", "action.timeout")
			}
		})
	}
	wait.Wait()
}

// expectStages checks through how many stages the clock has waited.
func (p *scene) expectStages(id action.ID, stages int) {
	p.Helper()
	var want []int
	for s := range stages {
		want = append(want, s+1)
	}
	if got := p.clock.passed(p.T, id); !slices.Equal(got, want) {
		p.Errorf("the clock of action %d has waited through stages %v, want %v", id, got, want)
	}
}
