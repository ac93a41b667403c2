package agent

// Configure gives the agent a configuration. Where it differs from the current
// one the agent is at a new version; else it stays as it is.
func (a Agent) Configure(c Config, e Event) (Agent, []Change) {
	changes := Diff(a.Config, c)
	if len(changes) == 0 {
		return a, nil
	}
	a = a.touched(e)
	a.Version = Bump(a.Version, changes)
	a.Number++
	a.Config = c.Clone()
	return a, changes
}
