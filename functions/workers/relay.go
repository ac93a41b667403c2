package workers

import (
	"context"
	"time"

	"ascend/shared/app"
	"ascend/shared/store"
	"ascend/shared/worker"
)

// StreamRelay turns committed changes into executions and events.
//
// Its filters let through what App.Relay does something about: actions as they
// are stored and moved, agents and the audit bodies of their changes. Clocks,
// kept versions and records that expire do not call it. The directory has no
// stream: no event tells of a change of an organisation yet.
func StreamRelay() worker.Worker {
	return worker.DefineStream(worker.Spec{
		ID: "stream-relay", Summary: "Turn committed changes into executions and events",
		Streams: []store.Table{store.Actions, store.Agents},
		Filters: map[store.Table][]string{
			store.Actions: {`{"eventName":["INSERT","MODIFY"],"dynamodb":{"Keys":{"sk":{"S":["action"]}}}}`},
			store.Agents:  {`{"eventName":["INSERT","MODIFY"],"dynamodb":{"Keys":{"sk":{"S":[{"prefix":"agent#"},{"prefix":"change#"}]}}}}`},
		},
		Reads: []store.Table{store.Actions, store.Agents}, Writes: []store.Table{store.Actions},
		StartsExecutions: true, SendsTaskResults: true, PublishesEvents: true, Timeout: time.Minute,
	}, relay)
}

func relay(ctx context.Context, a *app.App, changes []store.Change) map[int]error {
	return a.Relay.Deliver(ctx, changes)
}
