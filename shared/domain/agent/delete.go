package agent

// Delete ends the agent's life. What it was stays on record.
func (a Agent) Delete(e Event) Agent {
	a = a.touched(e)
	a.Status = Deleted
	return a
}
