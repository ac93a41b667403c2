package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ascend/shared/app/command"
	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
)

// wordy is the n-th of the people whose names take as much room as a
// credential may give them, of a role.
func wordy(n int, role tenant.Role) tenant.Principal {
	number := fmt.Sprintf("%04d", n)
	return tenant.Principal{
		Org: 1, Kind: tenant.Person, Subject: strings.Repeat(`"`, 255-len(number)) + number, UserID: 1<<53 - 1 - int64(n),
		Email: strings.Repeat(`"`, 254-len(number)) + number, Role: role, MFA: true,
	}
}

// wordyCommand is a command of somebody whose request says as much of itself as
// the front end keeps.
func (d *desk) wordyCommand(by tenant.Principal) *command.Command {
	c := d.command(by)
	c.SourceIP, c.Client.UserAgent = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", strings.Repeat(`"`, 200)
	return c
}

// longest is the longest reason of a decision.
var longest = strings.Repeat(`"`, action.MaxReason/2)

// wordyAgent is an agent whose escalation, too, is as long as it may be.
func (d *desk) wordyAgent(queued bool) agent.ID {
	d.t.Helper()
	id := agent.ID("agent-" + strings.Repeat("x", 58))
	d.active(id, `{"display_name": "A"}`)
	email := strings.Repeat("e", 254-len("@x.example")) + "@x.example"
	url := "https://x.example/"
	url += strings.Repeat(`"`, problem.MaxURL-len(url))
	s := agent.EscalationSettings{Email: &email, WebhookURL: &url, AllowQueuedApproval: &queued}
	if _, err := d.Agents.SetEscalation(d.t.Context(), d.command(admin), id, s); err != nil {
		d.t.Fatal(err)
	}
	return id
}

// wordyDeletion is a proposal with n bytes of content, whose type is as long as it may be.
func wordyDeletion(id agent.ID, n int) governance.Proposal {
	p := deletion(id)
	p.ActionType = "database_delete" + strings.Repeat("\x01", 128-len("database_delete"))
	p.RequireApproval = true
	p.Parameters = map[string]any{"content": strings.Repeat("x", n)}
	return p
}

// through makes a workflow the one of organisation 1 for every action.
func (d *desk) through(stages []workflow.StageDefinition) {
	d.t.Helper()
	risk := 0.0
	_, err := d.Workflows.Create(d.t.Context(), d.command(admin), workflow.Definition{
		Name: "W", Kind: workflow.MultiStage, Stages: stages, Trigger: &workflow.Trigger{MinRisk: &risk},
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// largestStages are as many stages of as many people as a workflow may have, by
// names as long as an organisation's workflows may be together.
func largestStages() []workflow.StageDefinition {
	stages, seconds, people := make([]workflow.StageDefinition, workflow.MaxStages), int64(3600), workflow.MaxApprovers/workflow.MaxStages
	for i := range stages {
		named := []workflow.Approver{{Role: tenant.Manager}}
		for n := range workflow.MaxApprovers - 1 {
			named = append(named, workflow.Approver{Email: fmt.Sprintf("%s%04d@x.example", strings.Repeat("p", 240), n)})
		}
		stages[i] = workflow.StageDefinition{Name: strings.Repeat("s", workflow.MaxName), Approvers: named, TimeoutSeconds: &seconds, MinApprovers: &people}
	}
	return stages
}

// largest is the most content with which an action is accepted as pending; one
// of a byte more was refused.
func (d *desk) largest(id agent.ID) int {
	d.t.Helper()
	low, high := 0, store.MaxItem
	for low < high-1 {
		n := (low + high) / 2
		act, err := d.Actions.Submit(d.t.Context(), d.command(machine), wordyDeletion(id, n))
		switch {
		case err == nil && act.Pending():
			low = n
		case err != nil && problem.As(err).Kind == problem.KindInvalid && problem.As(err).Code == problem.CodeValidation:
			high = n
		default:
			d.t.Fatalf("with %d bytes of content: %+v, %v", n, act, err)
		}
	}
	if low == 0 || high == store.MaxItem {
		d.t.Fatalf("the bound lies elsewhere: %d bytes accepted, %d refused", low, high)
	}
	return low
}

// A pending action of the largest size can be brought to each of its ends: with
// the least and with the most that people may have to say on it, whose names
// and reasons are as long as may be.
func TestTheLargestPendingActionCanBeBroughtToEachEnd(t *testing.T) {
	quorum, seconds := workflow.MaxApprovers, int64(60)
	for way, stages := range map[string][]workflow.StageDefinition{
		"one approval":         nil,
		"a quorum":             {{Name: "s", Approvers: []workflow.Approver{{Role: tenant.Manager}}, TimeoutSeconds: &seconds, MinApprovers: &quorum}},
		"the largest workflow": largestStages(),
	} {
		for _, queued := range []bool{false, true} {
			open := func(t *testing.T) (*desk, agent.ID) {
				d := embeddedDesk(t)
				if stages != nil {
					d.through(stages)
				}
				return d, d.wordyAgent(queued)
			}
			t.Run(fmt.Sprintf("%s, queued %v", way, queued), func(t *testing.T) {
				t.Parallel()
				d, id := open(t)
				n := d.largest(id) - 10 // times and durations are not always of the same length
				for end, bring := range ends {
					t.Run(end, func(t *testing.T) {
						d, id := open(t)
						act := d.submit(d.command(machine), wordyDeletion(id, n))
						before := d.size(act.ID)
						bring(d, act)
						after := d.size(act.ID)
						t.Logf("%d bytes of content, %d of the record, %d at its end", n, before, after)
						if after > store.MaxItem || end == "approved by all" && after < store.MaxItem*9/10 {
							t.Errorf("at its end it takes %d bytes: the room that was kept is too little, or far too much", after)
						}
					})
				}
			})
		}
	}
}

// size is how large an action's record is now.
func (d *desk) size(id action.ID) int {
	d.t.Helper()
	items, err := d.raw.Get(d.t.Context(), store.ActionKey(1, id))
	if err != nil || items[0] == nil {
		d.t.Fatalf("read: %v, %v", items, err)
	}
	item := *items[0]
	item.Index = store.ActionIndex(1, id, d.Now())
	return item.Size()
}

// approved has the present stage approved by so many more.
func (d *desk) approved(id action.ID, people int) {
	d.t.Helper()
	for range people {
		n := int(commands.Add(1))
		d.advance(time.Millisecond)
		if _, err := d.Approvals.Approve(d.t.Context(), d.wordyCommand(wordy(n%10_000, tenant.Manager)), id, longest); err != nil {
			d.t.Fatalf("approval: %v", err)
		}
	}
}

// approvedButOne has each stage approved but the last one, which lacks one approval.
func (d *desk) approvedButOne(id action.ID) {
	d.t.Helper()
	for {
		w := d.action(id).Approval
		if last := w.Stage+1 == len(w.Stages) || w.Stages[w.Stage+1].Escalation; last {
			d.approved(id, w.Missing()-1)
			return
		}
		d.approved(id, w.Missing())
	}
}

func (d *desk) expectEnd(id action.ID, status governance.Outcome, by string) {
	d.t.Helper()
	if act := d.action(id); act.Status != status || act.DecidedBy() != by {
		d.t.Errorf("%s by %s, want %s by %s", act.Status, act.DecidedBy(), status, by)
	}
}

// ends bring an action to an end with as many and as long words as there may be.
var ends = map[string]func(*desk, *action.Action){
	"approved by all": func(d *desk, act *action.Action) {
		d.approvedButOne(act.ID)
		d.approved(act.ID, 1)
		d.expectEnd(act.ID, governance.Approved, "approver")
	},
	"timed out": func(d *desk, act *action.Action) {
		for {
			w := d.action(act.ID).Approval
			if !w.Present().Escalation {
				d.approved(act.ID, w.Missing()-1)
			}
			d.advance(w.StageExpiresAt.Sub(d.Now()))
			if _, err := d.Approvals.ExpireDue(d.t.Context()); err != nil {
				d.t.Fatal(err)
			}
			if !d.action(act.ID).Pending() {
				break
			}
		}
		d.expectEnd(act.ID, governance.Denied, "timeout")
	},
	"passed on to the last stage, and approved there": func(d *desk, act *action.Action) {
		for {
			w := d.action(act.ID).Approval
			if w.Stage+1 == len(w.Stages) {
				break
			}
			d.approved(act.ID, w.Missing()-1)
			d.advance(w.StageExpiresAt.Sub(d.Now()))
			if _, err := d.Approvals.ExpireDue(d.t.Context()); err != nil {
				d.t.Fatal(err)
			}
		}
		w := d.action(act.ID).Approval
		if !w.Present().Escalation {
			d.approved(act.ID, w.Missing())
		} else {
			by := wordy(0, tenant.Manager)
			by.Email = w.Present().Approvers[0].Email
			if _, err := d.Approvals.Approve(d.t.Context(), d.wordyCommand(by), act.ID, longest); err != nil {
				d.t.Fatal(err)
			}
		}
		d.expectEnd(act.ID, governance.Approved, "approver")
	},
	"rejected": func(d *desk, act *action.Action) {
		d.approvedButOne(act.ID)
		d.advance(time.Millisecond)
		if _, err := d.Approvals.Reject(d.t.Context(), d.wordyCommand(wordy(0, tenant.Manager)), act.ID, longest); err != nil {
			d.t.Fatal(err)
		}
		d.expectEnd(act.ID, governance.Denied, "approver")
	},
	"revoked": func(d *desk, act *action.Action) {
		d.approvedButOne(act.ID)
		d.advance(time.Millisecond)
		why := strings.Repeat("\U0001f6d1", agent.MaxReason)
		if _, err := d.Agents.Suspend(d.t.Context(), d.wordyCommand(wordy(0, tenant.Admin)), act.Input.Proposal.AgentID, why); err != nil {
			d.t.Fatal(err)
		}
		d.expectEnd(act.ID, governance.Denied, "agent_suspended")
	},
}

// What is decided at once adds nothing, and must fit all the same.
func TestAnActionThatIsTooLargeIsRefusedForGood(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		d.active("agent-2", `{"display_name": "B"}`)
		if _, err := d.Agents.Suspend(t.Context(), d.command(admin), "agent-2", ""); err != nil {
			t.Fatal(err)
		}
		for _, p := range []governance.Proposal{email("agent-1"), deletion("agent-1"), email("agent-2")} {
			p.Parameters = map[string]any{"content": strings.Repeat("x", store.MaxItem)}
			for _, c := range []*command.Command{d.command(machine), d.keyed("k", "digest")} {
				_, err := d.Actions.Submit(t.Context(), c, p)
				e := problem.As(err)
				if e.Kind != problem.KindInvalid || e.Code != problem.CodeValidation || len(e.Fields) != 1 || !strings.Contains(e.Detail, "too large") || !strings.Contains(e.Detail, "390000") {
					t.Errorf("%s of %s: %v", p.ActionType, p.AgentID, err)
				}
			}
		}
		if all := d.stored(); len(all) > 0 {
			t.Errorf("stored: %+v", all)
		}
	})
}

func TestAnActionThatIsTooLargeTakesNothingOfALimit(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		if _, err := d.Agents.SetRateLimits(t.Context(), d.command(admin), "agent-1", settingsOf(t, `{"max_actions_per_minute": 1}`)); err != nil {
			t.Fatal(err)
		}
		p := email("agent-1")
		p.Parameters = map[string]any{"content": strings.Repeat("x", store.MaxItem)}
		for range 3 {
			if _, err := d.Actions.Submit(t.Context(), d.command(machine), p); problem.As(err).Kind != problem.KindInvalid {
				t.Fatalf("submitted: %v", err)
			}
		}
		for _, want := range []governance.Outcome{governance.Approved, governance.Denied} {
			if act := d.submit(d.command(machine), email("agent-1")); act.Status != want {
				t.Errorf("what fits is %s, want %s", act.Status, want)
			}
		}
	})
}

// A command that was accepted is not refused when it comes again, though it
// would be too large by now.
func TestARepeatIsAnsweredThoughItsAgentHasGrown(t *testing.T) {
	d := embeddedDesk(t)
	id := d.wordyAgent(false)
	n := d.largest(id)
	first := d.submit(d.keyed("k", "digest"), wordyDeletion(id, n-100))
	var s agent.EscalationSettings
	email := strings.Repeat("f", 254-len("@x.example")) + "@x.example"
	s.Email = &email // and queued by default: one stage more
	if _, err := d.Agents.SetEscalation(t.Context(), d.command(admin), id, s); err != nil {
		t.Fatal(err)
	}
	again := d.keyed("k", "digest")
	if act, err := d.Actions.Submit(t.Context(), again, wordyDeletion(id, n-100)); err != nil || act.ID != first.ID || !again.Replayed {
		t.Errorf("the repeat: %+v, %v", act, err)
	}
	if _, err := d.Actions.Submit(t.Context(), d.keyed("l", "digest"), wordyDeletion(id, n-100)); problem.As(err).Kind != problem.KindInvalid {
		t.Errorf("a new command: %v", err)
	}
}

// A record without room, as none is accepted any more, does not make callers try again.
func TestAMoveThatDoesNotFitIsNoUnavailability(t *testing.T) {
	onBoth(t, func(t *testing.T, d *desk) {
		d.active("agent-1", `{"display_name": "A"}`)
		act := d.submit(d.command(machine), deletion("agent-1"))
		items, err := d.raw.Get(t.Context(), store.ActionKey(1, act.ID))
		if err != nil {
			t.Fatal(err)
		}
		item := *items[0]
		item.Index = store.ActionIndex(1, act.ID, act.Approval.StageExpiresAt)
		act.Input.Proposal.Parameters = map[string]any{"content": strings.Repeat("x", store.MaxItem-item.Size()-100)}
		if item.Body, err = act.Encode(); err == nil {
			_, err = d.raw.Write(t.Context(), store.Put{Item: item})
		}
		if err != nil {
			t.Fatal(err)
		}
		d.advance(time.Second)
		_, err = d.Approvals.Reject(t.Context(), d.command(manager), act.ID, "")
		if e := problem.As(err); e.Kind != problem.KindTooLarge || e.RetryAfter != 0 || strings.Contains(e.Detail, "again") {
			t.Errorf("rejected: %v", err)
		}
		d.advance(24 * time.Hour)
		if n, err := d.Approvals.ExpireDue(t.Context()); n != 0 || problem.As(err).Kind != problem.KindTooLarge {
			t.Errorf("passed %d deadlines, %v", n, err)
		}
	})
}
