package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestAZipHoldsTheSameBytesWhereverItIsMade(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a function twice")
	}
	var zips [2][]byte
	for i := range zips {
		out := t.TempDir()
		if err := pack(out, "arm64", "ascend/functions/cmd/health"); err != nil {
			t.Fatal(err)
		}
		var err error
		if zips[i], err = os.ReadFile(filepath.Join(out, "arm64", "health.zip")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("two builds of one source differ")
	}
	z, err := zip.NewReader(bytes.NewReader(zips[0]), int64(len(zips[0])))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode().Perm() != 0o755 {
		t.Errorf("the zip holds %d files, first %s %v", len(z.File), z.File[0].Name, z.File[0].Mode())
	}
}

func TestAZipFollowsItsBinary(t *testing.T) {
	dir := t.TempDir()
	binary, name := filepath.Join(dir, "binary"), filepath.Join(dir, "f.zip")
	for _, content := range []string{"one", "one", "two"} {
		if err := os.WriteFile(binary, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := archive(name, binary); err != nil {
			t.Fatal(err)
		}
		if got := bootstrap(t, name); got != content {
			t.Errorf("the zip holds %q, want %q", got, content)
		}
	}
	if err := os.WriteFile(name, []byte("no zip"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := archive(name, binary); err != nil || bootstrap(t, name) != "two" {
		t.Errorf("a broken zip is not replaced: %v", err)
	}
}

func TestAZipIsLeftAloneWhileItsBinaryIsTheSame(t *testing.T) {
	dir := t.TempDir()
	binary, name := filepath.Join(dir, "binary"), filepath.Join(dir, "f.zip")
	if err := os.WriteFile(binary, []byte("one"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := archive(name, binary); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, epoch, epoch); err != nil {
		t.Fatal(err)
	}
	if err := archive(name, binary); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || !info.ModTime().Equal(epoch) {
		t.Errorf("it was written again at %v (%v)", info.ModTime(), err)
	}
}

func TestZipsOfFunctionsThatAreNoMoreGo(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"kept.zip", "gone.zip", "bin/kept", "bin/gone"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := prune(dir, []string{"kept"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"kept.zip": true, "gone.zip": false, "bin/kept": true, "bin/gone": false} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %v", name, err == nil)
		}
	}
}

func bootstrap(t *testing.T, name string) string {
	t.Helper()
	z, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
