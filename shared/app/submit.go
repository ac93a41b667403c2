package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/approval"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
)

// Submit decides on a proposed action and stores it with its decision. It
// makes two round trips: the reads and the admission write side by side, then
// one write of the action (with the command's memory, where repeats of it can
// be told).
func (a *App) Submit(ctx context.Context, c *Command, p governance.Proposal) (*action.Action, error) {
	began, org := a.Now(), c.Claim.Org()
	admitted := beside(func() (admission, error) { return a.admit(ctx, c, org, p.AgentID) })
	g, house, stopped, err := a.readForSubmit(ctx, c, p.AgentID)
	counted := <-admitted
	if err = errors.Join(err, counted.err); err != nil {
		if problem.As(err).Kind != problem.KindUnavailable {
			// Refused for good. Otherwise the command may come again, and
			// then finds itself counted.
			a.release(ctx, c, org, p.AgentID, counted.value)
		}
		return nil, err
	}

	now := agentNow(g, counted.value)
	in := governance.Input{Proposal: action.Redact(p), Agent: now, KillSwitch: stopped, Admission: counted.value.Admission}
	act, err := a.newAction(c, in, house, began)
	if err == nil {
		act, err = a.storeAction(ctx, c, act)
	}
	// A command that nothing repeats has no run beside it that may stand on its mark.
	refused := err != nil && c.Repeat == nil && problem.As(err).Kind != problem.KindUnavailable
	if refused || counted.value.notNeeded(c, act, err) {
		a.release(ctx, c, org, p.AgentID, counted.value)
	}
	return act, err
}

type result[T any] struct {
	value T
	err   error
}

// beside runs do while the caller goes on. A panic in it is an error of the
// request, not the end of the process.
func beside[T any](do func() (T, error)) <-chan result[T] {
	done := make(chan result[T], 1)
	go func() {
		var r result[T]
		defer func() {
			if v := recover(); v != nil {
				r.err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
			done <- r
		}()
		r.value, r.err = do()
	}()
	return done
}

// readForSubmit confirms the caller and reads the agent and the organisation
// with its kill switch, in one call.
func (a *App) readForSubmit(ctx context.Context, c *Command, id agent.ID) (g *agent.Agent, house *store.Item, stopped string, err error) {
	org := c.Claim.Org()
	keys := []store.Key{store.AgentKey(org, id), store.OrganizationKey(org)}
	record, needed := c.Claim.Record()
	if needed {
		keys = append(keys, record)
	}
	items, err := a.Store.Get(ctx, keys...)
	if err != nil {
		return nil, nil, "", problem.Unavailable("read for a submission", err)
	}
	var own *store.Item
	if needed {
		own = items[2]
	}
	if c.Principal, err = c.Claim.Confirm(own, c.At); err != nil {
		return nil, nil, "", err
	}
	if g, err = decodeAgent(items[0]); err != nil {
		return nil, nil, "", err
	}
	stopped, err = killSwitch(items[1])
	return g, items[1], stopped, err
}

// agentNow joins the agent's record with what the admission write found. They
// were read side by side; where they disagree on the status, the one that
// stops the agent counts.
func agentNow(g *agent.Agent, found admission) governance.Agent {
	now := governance.AgentOf(g)
	switch {
	case g == nil && found.status != "": // registered or removed this instant
		now.Registered, now.Status = true, agent.Draft
	case g != nil && g.Status == agent.Active && found.status != agent.Active:
		now.Status = found.status
		if found.status == "" {
			now.Status = agent.Draft
		}
	}
	return now
}

// newAction decides and makes the record of it. The organisation's workflows
// are looked at only when people must decide.
func (a *App) newAction(c *Command, in governance.Input, house *store.Item, began time.Time) (*action.Action, error) {
	digest, err := action.Digest(c.Principal.Org, in.Proposal)
	if err != nil {
		return nil, &problem.Error{Kind: problem.KindInvalid, Code: problem.CodeValidation, Detail: "the action cannot be put in canonical form", Err: err}
	}
	act := &action.Action{
		ID: a.newID(c.At), Org: c.Principal.Org, Submitter: c.Principal, Command: c.ID,
		Input: in, Verdict: governance.Decide(in), Digest: digest,
		CreatedAt: c.At, UpdatedAt: c.At, CorrelationID: c.CorrelationID, CallerID: c.CallerID, Revision: 1,
	}
	act.Status = act.Verdict.Outcome
	if act.Pending() {
		flows, err := workflowsOf(house)
		if err != nil {
			return nil, err
		}
		approval.Open(act, wayOf(flows, act))
	}
	act.Audit = []audit.Entry{c.decisionEntry(act)}
	act.MicroSeconds = a.Now().Sub(began).Microseconds()
	return act, nil
}

// wayOf chooses who decides on a pending action, and how long they have.
func wayOf(flows []workflow.Workflow, act *action.Action) workflow.Way {
	byAgent := ""
	if e := act.Input.Agent.Escalation; e != nil {
		byAgent = e.WorkflowID
	}
	return workflow.Choose(flows, act.Verdict.WorkflowID, byAgent, act.Input.Proposal, act.Verdict.Risk.Score)
}

// decisionEntry is the audit body of a submission's decision.
func (c *Command) decisionEntry(act *action.Action) audit.Entry {
	event := map[governance.Outcome]string{
		governance.Approved: "action.approved", governance.Pending: "action.pending", governance.Denied: "action.blocked",
	}[act.Status]
	e := c.actionEntry(act, event, "submit")
	if act.Status == governance.Denied {
		e.Outcome = audit.Failure
	}
	return e
}

// storeAction makes the one write of a submission. A repeat of the command
// finds its memory, and is answered with the action stored first.
func (a *App) storeAction(ctx context.Context, c *Command, act *action.Action) (*action.Action, error) {
	var stale *store.Item
	for range attempts {
		ops, err := c.actionOps(act, stale)
		if err != nil {
			return a.firstOr(ctx, c, act.ID, err)
		}
		if len(ops) == 1 {
			_, err = a.Store.Write(ctx, ops[0])
		} else {
			err = a.Store.WriteAll(ctx, ops...)
		}
		if err == nil {
			return act, nil
		}
		conflict, ok := store.Conflict(err)
		if !ok {
			return nil, problem.Unavailable("store the action", err)
		}
		if conflict.Op == 0 {
			first, err := decodeAction(conflict.Old)
			if err != nil {
				return nil, err
			}
			if first.Command == c.ID { // our own write, whose answer was lost
				return first, nil
			}
			act.Renumber(act.ID + 1) // two processes drew one id: the next is as good
			continue
		}
		first, old, err := a.firstRun(ctx, c, act.ID, conflict.Old)
		if err != nil || first != nil {
			return first, err
		}
		stale = old
	}
	return nil, problem.Unavailable("store the action", errors.New("the record kept changing"))
}

func (c *Command) actionOps(act *action.Action, stale *store.Item) ([]store.Op, error) {
	put, err := putAction(act)
	if err != nil {
		return nil, err
	}
	if err := fits(act, &put.Item); err != nil {
		return nil, err
	}
	put.If = []store.Cond{store.Absent()}
	ops := []store.Op{put}
	if c.Repeat != nil {
		memory, err := c.remember(act.ID, stale)
		if err != nil {
			return nil, err
		}
		ops = append(ops, memory)
	}
	return ops, nil
}

// firstRun reads the action that an earlier run of the command stored; nil and
// the old memory when that has expired.
func (a *App) firstRun(ctx context.Context, c *Command, ours action.ID, old *store.Item) (*action.Action, *store.Item, error) {
	if old == nil { // gone since: take the place
		return nil, nil, nil
	}
	m, err := c.match(old)
	if err != nil || m == nil {
		return nil, old, err
	}
	var id action.ID
	if err := json.Unmarshal(m.Answer, &id); err != nil {
		return nil, nil, problem.Corrupt("a remembered action", err)
	}
	first, err := a.Action(ctx, c.Principal.Org, id)
	if err != nil {
		return nil, nil, err
	}
	c.Replayed = first.ID != ours // else it is our own write, whose answer was lost
	return first.AtSubmission(), nil, nil
}

// firstOr gives the action that an earlier run of a command stored, or refuses
// the command: what was accepted is not refused because its agent has changed.
func (a *App) firstOr(ctx context.Context, c *Command, ours action.ID, refusal error) (*action.Action, error) {
	if c.Repeat == nil {
		return nil, refusal
	}
	items, err := a.Store.Get(ctx, store.CommandKey(c.Claim.Org(), c.identity()))
	if err != nil {
		return nil, problem.Unavailable("recall a submission", err)
	}
	first, _, err := a.firstRun(ctx, c, ours, items[0])
	if err == nil && first == nil {
		err = refusal
	}
	return first, err
}

// putAction is the write of an action's record, with its place in the indexes.
func putAction(act *action.Action) (store.Put, error) {
	body, err := act.Encode()
	if err != nil {
		return store.Put{}, &problem.Error{Code: problem.CodeInternal, Detail: "the action could not be encoded", Err: err}
	}
	var deadline time.Time
	if act.Pending() {
		deadline = act.Approval.StageExpiresAt
	}
	return store.Put{Item: store.Item{
		Key:  store.ActionKey(act.Org, act.ID),
		Body: body,
		Attrs: store.Attrs{
			store.AttrStatus:  store.S(string(act.Status)),
			store.AttrAgent:   store.S(string(act.Input.Proposal.AgentID)),
			store.AttrType:    store.S(act.Input.Proposal.ActionType),
			store.AttrCreated: store.N(act.CreatedAt.UnixMilli()),
			store.AttrRev:     store.N(act.Revision),
		},
		Index: store.ActionIndex(act.Org, act.ID, deadline),
	}}, nil
}

func decodeAction(item *store.Item) (*action.Action, error) {
	if item == nil {
		return nil, problem.Corrupt("an action", errors.New("no item"))
	}
	act, err := action.Decode(item.Body)
	if err != nil {
		return nil, problem.Corrupt("an action", err)
	}
	return act, nil
}
