package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// published are the clients that run here, each from its package index and
// without any change (issue 3; clients.md says what they need).
var published = []struct {
	lock, script, agent string // agent: its User-Agent, so that we know who called
	scenarios           []scenario
	olderPaths          bool
}{
	{lock: "ascend-ai-sdk-2.7.1.lock", script: "sdk2.py", agent: "ascend-sdk/2.7.1 Python", scenarios: line2Whole},
	{lock: "ascend-ai-sdk-2.4.3.lock", script: "sdk2.py", agent: "ascend-sdk/", scenarios: line2},
	{lock: "ascend-ai-sdk-2.1.0.lock", script: "sdk2.py", agent: "ascend-sdk/2.1.0 Python", scenarios: line2, olderPaths: true},
	{lock: "ascend-ai-sdk-1.0.0.lock", script: "sdk1.py", agent: "AscendSDK-Python/1.0.0", scenarios: line1},
}

// scenario is one thing that a user does, with what must be true at its end.
type scenario struct {
	title, name string
	fault       fault
	before      func(*stage)                  // prepares the agent, which is registered and active
	meanwhile   func(*stage, <-chan struct{}) // what a person does while the client runs, until it ended
	after       func(*stage, told)            // what must be true then
}

// stage is where a scenario plays.
type stage struct {
	*testing.T
	server *server
	relay  *proxy
	agent  string
}

var line1 = []scenario{
	{title: "a connection test tells a good key from a wrong one", name: "connects"},
	{title: "a low-risk action is approved", name: "approved", after: ends("approved")},
	{title: "a suspended agent is denied", name: "denied", before: suspend, after: denied("suspended")},
	{title: "an action type that is not allowed is denied", name: "denied", before: allowOther, after: denied("email_send")},
	{title: "an agent over its limit is denied", name: "denied", before: exhaust, after: denied("limit")},
	{title: "a person approves while the client waits", name: "waits", before: limit, meanwhile: approve, after: ends("approved")},
	{title: "a person rejects while the client waits", name: "waits", before: limit, meanwhile: reject, after: denied(words)},
	{title: "a client that gives up waiting finds its action pending", name: "gives_up_waiting", after: ends("pending_approval")},
	{title: "actions are listed as an object", name: "lists", after: ends("approved")},
	{title: "errors have their types", name: "errors"},
}

// line2 is what every version of line 2.x does, and line2Whole is the rest.
var (
	line2 = []scenario{
		{title: "a connection test tells a good key from a wrong one", name: "connects"},
		{title: "an agent registers, and registers again", name: "registers", before: forget},
		{title: "a low-risk action is approved", name: "approved", after: ends("approved")},
		{title: "a suspended agent is denied", name: "denied", before: suspend, after: denied("suspended")},
		{title: "a person approves while the client waits", name: "waits", before: limit, meanwhile: approve, after: ends("approved")},
		{title: "a person rejects while the client waits", name: "waits", before: limit, meanwhile: reject, after: denied(words)},
		{title: "a client that gives up waiting finds its action pending", name: "gives_up_waiting", after: ends("pending_approval")},
	}
	line2Whole = append(slices.Clip(line2), []scenario{
		{title: "an action type that is not allowed is denied", name: "denied", before: allowOther, after: denied("email_send")},
		{title: "an agent over its limit is denied", name: "denied", before: exhaust, after: denied("limit")},
		{title: "a tool that needs a person waits for one", name: "tool_waits_for_a_person", meanwhile: approve, after: ends("approved")},
		{title: "a tool runs when it is allowed", name: "tool_runs_when_allowed", after: keeps(1)},
		{title: "a tool does not run when it is denied", name: "tool_does_not_run_when_denied", before: suspend, after: ends("denied")},
		{title: "a submission whose answer is lost happens once", name: "repeats", fault: loseFirst, after: happenedOnce},
		{title: "a submission whose answer is late happens once", name: "repeats", fault: delayFirst, after: happenedOnce},
		{title: "many actions are evaluated at once", name: "bulk", after: keeps(12)},
		{title: "errors have their types", name: "errors"},
	}...)
)

func TestPublishedClients(t *testing.T) {
	s := launch(t, t.TempDir())
	for n, c := range published {
		t.Run(strings.TrimSuffix(c.lock, ".lock"), func(t *testing.T) {
			t.Parallel()
			python := environment(t, c.lock)
			for i, sc := range c.scenarios {
				t.Run(sc.title, func(t *testing.T) {
					t.Parallel()
					st := &stage{t, s, relayTo(t, s.url(), sc.fault), fmt.Sprintf("client-%d-%d", n, i)}
					end := st.run(sc, python, c.script)
					st.came(c.agent, c.olderPaths)
					t.Logf("%+v after %d requests", end, len(st.relay.all()))
				})
			}
		})
	}
}

// run plays the scenario with everyone in it.
func (st *stage) run(sc scenario, python, script string) told {
	st.Helper()
	must[object](st, st.server.key(), "POST", "/api/registry/agents", `{"agent_id": "`+st.agent+`", "display_name": "Test agent"}`)
	must[object](st, st.server.admin(), "POST", "/api/registry/agents/"+st.agent+"/activate", "")
	if sc.before != nil {
		sc.before(st)
	}
	var (
		end   told
		err   error
		ended = make(chan struct{})
	)
	go func() {
		defer close(ended)
		end, err = play(st.T, python, script, sc.name, st.relay.url, st.server.env["ASCEND_API_KEY"], st.agent)
	}()
	st.Cleanup(func() { <-ended })
	if sc.meanwhile != nil {
		sc.meanwhile(st, ended)
	}
	<-ended
	if err != nil {
		st.Fatal(err)
	}
	if sc.after != nil {
		sc.after(st, end)
	}
	return end
}

// came holds that what called was the client, and never met a failure of ours.
func (st *stage) came(agent string, older bool) {
	st.Helper()
	calls := st.relay.all()
	if len(calls) == 0 {
		st.Fatal("the client never called")
	}
	for _, c := range calls {
		if !strings.HasPrefix(c.header.Get("User-Agent"), agent) {
			st.Errorf("%s %s came from %q", c.method, c.path, c.header.Get("User-Agent"))
		}
		if c.header.Get("Authorization") != "Bearer "+c.header.Get("X-Api-Key") || c.header.Get("Content-Type") != "application/json" {
			st.Errorf("%s %s came with %v", c.method, c.path, c.header)
		}
		if (submitPath.MatchString(c.path) || statusPath.MatchString(c.path)) && strings.HasPrefix(c.path, "/api/v1/") == older {
			st.Errorf("this version called %s %s", c.method, c.path)
		}
		if c.status == http.StatusConflict || c.status == http.StatusTooManyRequests || c.status >= 500 {
			st.Errorf("%s %s was answered %d", c.method, c.path, c.status)
		}
	}
}

// words is what the reviewer says.
const words = "Not without a second pair of eyes"

func (st *stage) admin(method, path, body string) {
	st.Helper()
	must[object](st, st.server.admin(), method, "/api/registry/agents/"+st.agent+path, body)
}

func suspend(st *stage)    { st.admin("POST", "/suspend?reason=under+review", "") }
func allowOther(st *stage) { st.admin("PUT", "", `{"allowed_action_types": ["file_read"]}`) }
func exhaust(st *stage)    { st.admin("PUT", "/rate-limits", `{"max_actions_per_day": 0}`) }
func forget(st *stage)     { st.admin("DELETE", "", "") }

// limit lets the agent act once a day, so that it shows that polling is free.
func limit(st *stage) { st.admin("PUT", "/rate-limits", `{"max_actions_per_day": 1}`) }

func approve(st *stage, ended <-chan struct{}) {
	decide(st, ended, "approve", `{"reason": "Checked with the owner"}`)
}

func reject(st *stage, ended <-chan struct{}) {
	decide(st, ended, "reject", `{"reason": "`+words+`"}`)
}

// decide finds what the client waits for among the pending actions, as a
// person does, once the client was told that it must wait.
func decide(st *stage, ended <-chan struct{}, verb, body string) {
	st.Helper()
	var id string
	select {
	case id = <-st.relay.polled:
	case <-ended:
		return // its own failure says why the client never waited
	}
	waiting := must[[]struct {
		ID int64 `json:"id"`
	}](st, st.server.approver(), "GET", "/api/v1/actions?status=pending_approval&agent_id="+st.agent, "")
	if len(waiting) != 1 || fmt.Sprint(waiting[0].ID) != id {
		st.Errorf("the person sees %v, the client waits for %s", waiting, id)
	}
	must[object](st, st.server.approver(), "POST", "/api/v1/actions/"+id+"/"+verb, body)
}

// decisions is the client's word for each status.
var decisions = map[string]string{"approved": "allowed", "pending_approval": "pending", "denied": "denied"}

// ends holds that the server keeps what the client was told.
func ends(status string) func(*stage, told) {
	return func(st *stage, end told) {
		st.Helper()
		got := must[object](st, st.server.approver(), "GET", "/api/v1/actions/"+end.ActionID, "")
		if got["status"] != status || got["agent_id"] != st.agent {
			st.Errorf("action %s is %v of %v, want %s of %s", end.ActionID, got["status"], got["agent_id"], status, st.agent)
		}
		if end.Status != "" && end.Status != status && end.Status != decisions[status] {
			st.Errorf("the client was told %q, the action is %s", end.Status, status)
		}
		if end.Reason != "" && end.Reason != got["reason"] {
			st.Errorf("the client was told the reason %q, the action's is %q", end.Reason, got["reason"])
		}
		if by := got["approved_by"]; end.ApprovedBy != by {
			st.Errorf("the client was told that %v approved, the action says %v", end.ApprovedBy, by)
		}
		if strings.Contains(fmt.Sprint(got), "hunter2") {
			st.Error("a secret of the action's details was kept")
		}
	}
}

// denied is a denial for a reason of these words.
func denied(reason string) func(*stage, told) {
	return func(st *stage, end told) {
		st.Helper()
		ends("denied")(st, end)
		if !strings.Contains(end.Reason, reason) {
			st.Errorf("the client was told %q, which does not say %q", end.Reason, reason)
		}
	}
}

// happenedOnce holds that the client sent its submission more than once, under one
// correlation id, and that there is one action.
func happenedOnce(st *stage, end told) {
	st.Helper()
	ends("approved")(st, end)
	sent := st.relay.submissions()
	if len(sent) < 2 {
		st.Errorf("the client sent %d submissions, so nothing was shown", len(sent))
	}
	for _, one := range sent {
		if one.header.Get("X-Correlation-Id") != sent[0].header.Get("X-Correlation-Id") {
			st.Error("the client changed its correlation id")
		}
	}
	keeps(1)(st, end)
}

// keeps holds that the agent has so many actions.
func keeps(n int) func(*stage, told) {
	return func(st *stage, _ told) {
		st.Helper()
		kept := must[[]object](st, st.server.approver(), "GET", "/api/v1/actions?agent_id="+st.agent, "")
		if len(kept) != n {
			st.Errorf("the agent has %d actions, want %d", len(kept), n)
		}
	}
}
