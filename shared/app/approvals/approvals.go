// Package approvals holds what becomes of a pending action: people approve or reject
// it, its deadlines pass, its agent is stopped. It keeps the clock outside, which waits
// for the deadlines, in step with what was decided.
package approvals

import (
	"time"

	"ascend/shared/store"
)

// Service decides on pending actions.
type Service struct {
	Store      store.Store
	Now        func() time.Time
	Executions Executions // nil: no clock outside; ExpireDue passes the deadlines
}
