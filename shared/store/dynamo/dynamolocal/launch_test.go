package dynamolocal

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestTheProgramLeavesNoFilesBehind(t *testing.T) {
	Client(t) // skips where there can be none
	java, err := exec.LookPath("java")
	if err != nil {
		t.Fatal(err)
	}
	libs, err := install()
	if err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	t.Setenv("TMPDIR", parent)
	local, err := launch(java, libs)
	if err != nil {
		t.Fatal(err)
	}
	written, err := filepath.Glob(filepath.Join(parent, "*", "*sqlite*"))
	if err != nil || len(written) == 0 {
		t.Errorf("its library is not in its own folder: %v, %v", written, err)
	}
	if err := local.lifeline.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left, err := os.ReadDir(parent)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it left %v", left)
		}
	}
}
