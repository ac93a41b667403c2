package store

import (
	"fmt"
	"strings"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/domain/tenant"
)

// The key shapes of actions, in table Actions:
//
//	<org>#<id>  action        the action with its decision and audit bodies
//	<org>#<id>  clock         the wait of its execution: stage and task token; expires
//
//	index by_time  <org>  <id>                      every action, by age
//	index pending  <org>  <id>                      those awaiting approval
//	index due      "due"  <deadline>#<org>#<id>     the same, by deadline, of all organisations
//
// An action's own partition keeps one busy organisation from filling one
// partition; <id> is 16 digits and grows with time.
const (
	ByTime  Index = "by_time"
	Pending Index = "pending"
	Due     Index = "due"
)

// The attributes of an action that conditions and indexes use.
const (
	AttrStatus  = "status"
	AttrAgent   = "agent_id"
	AttrType    = "action_type"
	AttrCreated = "created"  // Unix milliseconds
	AttrRev     = "revision" // counts the writes of the item
	AttrEntered = "entered"  // of a clock item: when the wait began, Unix microseconds
)

// ActionKey returns the key of an action.
func ActionKey(org tenant.ID, id action.ID) Key {
	return Key{Table: Actions, PK: org.String() + "#" + actionSort(id), SK: "action"}
}

// IsAction reports whether k is the key of an action.
func IsAction(k Key) bool { return k.Table == Actions && k.SK == "action" }

// ClockKey returns the key of the present wait of an action's execution, which is
// in no index.
func ClockKey(org tenant.ID, id action.ID) Key {
	return Key{Table: Actions, PK: org.String() + "#" + actionSort(id), SK: "clock"}
}

// ActionsOf returns the query for all actions of an organisation, or only the pending ones, newest first.
func ActionsOf(org tenant.ID, pendingOnly bool) Query {
	q := Query{Table: Actions, Index: ByTime, PK: org.String(), Descending: true}
	if pendingOnly {
		q.Index = Pending
	}
	return q
}

// DueBy returns the query for the pending actions of every organisation whose deadline is at or before t, oldest first.
func DueBy(t time.Time) Query {
	return Query{Table: Actions, Index: Due, PK: "due", Before: fmt.Sprintf("%015d", t.UnixMilli()+1)}
}

// ActionIndex returns the index keys of an action; deadline is zero unless it awaits approval.
func ActionIndex(org tenant.ID, id action.ID, deadline time.Time) map[Index]IndexKey {
	at := IndexKey{PK: org.String(), SK: actionSort(id)}
	if deadline.IsZero() {
		return map[Index]IndexKey{ByTime: at}
	}
	return map[Index]IndexKey{
		ByTime: at, Pending: at,
		Due: {PK: "due", SK: fmt.Sprintf("%015d#%s#%s", deadline.UnixMilli(), org, at.SK)},
	}
}

// IsActionSort reports whether an action can have a sort key in the indexes by_time and pending.
func IsActionSort(sort string) bool {
	id, ok := action.ParseID(strings.TrimLeft(sort, "0"))
	return ok && sort == actionSort(id)
}

func actionSort(id action.ID) string { return fmt.Sprintf("%016d", int64(id)) }
