// Package app composes the use cases. Each package below it holds those of one thing. A
// use case reads, lets the domain decide, and writes once; it knows neither HTTP nor AWS.
package app

import (
	"time"

	"ascend/shared/app/actions"
	"ascend/shared/app/agents"
	"ascend/shared/app/approvals"
	"ascend/shared/app/relay"
	"ascend/shared/app/workflows"
	"ascend/shared/store"
)

// Version is of this build.
const Version = "0.1.0"

// App holds the use cases over one store.
type App struct {
	Agents    *agents.Service
	Actions   *actions.Service
	Approvals *approvals.Service
	Workflows *workflows.Service
	Relay     *relay.Relay

	Store       store.Store
	Now         func() time.Time
	Environment string // "local", "dev", "staging", "prod"
	Version     string // of this build
	MFARequired bool   // the issuer lets nobody sign in without a second factor
}

// Options configure an App. The zero value is a local one.
type Options struct {
	Now         func() time.Time // nil: the system's clock, in UTC
	Environment string           // "local", "dev", "staging", "prod"; "": "local"
	MFARequired bool             // the issuer lets nobody sign in without a second factor

	// The world outside of the store, of which only workers need any: nil where
	// nothing is to be done there.
	Executions approvals.Executions
	Bus        relay.Bus

	DeadLetters relay.DeadLetters
	Log         relay.Log // nil: the relay logs nothing
}

// New returns the use cases over a store.
func New(s store.Store, o Options) *App {
	if o.Now == nil {
		o.Now = func() time.Time { return time.Now().UTC() }
	}
	if o.Environment == "" {
		o.Environment = "local"
	}
	a := &App{Store: s, Now: o.Now, Environment: o.Environment, Version: Version, MFARequired: o.MFARequired}
	now := func() time.Time { return a.Now() }
	a.Actions = &actions.Service{Store: s, Now: now}
	a.Approvals = &approvals.Service{Store: s, Now: now, Executions: o.Executions}
	a.Workflows = &workflows.Service{Store: s}
	a.Agents = &agents.Service{Store: s, Approvals: a.Approvals, Workflows: a.Workflows}
	a.Relay = &relay.Relay{Approvals: a.Approvals, Bus: o.Bus, DeadLetters: o.DeadLetters, Log: o.Log}
	return a
}
