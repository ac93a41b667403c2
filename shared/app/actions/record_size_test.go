package actions_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ascend/shared/app/apptest"
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
func wordyCommand(f *apptest.Fixture, by tenant.Principal) *command.Command {
	c := f.Command(by)
	c.SourceIP, c.Client.UserAgent = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", strings.Repeat(`"`, 200)
	return c
}

// longest is the longest reason of a decision.
var longest = strings.Repeat(`"`, action.MaxReason/2)

// wordyAgent is an agent whose escalation, too, is as long as it may be.
func wordyAgent(f *apptest.Fixture, queued bool) agent.ID {
	f.T.Helper()
	id := agent.ID("agent-" + strings.Repeat("x", 58))
	f.Active(id, `{"display_name": "A"}`)
	email := strings.Repeat("e", 254-len("@x.example")) + "@x.example"
	url := "https://x.example/"
	url += strings.Repeat(`"`, problem.MaxURL-len(url))
	s := agent.EscalationSettings{Email: &email, WebhookURL: &url, AllowQueuedApproval: &queued}
	if _, err := f.Agents.SetEscalation(f.T.Context(), f.Command(apptest.Admin), id, s); err != nil {
		f.T.Fatal(err)
	}
	return id
}

// wordyDeletion is a proposal with n bytes of content, whose type is as long as it may be.
func wordyDeletion(id agent.ID, n int) governance.Proposal {
	p := apptest.Deletion(id)
	p.ActionType = "database_delete" + strings.Repeat("\x01", 128-len("database_delete"))
	p.RequireApproval = true
	p.Parameters = map[string]any{"content": strings.Repeat("x", n)}
	return p
}

// through makes a workflow the one of organisation 1 for every action.
func through(f *apptest.Fixture, stages []workflow.StageDefinition) {
	f.T.Helper()
	risk := 0.0
	_, err := f.Workflows.Create(f.T.Context(), f.Command(apptest.Admin), workflow.Definition{
		Name: "W", Kind: workflow.MultiStage, Stages: stages, Trigger: &workflow.Trigger{MinRisk: &risk},
	})
	if err != nil {
		f.T.Fatal(err)
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
func largest(f *apptest.Fixture, id agent.ID) int {
	f.T.Helper()
	low, high := 0, store.MaxItem
	for low < high-1 {
		n := (low + high) / 2
		act, err := f.Actions.Submit(f.T.Context(), f.Command(apptest.Machine), wordyDeletion(id, n))
		switch {
		case err == nil && act.Pending():
			low = n
		case err != nil && problem.As(err).Kind == problem.KindInvalid && problem.As(err).Code == problem.CodeValidation:
			high = n
		default:
			f.T.Fatalf("with %d bytes of content: %+v, %v", n, act, err)
		}
	}
	if low == 0 || high == store.MaxItem {
		f.T.Fatalf("the bound lies elsewhere: %d bytes accepted, %d refused", low, high)
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
			open := func(t *testing.T) (*apptest.Fixture, agent.ID) {
				f := apptest.New(t)
				if stages != nil {
					through(f, stages)
				}
				return f, wordyAgent(f, queued)
			}
			t.Run(fmt.Sprintf("%s, queued %v", way, queued), func(t *testing.T) {
				t.Parallel()
				f, id := open(t)
				n := largest(f, id) - 10 // times and durations are not always of the same length
				for end, bring := range ends {
					t.Run(end, func(t *testing.T) {
						f, id := open(t)
						act := f.Submit(f.Command(apptest.Machine), wordyDeletion(id, n))
						before := size(f, act.ID)
						bring(f, act)
						after := size(f, act.ID)
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
func size(f *apptest.Fixture, id action.ID) int {
	f.T.Helper()
	items, err := f.Raw.Get(f.T.Context(), store.ActionKey(1, id))
	if err != nil || items[0] == nil {
		f.T.Fatalf("read: %v, %v", items, err)
	}
	item := *items[0]
	item.Index = store.ActionIndex(1, id, f.Now())
	return item.Size()
}

// people numbers those who approve.
var people atomic.Int64

// approved has the present stage approved by so many more.
func approved(f *apptest.Fixture, id action.ID, votes int) {
	f.T.Helper()
	for range votes {
		n := int(people.Add(1))
		f.Advance(time.Millisecond)
		if _, err := f.Approvals.Approve(f.T.Context(), wordyCommand(f, wordy(n%10_000, tenant.Manager)), id, longest); err != nil {
			f.T.Fatalf("approval: %v", err)
		}
	}
}

// approvedButOne has each stage approved but the last one, which lacks one approval.
func approvedButOne(f *apptest.Fixture, id action.ID) {
	f.T.Helper()
	for {
		w := f.Action(id).Approval
		if last := w.Stage+1 == len(w.Stages) || w.Stages[w.Stage+1].Escalation; last {
			approved(f, id, w.Missing()-1)
			return
		}
		approved(f, id, w.Missing())
	}
}

func expectEnd(f *apptest.Fixture, id action.ID, status governance.Status, by string) {
	f.T.Helper()
	if act := f.Action(id); act.Status != status || act.DecidedBy() != by {
		f.T.Errorf("%s by %s, want %s by %s", act.Status, act.DecidedBy(), status, by)
	}
}

// ends bring an action to an end with as many and as long words as there may be.
var ends = map[string]func(*apptest.Fixture, *action.Action){
	"approved by all": func(f *apptest.Fixture, act *action.Action) {
		approvedButOne(f, act.ID)
		approved(f, act.ID, 1)
		expectEnd(f, act.ID, governance.Approved, "approver")
	},
	"timed out": func(f *apptest.Fixture, act *action.Action) {
		for {
			w := f.Action(act.ID).Approval
			if !w.Present().Escalation {
				approved(f, act.ID, w.Missing()-1)
			}
			f.Advance(w.StageExpiresAt.Sub(f.Now()))
			if _, err := f.Approvals.ExpireDue(f.T.Context()); err != nil {
				f.T.Fatal(err)
			}
			if !f.Action(act.ID).Pending() {
				break
			}
		}
		expectEnd(f, act.ID, governance.Denied, "timeout")
	},
	"passed on to the last stage, and approved there": func(f *apptest.Fixture, act *action.Action) {
		for {
			w := f.Action(act.ID).Approval
			if w.Stage+1 == len(w.Stages) {
				break
			}
			approved(f, act.ID, w.Missing()-1)
			f.Advance(w.StageExpiresAt.Sub(f.Now()))
			if _, err := f.Approvals.ExpireDue(f.T.Context()); err != nil {
				f.T.Fatal(err)
			}
		}
		w := f.Action(act.ID).Approval
		if !w.Present().Escalation {
			approved(f, act.ID, w.Missing())
		} else {
			by := wordy(0, tenant.Manager)
			by.Email = w.Present().Approvers[0].Email
			if _, err := f.Approvals.Approve(f.T.Context(), wordyCommand(f, by), act.ID, longest); err != nil {
				f.T.Fatal(err)
			}
		}
		expectEnd(f, act.ID, governance.Approved, "approver")
	},
	"rejected": func(f *apptest.Fixture, act *action.Action) {
		approvedButOne(f, act.ID)
		f.Advance(time.Millisecond)
		if _, err := f.Approvals.Reject(f.T.Context(), wordyCommand(f, wordy(0, tenant.Manager)), act.ID, longest); err != nil {
			f.T.Fatal(err)
		}
		expectEnd(f, act.ID, governance.Denied, "approver")
	},
	"revoked": func(f *apptest.Fixture, act *action.Action) {
		approvedButOne(f, act.ID)
		f.Advance(time.Millisecond)
		why := strings.Repeat("\U0001f6d1", agent.MaxReason)
		if _, err := f.Agents.Suspend(f.T.Context(), wordyCommand(f, wordy(0, tenant.Admin)), act.Input.Proposal.AgentID, why); err != nil {
			f.T.Fatal(err)
		}
		expectEnd(f, act.ID, governance.Denied, "agent_suspended")
	},
}

// What is decided at once adds nothing, and must fit all the same.
func TestAnActionThatIsTooLargeIsRefusedForGood(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		f.Active("agent-2", `{"display_name": "B"}`)
		if _, err := f.Agents.Suspend(t.Context(), f.Command(apptest.Admin), "agent-2", ""); err != nil {
			t.Fatal(err)
		}
		for _, p := range []governance.Proposal{apptest.Email("agent-1"), apptest.Deletion("agent-1"), apptest.Email("agent-2")} {
			p.Parameters = map[string]any{"content": strings.Repeat("x", store.MaxItem)}
			for _, c := range []*command.Command{f.Command(apptest.Machine), f.Keyed(apptest.Machine, "k", "digest")} {
				_, err := f.Actions.Submit(t.Context(), c, p)
				e := problem.As(err)
				if e.Kind != problem.KindInvalid || e.Code != problem.CodeValidation || len(e.Fields) != 1 || !strings.Contains(e.Detail, "too large") || !strings.Contains(e.Detail, "390000") {
					t.Errorf("%s of %s: %v", p.ActionType, p.AgentID, err)
				}
			}
		}
		if all := f.Stored(); len(all) > 0 {
			t.Errorf("stored: %+v", all)
		}
	})
}

func TestAnActionThatIsTooLargeTakesNothingOfALimit(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		if _, err := f.Agents.SetRateLimits(t.Context(), f.Command(apptest.Admin), "agent-1", apptest.Limits(t, `{"max_actions_per_minute": 1}`)); err != nil {
			t.Fatal(err)
		}
		p := apptest.Email("agent-1")
		p.Parameters = map[string]any{"content": strings.Repeat("x", store.MaxItem)}
		for range 3 {
			if _, err := f.Actions.Submit(t.Context(), f.Command(apptest.Machine), p); problem.As(err).Kind != problem.KindInvalid {
				t.Fatalf("submitted: %v", err)
			}
		}
		for _, want := range []governance.Status{governance.Approved, governance.Denied} {
			if act := f.Submit(f.Command(apptest.Machine), apptest.Email("agent-1")); act.Status != want {
				t.Errorf("what fits is %s, want %s", act.Status, want)
			}
		}
	})
}

// A command that was accepted is not refused when it comes again, though it
// would be too large by now.
func TestARepeatIsAnsweredThoughItsAgentHasGrown(t *testing.T) {
	f := apptest.New(t)
	id := wordyAgent(f, false)
	n := largest(f, id)
	first := f.Submit(f.Keyed(apptest.Machine, "k", "digest"), wordyDeletion(id, n-100))
	var s agent.EscalationSettings
	email := strings.Repeat("f", 254-len("@x.example")) + "@x.example"
	s.Email = &email // and queued by default: one stage more
	if _, err := f.Agents.SetEscalation(t.Context(), f.Command(apptest.Admin), id, s); err != nil {
		t.Fatal(err)
	}
	again := f.Keyed(apptest.Machine, "k", "digest")
	if act, err := f.Actions.Submit(t.Context(), again, wordyDeletion(id, n-100)); err != nil || act.ID != first.ID || !again.Replayed {
		t.Errorf("the repeat: %+v, %v", act, err)
	}
	if _, err := f.Actions.Submit(t.Context(), f.Keyed(apptest.Machine, "l", "digest"), wordyDeletion(id, n-100)); problem.As(err).Kind != problem.KindInvalid {
		t.Errorf("a new command: %v", err)
	}
}

// A record without room, as none is accepted any more, does not make callers try again.
func TestAMoveThatDoesNotFitIsNoUnavailability(t *testing.T) {
	apptest.OnBoth(t, func(t *testing.T, f *apptest.Fixture) {
		f.Active("agent-1", `{"display_name": "A"}`)
		act := f.Submit(f.Command(apptest.Machine), apptest.Deletion("agent-1"))
		items, err := f.Raw.Get(t.Context(), store.ActionKey(1, act.ID))
		if err != nil {
			t.Fatal(err)
		}
		item := *items[0]
		item.Index = store.ActionIndex(1, act.ID, act.Approval.StageExpiresAt)
		act.Input.Proposal.Parameters = map[string]any{"content": strings.Repeat("x", store.MaxItem-item.Size()-100)}
		if item.Body, err = act.Encode(); err == nil {
			_, err = f.Raw.Write(t.Context(), store.Put{Item: item})
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Advance(time.Second)
		_, err = f.Approvals.Reject(t.Context(), f.Command(apptest.Manager), act.ID, "")
		if e := problem.As(err); e.Kind != problem.KindTooLarge || e.RetryAfter != 0 || strings.Contains(e.Detail, "again") {
			t.Errorf("rejected: %v", err)
		}
		f.Advance(24 * time.Hour)
		if n, err := f.Approvals.ExpireDue(t.Context()); n != 0 || problem.As(err).Kind != problem.KindTooLarge {
			t.Errorf("passed %d deadlines, %v", n, err)
		}
	})
}
