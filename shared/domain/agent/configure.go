package agent

// Configure returns the agent with a configuration, at a new version, and what
// changed. Without a difference the agent is unchanged.
func (a Agent) Configure(c Config, e Stamp) (Agent, []FieldChange) {
	changes := Diff(a.Config, c)
	if len(changes) == 0 {
		return a, nil
	}
	a = a.touched(e)
	a.Version = Bump(a.Version, changes)
	a.Number++
	a.Config = c
	return a, changes
}
