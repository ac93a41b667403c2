package store

import (
	"fmt"
	"strings"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/tenant"
)

// The key shapes of agents, in table Agents:
//
//	<org>  agent#<agent id>                       the agent as configured now
//	<org>  summary#<agent id>                     what lists show of it
//	<org>  version#<agent id>#<id>#<number>       each configuration it has had
//	<org>  change#<agent id>#<audit id>           the audit body of each change
//
// <id> is the agent's integer id in 16 digits, so that an agent registered
// again after deletion starts a history of its own.

// What sort keys begin with.
const (
	agentPrefix   = "agent#"
	summaryPrefix = "summary#"
	changePrefix  = "change#"
)

// AttrAgentType is an agent's type, by which lists select.
const AttrAgentType = "agent_type"

// AgentKey returns the key of an agent.
func AgentKey(org tenant.ID, id agent.ID) Key {
	return Key{Table: Agents, PK: org.String(), SK: agentPrefix + string(id)}
}

// SummaryKey returns the key of the summary of an agent.
func SummaryKey(org tenant.ID, id agent.ID) Key {
	return Key{Table: Agents, PK: org.String(), SK: summaryPrefix + string(id)}
}

// SummariesOf returns the query for the summaries of an organisation's agents, in the order of their IDs.
func SummariesOf(org tenant.ID) Query {
	return Query{Table: Agents, PK: org.String(), Prefix: summaryPrefix}
}

// VersionKey returns the key of the number-th configuration (from 1) of an agent.
func VersionKey(org tenant.ID, id agent.ID, serial int64, number int) Key {
	return Key{Table: Agents, PK: org.String(), SK: fmt.Sprintf("version#%s#%016d#%06d", id, serial, number)}
}

// ChangeKey returns the key of the audit body of one change of an agent.
func ChangeKey(org tenant.ID, id agent.ID, audit string) Key {
	return Key{Table: Agents, PK: org.String(), SK: changePrefix + string(id) + "#" + audit}
}

// IsAgent reports whether k is the key of an agent.
func IsAgent(k Key) bool { return k.Table == Agents && strings.HasPrefix(k.SK, agentPrefix) }

// IsChange reports whether k is the key of the audit body of a change.
func IsChange(k Key) bool { return k.Table == Agents && strings.HasPrefix(k.SK, changePrefix) }
