package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestWhatIsGeneratedIsUpToDate(t *testing.T) {
	const root = "../.."
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v: run make generate", err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the table says: run make generate", name)
		}
	}
	mains, err := filepath.Glob(filepath.Join(root, "functions/cmd/*/main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range mains {
		rel, _ := filepath.Rel(root, name)
		if files[filepath.ToSlash(rel)] == nil {
			t.Errorf("%s belongs to no operation: run make generate", rel)
		}
	}
}
