package agent

import "ascend/shared/domain/problem"

// Deactivate returns the agent as a draft. It refuses an agent under emergency
// suspension, which only Activate ends, with a reason.
func (a Agent) Deactivate(e Stamp) (Agent, error) {
	if a.Status == Draft {
		return a, nil
	}
	if a.emergency() {
		return a, problem.InvalidState("the agent is under emergency suspension and cannot be deactivated; an admin may activate it, with a reason")
	}
	a = a.touched(e)
	a.Status, a.Suspension = Draft, nil
	return a, nil
}
