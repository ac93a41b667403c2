package agents_test

import (
	"strings"

	"ascend/shared/app/apptest"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/audit"
	"ascend/shared/store"
)

func register(f *apptest.Fixture, id agent.ID) agent.Agent {
	f.T.Helper()
	got, err := f.Agents.Register(f.T.Context(), f.Command(apptest.Admin), id, apptest.Settings(f.T, `{"display_name": "Agent", "tags": ["a"]}`))
	if err != nil || !got.Created {
		f.T.Fatalf("register %s: created %v, %v", id, got.Created, err)
	}
	return got.Agent
}

// changes are the audit bodies kept of an agent, oldest first.
func changes(f *apptest.Fixture, id agent.ID) []audit.Entry {
	f.T.Helper()
	return f.Audited(store.Agents, "change#"+string(id)+"#")
}

// events are the events of an agent's changes, oldest first.
func events(f *apptest.Fixture, id agent.ID) string {
	f.T.Helper()
	var names []string
	for _, e := range changes(f, id) {
		names = append(names, e.Event)
	}
	return strings.Join(names, " ")
}

// state is an agent's state item.
func state(f *apptest.Fixture, id agent.ID) store.Attrs {
	f.T.Helper()
	items, err := f.Raw.Get(f.T.Context(), store.StateKey(1, id))
	if err != nil || items[0] == nil {
		f.T.Fatalf("state of %s: %v, %v", id, items, err)
	}
	return items[0].Attrs
}

// versions returns all versions of an agent of organisation 1, newest first.
func versions(f *apptest.Fixture, id agent.ID) []agent.Version {
	f.T.Helper()
	list, err := f.Agents.Versions(f.T.Context(), 1, id)
	if err != nil {
		f.T.Fatal(err)
	}
	return apptest.All(f.T, list)
}
