package main

import (
	"context"
	"errors"
	"os"
	"sync"

	"ascend/events"
	"ascend/shared/app/relay"
	"ascend/shared/domain/problem"
)

const (
	eventsFile      = "events.jsonl"
	deadLettersFile = "dead-letters.jsonl"
	// journalLimit is the size from which on a journal is begun anew; the one
	// before it is kept as events.jsonl.1.
	journalLimit = 10 << 20
)

// journal is a file of one JSON value a line, to follow with `tail -F`.
type journal struct {
	path  string
	limit int64 // 0: it grows without bound
	sync  bool  // each append is made durable

	mu   sync.Mutex
	file *os.File
	size int64
}

// append adds lines to the journal, all or none of them unless it fails.
func (j *journal) append(lines []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.open(); err != nil {
		return err
	}
	n, err := j.file.Write(lines)
	j.size += int64(n)
	if err == nil && j.sync {
		err = j.file.Sync()
	}
	return err
}

// open opens the file to append to, behind whole lines, and turns it over when it is full.
func (j *journal) open() error {
	if j.file != nil && (j.limit == 0 || j.size < j.limit) {
		return nil
	}
	if j.file != nil {
		if err := errors.Join(j.file.Close(), os.Rename(j.path, j.path+".1")); err != nil {
			return err
		}
		j.file = nil
	}
	file, err := os.OpenFile(j.path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	j.file = file
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if j.size = info.Size(); j.size == 0 {
		return nil
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, j.size-1); err != nil {
		return err
	}
	if last[0] != '\n' { // a write that a killed process did not finish
		_, err = file.Write([]byte{'\n'})
	}
	return err
}

// eventLog is the local bus: what the stack publishes, as CloudEvents in a file.
type eventLog struct {
	journal
	lines []byte // of the last call, to be used again: one consumer publishes
}

// Publish implements relay.Bus.
func (l *eventLog) Publish(_ context.Context, all []events.Event) (failed map[int]error) {
	failed = map[int]error{}
	lines := l.lines[:0]
	for i, e := range all {
		line, err := e.Encode()
		switch {
		case err != nil:
			failed[i] = problem.Internal("encode event "+e.ID, err)
		case len(line) > events.MaxSize:
			failed[i] = problem.TooLarge("event %s of %d bytes is too large for the bus", e.ID, len(line))
		default:
			lines = append(append(lines, line...), '\n')
		}
	}
	l.lines = lines
	if err := l.append(lines); err != nil {
		for i := range all {
			failed[i] = problem.Unavailable("write "+l.path, err)
		}
	}
	return failed
}

// deadLetters keeps dead letters in a file.
type deadLetters struct{ journal }

// Keep implements relay.DeadLetters.
func (d *deadLetters) Keep(_ context.Context, letter relay.DeadLetter) error {
	line, err := letter.Encode()
	if err != nil {
		return err
	}
	return d.append(append(line, '\n'))
}
