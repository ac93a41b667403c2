package app

import (
	"context"

	"ascend/shared/store"
)

// KeepClock lets tests give the clock one change.
func (a *App) KeepClock(ctx context.Context, c store.Change) error { return a.keepClock(ctx, c) }

// PutAction lets tests place an action in a state.
var PutAction = putAction
