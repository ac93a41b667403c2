package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestLocalStackAnswersInItsOneVersion(t *testing.T) {
	s := emulator(t)
	if version, err := Health(t.Context(), s.URL); err != nil || version != Version {
		t.Errorf("version %q, %v", version, err)
	}
}

// TestAnotherVersionIsRefused starts the plugin on a LocalStack that says it is another.
func TestAnotherVersionIsRefused(t *testing.T) {
	in := installed(t)
	folder := t.TempDir()
	if err := in.lay(folder); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, change, want string
	}{
		{"a later version", "import localstack.version as v; v.version = '4.14.1'", "refuses 4.14.1"},
		{"a replaced function has another form", "from localstack.services.cloudformation import resource_provider as rp\n" +
			"rp.ResourceProviderExecutor.deploy_loop.__defaults__ = (1, 2)", "LocalStack changed: the defaults of deploy_loop"},
		{"another has other parameters", "from localstack.services.cloudformation.engine.v2.change_set_model_executor import ChangeSetModelExecutor as E\n" +
			"E._execute_resource_change = lambda self, name: None", "LocalStack changed: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, in.interpreter(), "-c", test.change+"\nimport runpy; runpy.run_module('process_executor', run_name='__main__')")
			cmd.Env = append(Cleaned(os.Environ()), "PYTHONPATH="+filepath.Join(folder, "python"), "FILESYSTEM_ROOT="+filepath.Join(folder, "fs"), "GATEWAY_LISTEN=127.0.0.1:0")
			out, err := cmd.CombinedOutput()
			if err == nil || ctx.Err() != nil || !strings.Contains(string(out), test.want) {
				t.Errorf("ended with %v and said %s", err, out)
			}
		})
	}
}

// installed is the installation, made if need be.
func installed(t *testing.T) installation {
	t.Helper()
	emulator(t)
	in, err := install(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestNothingListensBeyondTheLoopbackInterface(t *testing.T) {
	s := emulator(t)
	f := function{t, s.URL, ""}
	if r := f.call("POST", "/", "dynamodb", object{}, "X-Amz-Target: DynamoDB_20120810.ListTables", "Content-Type: application/x-amz-json-1.0"); r.status != 200 {
		t.Fatalf("DynamoDB answers %d %s", r.status, r.body)
	}
	ss, err := exec.LookPath("ss")
	if err != nil {
		t.Skip("ss (iproute2) is not installed")
	}
	out, err := exec.Command(ss, "-H", "-ltnp").Output()
	if err != nil {
		t.Fatal(err)
	}
	mine := descendants(t, s.pid)
	seen := 0
	for line := range strings.Lines(string(out)) {
		if !slices.ContainsFunc(mine, func(pid int) bool { return strings.Contains(line, fmt.Sprintf("pid=%d,", pid)) }) {
			continue
		}
		seen++
		host, _, err := net.SplitHostPort(strings.Fields(line)[3])
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			t.Errorf("listens on all interfaces: %s", line)
		}
	}
	if seen < 2 {
		t.Errorf("only %d of LocalStack's ports were found in\n%s", seen, out)
	}
}

// descendants are a process and all below it.
func descendants(t *testing.T, pid int) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	below := map[int][]int{}
	for _, entry := range entries {
		child, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue // no process
		}
		_, parent := status(child)
		below[parent] = append(below[parent], child)
	}
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, below[pids[i]]...)
	}
	return pids
}

// status is a process's state, "" when there is none, and its parent.
func status(pid int) (state string, parent int) {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat")) // id (name) state parent …
	fmt.Sscan(string(text[bytes.LastIndexByte(text, ')')+1:]), &state, &parent)
	return state, parent
}

func lives(pid int) bool {
	state, _ := status(pid)
	return state != "" && state != "Z"
}

func TestALocalStackIsStoppedWithAllItsProcesses(t *testing.T) {
	installed(t)
	for _, test := range []struct {
		name string
		hang bool
	}{{"that listens to SIGTERM", false}, {"that hangs", true}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := Start(t.Context(), Options{Folder: t.TempDir(), Progress: io.Discard})
			if err != nil {
				t.Fatal(err)
			}
			f := function{t, s.URL, ""}
			f.call("POST", "/", "dynamodb", object{}, "X-Amz-Target: DynamoDB_20120810.ListTables", "Content-Type: application/x-amz-json-1.0")
			below := descendants(t, s.pid)
			if len(below) < 2 {
				t.Errorf("DynamoDB Local is not among %v", below)
			}
			if _, err := Start(t.Context(), Options{Folder: s.Folder, Progress: io.Discard}); err == nil {
				t.Error("a second one starts in the same folder")
			}
			if test.hang {
				if err := syscall.Kill(s.pid, syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
			}
			if err := Stop(s.Folder); err != nil {
				t.Error(err)
			}
			if _, err := Health(t.Context(), s.URL); err == nil {
				t.Error("it still answers")
			}
			if !inTime(func() bool { return !slices.ContainsFunc(below, lives) }) {
				t.Errorf("one of %v still lives", below)
			}
			if _, err := os.Stat(filepath.Join(s.Folder, tmpDir)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("its temporary files are left: %v", err)
			}
			if err := Stop(s.Folder); err != nil {
				t.Errorf("stopped again: %v", err)
			}
		})
	}
}

func TestAProcessOfAnotherIsNeverStopped(t *testing.T) {
	folder := t.TempDir()
	other := exec.Command("cat")
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	other.Stdout = &said
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, pidFile), []byte(strconv.Itoa(other.Process.Pid)+" 4566\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Stop(folder); err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(in, "here")
	if err := errors.Join(err, in.Close(), other.Wait()); err != nil || said.String() != "here" {
		t.Errorf("a process that has taken over the id was ended: %v", err)
	}
}

func TestAPortInUseIsToldBeforeAnythingIsDone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	folder := filepath.Join(t.TempDir(), "none")
	_, err = Start(t.Context(), Options{Folder: folder, Port: l.Addr().(*net.TCPAddr).Port, Progress: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("told %v", err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("the folder was made")
	}
}

func TestItIsForLinuxOnAMD64(t *testing.T) {
	for platform, want := range map[[2]string]bool{
		{"linux", "amd64"}: true, {"linux", "arm64"}: false, {"darwin", "arm64"}: false, {"darwin", "amd64"}: false,
	} {
		if err := supported(platform[0], platform[1]); (err == nil) != want || err != nil && !errors.Is(err, ErrAbsent) {
			t.Errorf("%v: %v", platform, err)
		}
	}
}

func TestWhatThisMachineLacksIsToldInALine(t *testing.T) {
	if err := supported(runtime.GOOS, runtime.GOARCH); err != nil {
		t.Skip(err)
	}
	tools := map[string]string{
		"python3.13": "echo /usr/bin/python3.13",
		"java":       "printf '    java.home = %s\\n    java.specification.version = 17\\n' \"$JDK\" >&2",
		"mvn":        "exit 0",
	}
	for _, test := range []struct {
		name string
		has  []string
		java string // in place of the good one
		want string
	}{
		{"no Python", []string{"java", "mvn"}, "", "Python 3.13"},
		{"no Java", []string{"python3.13", "mvn"}, "", "a JDK of version 17"},
		{"an old Java", []string{"python3.13", "java", "mvn"}, "printf '  java.home = %s\\n  java.specification.version = 11\\n' \"$JDK\" >&2", "a JDK of version 17"},
		{"a Java before 9", []string{"python3.13", "java", "mvn"}, "printf '  java.home = %s\\n  java.specification.version = 1.8\\n' \"$JDK\" >&2", "a JDK of version 17"},
		{"a Java without its compiler", []string{"python3.13", "java", "mvn"}, "printf '  java.home = /nowhere\\n  java.specification.version = 21\\n' >&2", "a JDK of version 17"},
		{"no Maven", []string{"python3.13", "java"}, "", "install maven"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bin, jdk := t.TempDir(), t.TempDir()
			t.Setenv("PATH", bin)
			t.Setenv("JDK", jdk)
			t.Setenv("HOME", t.TempDir())
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			program := func(name, script string) {
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			program(filepath.Join(jdk, "bin", "javac"), "exit 0")
			for _, name := range test.has {
				script := tools[name]
				if name == "java" && test.java != "" {
					script = test.java
				}
				program(filepath.Join(bin, name), script)
			}
			_, err := install(t.Context(), io.Discard)
			if !errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("told %v", err)
			}
		})
	}
}

func TestWhatMisleadsLocalStackStaysOut(t *testing.T) {
	keep := []string{"PATH=/bin", "HOME=/root", "LANG=C", "SSL_CERT_FILE=/x", "PIP_CERT=/x"}
	drop := []string{"AWS_CA_BUNDLE=/x", "AWS_PROFILE=x", "HTTP_PROXY=x", "https_proxy=x", "no_proxy=x", "PYTHONPATH=x",
		"GATEWAY_LISTEN=x", "LOCALSTACK_AUTH_TOKEN=x", "DEBUG=1", "JAVA_TOOL_OPTIONS=x", "PERSISTENCE=1"}
	if got := Cleaned(slices.Concat(drop, keep)); !slices.Equal(got, keep) {
		t.Errorf("kept %q", got)
	}
}

func TestALineOfAManifestIsFolded(t *testing.T) {
	for _, length := range []int{0, 1, 69, 70, 71, 139, 140, 500} {
		line := strings.Repeat("x", length)
		out := folded(line)
		if strings.ReplaceAll(strings.TrimSuffix(out, "\r\n"), "\r\n ", "") != line {
			t.Errorf("%d bytes are %q", length, out)
		}
		for part := range strings.Lines(out) {
			if len(part) > 72 {
				t.Errorf("%d bytes have a line of %d", length, len(part))
			}
		}
	}
}
