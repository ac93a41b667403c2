package app

import (
	"time"

	"ascend/shared/app/command"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// The names under which packages endpoint, identity and keys know a command.
type (
	Command = command.Command
	Client  = command.Client
	Claim   = command.Claim
	Repeat  = command.Repeat
)

// Confirmed forwards to package command.
func Confirmed(p tenant.Principal) Claim { return command.Confirmed(p) }

// Unconfirmed forwards to package command.
func Unconfirmed(org tenant.ID, record store.Key, confirm func(*store.Item, time.Time) (tenant.Principal, error)) Claim {
	return command.Unconfirmed(org, record, confirm)
}
