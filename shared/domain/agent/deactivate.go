package agent

import "ascend/shared/domain/problem"

// Deactivate returns the agent to draft. A draft stays as it is; an emergency
// suspension is refused, because only Activate asks for the reason that ends it.
func (a Agent) Deactivate(e Event) (Agent, error) {
	if a.Status == Draft {
		return a, nil
	}
	if a.emergency() {
		return a, problem.InvalidState("the agent is %s by emergency and cannot be deactivated; an admin may activate it, with a reason", a.Status)
	}
	a = a.touched(e)
	a.Status, a.Suspension = Draft, nil
	return a, nil
}
