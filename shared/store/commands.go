package store

import "ascend/shared/domain/tenant"

// The key shape of remembered commands, in table Commands:
//
//	<org>#<identity>  command
//
// <identity> is a hash of what makes two requests the same command
// (command.Command). The item is written in one group with the command's effect,
// so it exists exactly when the effect does.

// AttrUntil names the attribute that says when the memory ends, in Unix milliseconds.
const AttrUntil = "until"

// CommandKey returns the key of the remembered answer of a command.
func CommandKey(org tenant.ID, identity string) Key {
	return Key{Table: Commands, PK: org.String() + "#" + identity, SK: "command"}
}
