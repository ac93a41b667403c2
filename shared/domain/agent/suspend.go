package agent

// Suspend stops the agent. One that is already suspended stays as it is, but
// that an emergency takes the place of an ordinary suspension.
func (a Agent) Suspend(kind string, e Event) Agent {
	if a.Status == Suspended && (kind != Emergency || a.emergency()) {
		return a
	}
	a = a.touched(e)
	a.Status = Suspended
	a.Suspension = &Suspension{Kind: kind, Reason: e.Reason, At: e.At, By: e.By}
	return a
}
