package agent

// Suspend returns the agent suspended. An agent that is already suspended is
// unchanged, except that an emergency replaces an ordinary suspension.
func (a Agent) Suspend(kind string, e Stamp) Agent {
	if a.Status == Suspended && (kind != Emergency || a.emergency()) {
		return a
	}
	a = a.touched(e)
	a.Status = Suspended
	a.Suspension = &Suspension{Kind: kind, Reason: e.Reason, At: e.At, By: e.By}
	return a
}
