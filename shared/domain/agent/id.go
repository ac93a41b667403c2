package agent

import "strings"

// ID is the caller's own name for an agent, unique in the organisation.
type ID string

// Valid reports whether id has the documented form: 3 to 64 characters
// (seeds/001), each a letter, a digit or one of . _ : @ -
func (id ID) Valid() bool {
	if len(id) < 3 || len(id) > 64 {
		return false
	}
	return strings.IndexFunc(string(id), func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		return !letter && !('0' <= r && r <= '9') && !strings.ContainsRune("._:@-", r)
	}) < 0
}
