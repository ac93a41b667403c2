// Package app holds the use cases: one file per command or query. A use case
// reads, lets the domain decide, and writes once; it knows neither HTTP nor AWS.
package app

import (
	"crypto/rand"
	"time"

	"ascend/shared/domain/action"
	"ascend/shared/store"
)

// Version is of this build.
const Version = "0.1.0"

// App is what the use cases need. Store is required; the rest has defaults
// that New fills in.
type App struct {
	Store       store.Store
	Now         func() time.Time
	Environment string // "local", "dev", "staging", "prod"
	Version     string // of this build
	MFARequired bool   // the issuer lets nobody sign in without a second factor

	// The world outside of the store, of which only workers need any: nil where
	// nothing is to be done there.
	Executions Executions
	Bus        Bus

	ids      action.IDs
	unmarked keySet // state items whose admissions leave no marks
}

// newID draws an id for an instant.
func (a *App) newID(at time.Time) action.ID {
	var low [1]byte
	_, _ = rand.Read(low[:]) // never fails (crypto/rand)
	return a.ids.Next(at, low[0])
}

// New makes an App over a store.
func New(s store.Store) *App {
	return &App{Store: s, Now: func() time.Time { return time.Now().UTC() }, Environment: "local", Version: Version}
}
