// Package worker defines the functions that nobody calls over HTTP: they are
// called by streams, by the state machine, by a schedule or by Cognito.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/app"
	"ascend/shared/store"
)

// Spec is what the stack needs to know of a worker.
type Spec struct {
	ID      string // lower-case words joined by dashes: also the Lambda's name
	Summary string

	Reads, Writes []store.Table // for the function's IAM policy

	Streams []store.Table // whose changes call it
	// Filters are Lambda's filter patterns of the streams, by table: records
	// that match none of a table's do not call it, and cost nothing.
	Filters map[store.Table][]string

	Every   time.Duration // between the calls of a schedule; 0: none
	Task    bool          // the approval state machine calls it
	Trigger string        // of Cognito, such as "PreTokenGeneration"

	StartsExecutions bool // of the approval state machine
	SendsTaskResults bool // to the approval state machine
	PublishesEvents  bool // to the bus

	Timeout time.Duration // of the work of one call, default 30 s; Lambda gives a little more
}

// Worker is a defined worker. Make one with Define or DefineStream.
type Worker struct {
	Spec
	// Whoever runs a worker of streams sets TablePrefix, which leads the names
	// of the deployment's tables, and Log, which is told of failed records.
	TablePrefix string
	Log         *slog.Logger

	run func(context.Context, Worker, *app.App, []byte) ([]byte, error)
}

// Define makes a worker of a Spec and the function that does its work.
func Define[In, Out any](s Spec, do func(context.Context, *app.App, In) (Out, error)) Worker {
	return define(s, func(ctx context.Context, _ Worker, a *app.App, payload []byte) ([]byte, error) {
		var in In
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, fmt.Errorf("decode the call of %s: %w", s.ID, err)
		}
		out, err := do(ctx, a, in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	})
}

func define(s Spec, run func(context.Context, Worker, *app.App, []byte) ([]byte, error)) Worker {
	if s.Timeout == 0 {
		s.Timeout = 30 * time.Second
	}
	return Worker{Spec: s, Log: slog.New(slog.DiscardHandler), run: run}
}

// Run does the work of one call. The work's context ends when Timeout is over,
// so that the worker can say what it did not do before Lambda ends it.
func (w Worker) Run(ctx context.Context, a *app.App, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return w.run(ctx, w, a, payload)
}
