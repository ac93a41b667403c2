package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ascend/localstack/host"
)

// sharedEmulator is the LocalStack of this test process, on a port of its own.
// It ends with the process at the latest.
var sharedEmulator = sync.OnceValues(func() (*host.Server, error) {
	folder, err := os.MkdirTemp("", "ascend-localstack-")
	if err != nil {
		return nil, err
	}
	s, err := host.Start(context.Background(), host.Options{Folder: folder, Attached: true, Progress: os.Stderr})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	stopEmulator = func() error { return errors.Join(s.Stop(), os.RemoveAll(folder)) }
	return s, nil
})

// stopEmulator is called when all tests have run.
var stopEmulator = func() error { return nil }

// emulator is LocalStack as a process of this machine. Where there can be none
// the test is skipped, but not in CI.
func emulator(t *testing.T) (url string) {
	t.Helper()
	s, err := sharedEmulator()
	if errors.Is(err, host.ErrAbsent) {
		line, _, _ := strings.Cut(err.Error(), "\n")
		without(t, "%s", line)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.URL
}

// deployment is what deploy made on the shared emulator.
type deployment struct{ data, emulator, lines string }

var sharedDeployment = sync.OnceValues(func() (deployment, error) {
	s, err := sharedEmulator()
	if err != nil {
		return deployment{}, err
	}
	var printed strings.Builder
	d := deployment{data: filepath.Join(s.Folder, "data"), emulator: s.URL}
	err = deploy(context.Background(), place{data: d.data, emulator: s.URL}, []string{"-app", os.Getenv("ASCEND_STACK")}, &printed, os.Stderr)
	d.lines = printed.String()
	return d, err
})

// deployed is the stack on LocalStack, deployed once for all tests; it is called
// like a local server. ASCEND_STACK is the folder of the synthesised CDK app;
// without it the test is skipped, because `make test-stack` runs it.
func deployed(t *testing.T) *server {
	t.Helper()
	if os.Getenv("ASCEND_STACK") == "" {
		t.Skip("runs by: make test-stack")
	}
	emulator(t)
	d, err := sharedDeployment()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, data: d.data, env: map[string]string{}, emulator: d.emulator}
	for line := range strings.Lines(d.lines) {
		s.lines = append(s.lines, strings.TrimSpace(line))
		if name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export ")), "="); ok {
			s.env[name] = value
		}
	}
	if s.url() == "" {
		t.Fatal(fmt.Errorf("deploy printed %q", d.lines))
	}
	return s
}
