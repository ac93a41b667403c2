package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ascend/events"
	"ascend/shared/app/relay"
	"ascend/shared/domain/problem"
)

func someEvent(size int) events.Event {
	return events.Event{ID: "evt", Type: "agent.updated", Time: time.Unix(1, 0).UTC(), Data: strings.Repeat("x", size)}
}

func lines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestTheEventLogKeepsWholeLinesAndItsBound(t *testing.T) {
	name := filepath.Join(t.TempDir(), eventsFile)
	if err := os.WriteFile(name, []byte(`{"torn": `), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &eventLog{journal: journal{path: name, limit: 5000}}
	if failed := log.Publish(t.Context(), []events.Event{someEvent(10), someEvent(events.MaxSize), someEvent(10)}); len(failed) != 1 || problem.As(failed[1]).Kind != problem.KindTooLarge {
		t.Errorf("failed: %v", failed)
	}
	if got := lines(t, name); len(got) != 3 || got[0] != `{"torn": ` || got[1] != got[2] {
		t.Errorf("the journal is %q", got)
	}
	for range 20 {
		if failed := log.Publish(t.Context(), []events.Event{someEvent(1000)}); len(failed) > 0 {
			t.Fatal(failed)
		}
	}
	for _, name := range []string{name, name + ".1"} {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 || info.Size() > 7000 {
			t.Errorf("%s is %+v, %v", name, info, err)
		}
	}
}

func TestAJournalThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "later")
	log := &eventLog{journal: journal{path: filepath.Join(folder, eventsFile)}}
	letters := &deadLetters{journal{path: filepath.Join(folder, deadLettersFile), sync: true}}
	failed := log.Publish(t.Context(), []events.Event{someEvent(1)})
	if problem.As(failed[0]).Kind != problem.KindUnavailable || !errors.Is(failed[0], os.ErrNotExist) {
		t.Errorf("failed: %v", failed)
	}
	letter := relay.DeadLetter{Consumer: "events", Reason: "no reason", Sequence: "7"}
	if err := letters.Keep(t.Context(), letter); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("keep: %v", err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if failed := log.Publish(t.Context(), []events.Event{someEvent(1)}); len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	if err := letters.Keep(t.Context(), letter); err != nil {
		t.Errorf("keep: %v", err)
	}
	if got := lines(t, letters.path); len(got) != 1 || !strings.Contains(got[0], `"reason":"no reason"`) {
		t.Errorf("the dead letters are %q", got)
	}
}
