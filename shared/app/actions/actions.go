// Package actions holds the use cases of agents' actions: submit, read and list.
package actions

import (
	"time"

	"ascend/shared/app/command"
	"ascend/shared/store"
)

// Service runs the use cases of actions.
type Service struct {
	Store store.Store
	Now   func() time.Time

	ids      command.IDs
	unmarked keySet // state items whose admissions leave no marks
}
