package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestAServerIsKnownByItsCommandLine(t *testing.T) {
	if err := supported(runtime.GOOS, runtime.GOARCH); err != nil {
		t.Skip(err)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir()) // no program tells it, ps is not everywhere
	folder := filepath.Join(t.TempDir(), "a folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want bool
	}{
		{[]string{"process_executor", folder}, true},
		{[]string{"process_executor", folder, "--until-input-ends"}, true},
		{[]string{"process_executor", folder + "2"}, false},
		{[]string{"process_executor", "of", folder}, false},
		{[]string{"process_executor"}, false},
		{[]string{folder}, false},
	} {
		cmd := exec.Command(sh, slices.Concat([]string{"-c", "read -r _"}, test.args)...)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, pidFile), fmt.Appendf(nil, "%d 4566\n", cmd.Process.Pid), 0o600); err != nil {
			t.Fatal(err)
		}
		if pid, port, ok := running(folder); ok != test.want || ok && (pid != cmd.Process.Pid || port != 4566) {
			t.Errorf("%q: process %d, port %d, %v", test.args, pid, port, ok)
		}
		in.Close()
		cmd.Wait()
		if _, _, ok := running(folder); ok {
			t.Errorf("%q has ended and runs", test.args)
		}
	}
}

func TestTheFilesOfAServerAreInItsFolder(t *testing.T) {
	t.Parallel()
	s, f := emulator(t), deploy(t, 5, nil)
	own := filepath.Join(s.Folder, tmpDir) + string(filepath.Separator)
	if name := said[report](t, f.invoke("write", 0)).Text; !strings.HasPrefix(name, own) {
		t.Errorf("a function writes %q", name)
	}
	for _, variable := range said[report](t, f.invoke("environment", 0)).List {
		if code, ok := strings.CutPrefix(variable, "LAMBDA_TASK_ROOT="); ok && !strings.HasPrefix(code, own) {
			t.Errorf("a function's code is in %q", code)
		}
	}
	if r := f.call("POST", "/", "dynamodb", object{}, "X-Amz-Target: DynamoDB_20120810.ListTables", "Content-Type: application/x-amz-json-1.0"); r.status != 200 {
		t.Fatalf("DynamoDB answers %d %s", r.status, r.body)
	}
	if library, err := filepath.Glob(own + "*sqlite*"); err != nil || len(library) == 0 {
		t.Errorf("the library of DynamoDB Local is elsewhere: %v, %v", library, err)
	}
}
