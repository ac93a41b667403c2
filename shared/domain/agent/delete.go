package agent

// Delete returns the agent as deleted. Its record is kept.
func (a Agent) Delete(e Stamp) Agent {
	a = a.touched(e)
	a.Status = Deleted
	return a
}
