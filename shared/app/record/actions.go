package record

import (
	"context"
	"errors"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// ReadAction returns one action of an organisation.
func ReadAction(ctx context.Context, s store.Store, org tenant.ID, id action.ID) (*action.Action, error) {
	items, err := s.Get(ctx, store.ActionKey(org, id))
	if err != nil {
		return nil, problem.Unavailable("read an action", err)
	}
	if items[0] == nil {
		return nil, ActionNotFound()
	}
	return DecodeAction(items[0])
}

// ActionNotFound returns the answer for an action that is not there, or not the caller's.
func ActionNotFound() error {
	return problem.NotFound(problem.CodeActionNotFound, "action not found")
}

// PutAction returns the write of an action's record, with its place in the indexes.
func PutAction(act *action.Action) (store.Put, error) {
	body, err := act.Encode()
	if err != nil {
		return store.Put{}, problem.Internal("encode an action", err)
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

// DecodeActionSummary returns the summary of the action that an item holds; nil for no item.
func DecodeActionSummary(item *store.Item) (*action.Summary, error) {
	if item == nil {
		return nil, nil
	}
	s, err := action.DecodeSummary(item.Body)
	if err != nil {
		return nil, problem.Corrupt("an action", err)
	}
	return s, nil
}

// DecodeAction returns the action that an item holds.
func DecodeAction(item *store.Item) (*action.Action, error) {
	if item == nil {
		return nil, problem.Corrupt("an action", errors.New("no item"))
	}
	act, err := action.Decode(item.Body)
	if err != nil {
		return nil, problem.Corrupt("an action", err)
	}
	return act, nil
}
