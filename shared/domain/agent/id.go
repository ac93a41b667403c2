package agent

import (
	"strings"

	"ascend/shared/domain/problem"
)

// ID is the caller's own name for an agent, unique in the organisation.
type ID string

// IDPattern is the documented form of an ID (seeds/001) as a regular expression.
const IDPattern = `^[A-Za-z0-9._:@-]{3,64}$`

// Valid reports whether id matches IDPattern.
func (id ID) Valid() bool { return len(id.Validate()) == 0 }

// Validate returns what is wrong with an agent's own name, in the documented words (seeds/001).
func (id ID) Validate() problem.Fields {
	var invalid problem.Fields
	strange := func(r rune) bool {
		known := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._:@-", r)
		return !known
	}
	switch {
	case len(id) < 3 || len(id) > 64:
		invalid.Add("/agent_id", "agent_id must be 3-64 characters")
	case strings.ContainsFunc(string(id), strange):
		invalid.Add("/agent_id", "agent_id must consist of letters, digits and the characters . _ : @ -")
	}
	return invalid
}
