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
//	<org>  summary#<agent id>                     what lists show of it; none of a deleted agent
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

// AttrAgentType is an agent's type, which lists select by.
const AttrAgentType = "agent_type"

// AgentKey is where an agent lives.
func AgentKey(org tenant.ID, id agent.ID) Key {
	return Key{Table: Agents, PK: org.String(), SK: agentPrefix + string(id)}
}

// SummaryKey is where the summary of an agent lives.
func SummaryKey(org tenant.ID, id agent.ID) Key {
	return Key{Table: Agents, PK: org.String(), SK: summaryPrefix + string(id)}
}

// SummariesOf selects the summaries of an organisation's agents in the order of their ids.
func SummariesOf(org tenant.ID) Query {
	return Query{Table: Agents, PK: org.String(), Prefix: summaryPrefix}
}

// VersionKey is where the number-th configuration (from 1) of an agent lives.
func VersionKey(org tenant.ID, id agent.ID, serial int64, number int) Key {
	return Key{Table: Agents, PK: org.String(), SK: fmt.Sprintf("version#%s#%016d#%06d", id, serial, number)}
}

// ChangeKey is where the audit body of one change of an agent lives.
func ChangeKey(org tenant.ID, id agent.ID, audit string) Key {
	return Key{Table: Agents, PK: org.String(), SK: changePrefix + string(id) + "#" + audit}
}

// IsAgent reports whether an agent lives at k.
func IsAgent(k Key) bool { return k.Table == Agents && strings.HasPrefix(k.SK, agentPrefix) }

// IsChange reports whether the audit body of a change lives at k.
func IsChange(k Key) bool { return k.Table == Agents && strings.HasPrefix(k.SK, changePrefix) }
