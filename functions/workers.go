package functions

import (
	"ascend/functions/workers"
	"ascend/shared/worker"
)

// WorkerTable lists the functions that nobody calls over HTTP; each entry makes its worker.
func WorkerTable() []func() worker.Worker {
	return []func() worker.Worker{
		workers.StreamRelay,
		workers.ApprovalOpen,
		workers.ApprovalEscalate,
		workers.ApprovalSweep,
		workers.TokenClaims,
	}
}

// Workers makes every worker in the table.
func Workers() []worker.Worker {
	table := WorkerTable()
	all := make([]worker.Worker, len(table))
	for i, define := range table {
		all[i] = define()
	}
	return all
}
