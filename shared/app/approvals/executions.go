package approvals

import (
	"context"
	"errors"

	"ascend/shared/domain/action"
	"ascend/shared/domain/tenant"
)

// Executions is the approval clock outside: Step Functions. All its methods may
// be repeated; they fail with a problem of kind Unavailable when it is not
// known whether they took effect.
type Executions interface {
	// Start begins the clock of an action; one that was begun before stays as it is.
	// It fails with ErrTooManyExecutions where no more may run.
	Start(ctx context.Context, in Wait) error
	// Succeed ends the wait that a token stands for. A token that is spent or
	// timed out is no error: somebody else ended that wait.
	Succeed(ctx context.Context, token string, end Ended) error
	// NextStage makes the clock wait anew, for the next stage. A spent token is no error.
	NextStage(ctx context.Context, token string, next Wait) error
}

// ErrTooManyExecutions marks a clock that cannot be started because too many
// run. ExpireDue passes the deadlines of its action.
var ErrTooManyExecutions = errors.New("too many approval clocks are running")

// Wait is the input of an execution, and what it goes on with at each stage.
// The ids are texts: the state machine's numbers are floating-point.
type Wait struct {
	Org         tenant.ID `json:"organization_id,string"`
	Action      action.ID `json:"action_id,string"`
	Stage       int       `json:"stage"`        // from 1
	WaitSeconds int64     `json:"wait_seconds"` // until the stage's deadline, at least 1
}

// Ended is the output of an execution: how the action ended.
type Ended struct {
	Org       tenant.ID `json:"organization_id,string"`
	Action    action.ID `json:"action_id,string"`
	Status    string    `json:"status"`
	DecidedBy string    `json:"decided_by"`
	Stage     int       `json:"stage"` // from 1
}
