package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

const clientFiles = "../testdata/clients"

// environment is the Python of a virtual environment that holds what a lock
// file pins and nothing else. It is made once and kept in the user's cache.
// Where there is no Python or no package index the test is skipped; not in CI.
func environment(t *testing.T, lock string) (python string) {
	t.Helper()
	if testing.Short() {
		t.Skip("installs a published client: about a minute")
	}
	lock, err := filepath.Abs(filepath.Join(clientFiles, lock))
	if err != nil {
		t.Fatal(err)
	}
	pins, err := os.ReadFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	version, err := exec.Command("python3", "-c", "import sys, ensurepip; assert sys.version_info >= (3, 10); print(sys.executable, sys.version)").Output()
	if err != nil {
		without(t, "no python3 of version 3.10 or later with ensurepip: %v", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		without(t, "no cache folder: %v", err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s\n%s", runtime.GOOS, runtime.GOARCH, version, pins))
	folder := filepath.Join(cache, "ascend", fmt.Sprintf("clients-%x", sum[:8]))
	python = filepath.Join(folder, "bin", "python")
	if _, err := os.Stat(folder); err != nil {
		install(t, lock, folder)
	}
	if out, err := runPython(t, python, t.TempDir(), nil, filepath.Join(clientFiles, "unmodified.py"), lock); err != nil {
		t.Fatalf("%s is not what %s pins; remove it: %v\n%s", folder, lock, err, out)
	}
	return python
}

// install makes the folder whole or not at all, also when another does at the same time.
func install(t *testing.T, lock, folder string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		without(t, "no cache folder: %v", err)
	}
	draft, err := os.MkdirTemp(filepath.Dir(folder), "clients-draft-") //nolint:usetesting // it is renamed into the cache
	if err != nil {
		without(t, "no cache folder: %v", err)
	}
	defer os.RemoveAll(draft)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "python3", "-m", "venv", draft).CombinedOutput(); err != nil {
		t.Fatalf("make a virtual environment: %v\n%s", err, out)
	}
	pip := func() ([]byte, error) {
		return exec.CommandContext(ctx, filepath.Join(draft, "bin", "python"), "-m", "pip", "install", "--quiet",
			"--retries", "2", "--timeout", "20", "--only-binary", ":all:", "--require-hashes", "-r", lock).CombinedOutput()
	}
	out, err := pip()
	if err != nil { // now and then an index does not answer
		time.Sleep(5 * time.Second)
		out, err = pip()
	}
	if err != nil {
		if bytes.Contains(out, []byte("connection broken")) || ctx.Err() != nil {
			without(t, "the package index cannot be reached")
		}
		t.Fatalf("install %s: %v\n%s", lock, err, out)
	}
	if err := os.Rename(draft, folder); err != nil {
		if _, there := os.Stat(folder); there != nil {
			t.Fatal(err)
		}
	}
}

// without ends a test that lacks what it needs from this machine; CI has everything.
func without(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// runPython runs a Python script with no other environment than the given. The
// answer is what it printed, and the error what it complained of.
func runPython(t *testing.T, python, folder string, env []string, script string, args ...string) ([]byte, error) {
	script, err := filepath.Abs(script)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	var said, complained bytes.Buffer
	cmd := exec.CommandContext(ctx, python, append([]string{"-I", "-B", script}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = folder, append([]string{"HOME=" + folder}, env...), &said, &complained
	if err := cmd.Run(); err != nil {
		return said.Bytes(), fmt.Errorf("%w\n%s", err, complained.Bytes())
	}
	return said.Bytes(), nil
}

// told is what a scenario's user saw in the end.
type told struct {
	ActionID   string `json:"action_id"`
	Status     string `json:"status"`
	Reason     string `json:"reason"`
	ApprovedBy any    `json:"approved_by"`
}

// play runs one scenario of a script as the user of a client would run it.
func play(t *testing.T, python, script, scenario, url, key, agent string) (told, error) {
	out, err := runPython(t, python, t.TempDir(), []string{
		"ASCEND_API_URL=" + url, "ASCEND_API_KEY=" + key, "ASCEND_AGENT_ID=" + agent, "ASCEND_AGENT_NAME=Test agent",
	}, filepath.Join(clientFiles, script), scenario)
	if err != nil {
		return told{}, err
	}
	var end *told
	if err := json.Unmarshal([]byte(strings.TrimSpace(string(out))), &end); err != nil {
		return told{}, fmt.Errorf("%s printed %q: %w", scenario, out, err)
	}
	if end == nil {
		return told{}, nil
	}
	return *end, nil
}
