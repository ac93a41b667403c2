package rules

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// tools finds node and the pinned packages, which it installs once for each
// version of their lock file. Without node the test is skipped, but not in CI.
func tools(t *testing.T) (node, modules string) {
	t.Helper()
	if testing.Short() {
		t.Skip("installs and runs node's validators: 18 s")
	}
	node, err := exec.LookPath("node")
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("needs node: asl-validator and jsonata were not run")
	}
	if err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(lock)
	home := filepath.Join(cache, "ascend", "asl-lint-"+hex.EncodeToString(sum[:6]))
	modules = filepath.Join(home, "node_modules")
	if _, err := os.Stat(home); err == nil {
		return node, modules
	}
	if err := install(t, home); err != nil {
		t.Fatal(err)
	}
	return node, modules
}

// install fills a folder of its own and renames it, so that it is there whole
// or not at all.
func install(t *testing.T, home string) error {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(home), "fetching-") //nolint:usetesting // it is renamed into the cache
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(work, name), text, 0o600); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	npm := func() ([]byte, error) {
		cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
		cmd.Dir = work
		return cmd.CombinedOutput()
	}
	out, err := npm()
	if err != nil { // now and then a registry does not answer
		time.Sleep(5 * time.Second)
		out, err = npm()
	}
	if err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(work, home); err != nil {
		if _, there := os.Stat(home); there != nil {
			return err
		}
	}
	return nil
}

// check runs lint.mjs on files and returns what it says.
func check(t *testing.T, node, modules string, files ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), node, append([]string{"lint.mjs", modules}, files...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("lint.mjs: %v\n%s", err, out)
	}
	return string(out)
}
