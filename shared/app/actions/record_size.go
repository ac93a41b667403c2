package actions

import (
	"fmt"

	"ascend/shared/domain/action"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

// What the moves of a pending action add to its record at most, in bytes of
// JSON, beside the action's type in each audit entry. Names and headers are as
// long as credentials and the front end let them be, each character escaped,
// and reasons are as long as action.MaxReason and agent.MaxReason.
// TestTheLargestPendingActionCanBeBroughtToEachEnd fills them.
const (
	roomVote = 11_600 // a vote and its audit entry
	roomPass = 1_000  // the audit entry of a stage whose time ran out
	// The outcome of the last approval. Another end takes the place of an
	// approval that was still to come: its outcome and entry need no more than both.
	roomEnd = 5_600
)

// room returns how much the moves of an action may still add to its record: the
// approvals of everyone that it needs, the timeout of each stage, and its end.
func room(act *action.Action) int {
	if !act.Pending() || act.Approval == nil {
		return 0
	}
	stages, votes := len(act.Approval.Stages), 0
	for _, s := range act.Approval.Stages {
		votes += max(1, s.MinApprovers)
	}
	return votes*roomVote + stages*roomPass + roomEnd + (votes+stages+1)*quoted(act.Input.Proposal.ActionType)
}

// quoted returns how long s is at most as JSON text, without the quotes.
func quoted(s string) int {
	n := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ':
			n += len(`\u0000`) - 1
		case c == '"' || c == '\\':
			n++
		}
	}
	return n
}

// fits returns the refusal of an action whose record the store would not take, now or after
// any of its moves: what waits can always be approved by all whom it needs,
// passed on, timed out, rejected and revoked.
func fits(act *action.Action, record *store.Item) error {
	size, more := record.Size(), room(act)
	if size+more <= store.MaxItem {
		return nil
	}
	why := ""
	if more > 0 {
		why = fmt.Sprintf(", and those who approve it may add %d more", more)
	}
	return problem.InvalidField("", "the action is too large: its record takes %d bytes%s, and the limit is %d; send less, or a reference to the content",
		size, why, store.MaxItem)
}
