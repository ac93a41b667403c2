package actions

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/approval"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/organization"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/workflow"
	"ascend/shared/store"
)

// Submit decides on a proposed action and stores it with its decision. It
// makes two round trips: the reads and the admission write side by side, then
// one write of the action (with the command's memory, where repeats of it can
// be told).
func (s *Service) Submit(ctx context.Context, c *command.Command, p governance.Proposal) (*action.Action, error) {
	began, org := s.Now(), c.Claim.Org()
	admitted := async(func() (admission, error) { return s.admit(ctx, c, org, p.AgentID) })
	g, customer, err := s.readForSubmit(ctx, c, p.AgentID)
	counted := <-admitted
	if err = errors.Join(err, counted.err); err != nil {
		if problem.As(err).Kind != problem.KindUnavailable {
			// Refused for good. Otherwise the command may come again, and
			// then finds itself counted.
			s.release(ctx, c, org, p.AgentID, counted.value)
		}
		return nil, err
	}

	now := currentAgent(g, counted.value)
	in := governance.Input{Proposal: action.Redact(p), Agent: now, KillSwitch: customer.Stopped(), Admission: counted.value.Admission}
	act, err := s.newAction(c, in, customer, began)
	if err == nil {
		act, err = s.storeAction(ctx, c, act)
	}
	// A command that nothing repeats has no run beside it that may stand on its mark.
	refused := err != nil && c.Repeat == nil && problem.As(err).Kind != problem.KindUnavailable
	if refused || counted.value.notNeeded(c, act, err) {
		s.release(ctx, c, org, p.AgentID, counted.value)
	}
	return act, err
}

type result[T any] struct {
	value T
	err   error
}

// async runs do while the caller goes on. A panic in it is an error of the
// request, not the end of the process.
func async[T any](do func() (T, error)) <-chan result[T] {
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
func (s *Service) readForSubmit(ctx context.Context, c *command.Command, id agent.ID) (g *agent.Agent, customer organization.Organization, err error) {
	org := c.Claim.Org()
	keys := []store.Key{store.AgentKey(org, id), store.OrganizationKey(org)}
	confirming, needed := c.Claim.Record()
	if needed {
		keys = append(keys, confirming)
	}
	items, err := s.Store.Get(ctx, keys...)
	if err != nil {
		return nil, customer, problem.Unavailable("read for a submission", err)
	}
	var own *store.Item
	if needed {
		own = items[2]
	}
	if c.Principal, err = c.Claim.Confirm(own, c.At); err != nil {
		return nil, customer, err
	}
	if g, err = record.DecodeAgent(items[0]); err != nil {
		return nil, customer, err
	}
	customer, err = record.DecodeOrganization(items[1])
	return g, customer, err
}

// currentAgent joins the agent's record with what the admission write found. They
// were read side by side; where they disagree on the status, the one that
// stops the agent counts.
func currentAgent(g *agent.Agent, found admission) governance.Agent {
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

// newAction decides on a proposal and returns the action. It decodes the
// organisation's workflows only when people must decide.
func (s *Service) newAction(c *command.Command, in governance.Input, customer organization.Organization, began time.Time) (*action.Action, error) {
	digest, err := action.Digest(c.Principal.Org, in.Proposal)
	if err != nil {
		return nil, &problem.Error{Kind: problem.KindInvalid, Code: problem.CodeValidation, Detail: "the action cannot be put in canonical form", Err: err}
	}
	act := &action.Action{
		ID: s.ids.New(c.At), Org: c.Principal.Org, Submitter: c.Principal, Command: c.ID,
		Input: in, Verdict: governance.Decide(in), Digest: digest,
		CreatedAt: c.At, UpdatedAt: c.At, CorrelationID: c.CorrelationID, ClientCorrelationID: c.ClientCorrelationID, Revision: 1,
	}
	act.Status = act.Verdict.Status
	if act.Pending() {
		flows, err := record.DecodeWorkflows(customer)
		if err != nil {
			return nil, err
		}
		approval.Open(act, planOf(flows, act))
	}
	act.Audit = []audit.Entry{decisionEntry(c, act)}
	act.MicroSeconds = s.Now().Sub(began).Microseconds()
	return act, nil
}

// planOf returns who decides on a pending action, and how long they have.
func planOf(flows []workflow.Workflow, act *action.Action) workflow.Plan {
	byAgent := ""
	if e := act.Input.Agent.Escalation; e != nil {
		byAgent = e.WorkflowID
	}
	return workflow.Choose(flows, act.Verdict.WorkflowID, byAgent, act.Input.Proposal, act.Verdict.Risk.Score)
}

// decisionEntry returns the audit entry of the decision on a submission.
func decisionEntry(c *command.Command, act *action.Action) audit.Entry {
	event := map[governance.Status]string{
		governance.Approved: audit.EventActionApproved, governance.Pending: audit.EventActionPending, governance.Denied: audit.EventActionBlocked,
	}[act.Status]
	e := c.ActionEntry(act, event, "submit", "", nil)
	if act.Status == governance.Denied {
		e.Outcome = audit.Failure
	}
	return e
}

// storeAction makes the one write of a submission. A repeat of the command
// finds its memory, and is answered with the action stored first.
func (s *Service) storeAction(ctx context.Context, c *command.Command, act *action.Action) (*action.Action, error) {
	var stale *store.Item
	for range command.Attempts {
		ops, err := writes(c, act, stale)
		if err != nil {
			return s.firstOr(ctx, c, act.ID, err)
		}
		if len(ops) == 1 {
			_, err = s.Store.Write(ctx, ops[0])
		} else {
			err = s.Store.WriteAll(ctx, ops...)
		}
		if err == nil {
			return act, nil
		}
		conflict, ok := store.Conflict(err)
		if !ok {
			return nil, problem.Unavailable("store the action", err)
		}
		if conflict.Op == 0 {
			first, err := record.DecodeAction(conflict.Old)
			if err != nil {
				return nil, err
			}
			if first.Command == c.ID { // our own write, whose answer was lost
				return first, nil
			}
			act.Renumber(act.ID + 1) // two processes drew one id: the next is as good
			continue
		}
		first, old, err := s.firstRun(ctx, c, act.ID, conflict.Old)
		if err != nil || first != nil {
			return first, err
		}
		stale = old
	}
	return nil, problem.Unavailable("store the action", errors.New("the record kept changing"))
}

func writes(c *command.Command, act *action.Action, stale *store.Item) ([]store.Op, error) {
	put, err := record.PutAction(act)
	if err != nil {
		return nil, err
	}
	if err := fits(act, &put.Item); err != nil {
		return nil, err
	}
	put.If = []store.Cond{store.Absent()}
	ops := []store.Op{put}
	if c.Repeat != nil {
		memory, err := c.Remember(act.ID, stale)
		if err != nil {
			return nil, err
		}
		ops = append(ops, memory)
	}
	return ops, nil
}

// firstRun reads the action that an earlier run of the command stored; nil and
// the old memory when that has expired.
func (s *Service) firstRun(ctx context.Context, c *command.Command, ours action.ID, old *store.Item) (*action.Action, *store.Item, error) {
	if old == nil { // gone since: take the place
		return nil, nil, nil
	}
	id, found, err := command.Remembered[action.ID](c, old)
	if err != nil || !found {
		return nil, old, err
	}
	first, err := record.ReadAction(ctx, s.Store, c.Principal.Org, id)
	if err != nil {
		return nil, nil, err
	}
	c.Replayed = first.ID != ours // else it is our own write, whose answer was lost
	return first.AtSubmission(), nil, nil
}

// firstOr returns the action that an earlier attempt stored, or refuses
// the command: what was accepted is not refused because its agent has changed.
func (s *Service) firstOr(ctx context.Context, c *command.Command, ours action.ID, refusal error) (*action.Action, error) {
	if c.Repeat == nil {
		return nil, refusal
	}
	items, err := s.Store.Get(ctx, c.MemoryKey())
	if err != nil {
		return nil, problem.Unavailable("recall a submission", err)
	}
	first, _, err := s.firstRun(ctx, c, ours, items[0])
	if err == nil && first == nil {
		err = refusal
	}
	return first, err
}
