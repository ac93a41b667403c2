package store

// The tables. Every partition key starts with the tenant, except that of the
// system's own index of deadlines.
const (
	// Directory holds organisations and API keys (directory.go).
	Directory Table = "directory"
	// Agents holds agents, their versions and the audit bodies of their
	// changes (agents.go).
	Agents Table = "agents"
	// Counters holds each agent's state item: status, limits, windows (counters.go).
	Counters Table = "counters"
	// Actions holds submitted actions with their decisions (actions.go).
	Actions Table = "actions"
	// Commands remembers the answers of idempotent commands for a day (commands.go).
	Commands Table = "commands"
)

// Definition describes a table, for CDK, DynamoDB Local and the embedded store alike.
type Definition struct {
	Table   Table
	Indexes []Index
	Project []string // the attributes that the indexes hold beside the keys
	// Relaxed lets a store answer an Update outside of a group, also with a
	// conflict, before what it did or saw is durable. That is durable at the latest
	// when another write, of any table, or a read of this one is answered; a crash
	// before may undo it.
	Relaxed bool
	// Streamed tables have their changes in the store's feed (Feed).
	Streamed bool
}

// Tables returns every table with its indexes. Indexes project keys and
// attributes, not bodies.
func Tables() []Definition {
	return []Definition{
		{Table: Directory},
		{Table: Agents, Streamed: true},
		{Table: Counters, Relaxed: true},
		{
			Table:    Actions,
			Indexes:  []Index{ByTime, Pending, Due},
			Project:  []string{AttrStatus, AttrAgent, AttrType, AttrCreated},
			Streamed: true,
		},
		{Table: Commands},
	}
}
