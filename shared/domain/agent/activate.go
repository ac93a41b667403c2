package agent

import (
	"strings"

	"ascend/shared/domain/problem"
)

// Activate returns the agent as active. Ending an emergency suspension needs a
// reason (decision 10). An active agent is unchanged.
func (a Agent) Activate(e Stamp) (Agent, error) {
	if a.Status == Active {
		return a, nil
	}
	if a.emergency() && strings.TrimSpace(e.Reason) == "" {
		return a, problem.InvalidFields(problem.Field{
			Pointer: "/reason", Detail: "the agent is under emergency suspension; activating it needs a reason",
		})
	}
	a = a.touched(e)
	a.Status, a.Suspension = Active, nil
	a.ApprovedAt, a.ApprovedBy = &e.At, &e.By
	return a, nil
}

func (a Agent) emergency() bool {
	return a.Status == Suspended && a.Suspension != nil && a.Suspension.Kind == Emergency
}
