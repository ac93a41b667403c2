package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// exports are the lines that a start has to print, in this order.
var exports = []*regexp.Regexp{
	regexp.MustCompile(`^export ASCEND_API_URL=http://127\.0\.0\.1:[0-9]+$`),
	regexp.MustCompile(`^export ASCEND_API_KEY=owkai_admin_[A-Za-z0-9]{43}$`),
	regexp.MustCompile(`^export ASCEND_ADMIN_TOKEN=[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`),
	regexp.MustCompile(`^export ASCEND_APPROVER_TOKEN=[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`),
}

func TestEveryStartPrintsTheSameLines(t *testing.T) {
	data := t.TempDir()
	first := launch(t, data)
	for i, want := range exports {
		if i >= len(first.lines) || !want.MatchString(first.lines[i]) {
			t.Errorf("line %d of %q is not %s", i, first.lines, want)
		}
	}
	if n := len(curls(first.lines)); n != 3 {
		t.Errorf("%d curl commands are printed", n)
	}
	for _, line := range first.lines[min(len(exports), len(first.lines)):] {
		if line != "" && !strings.HasPrefix(line, "curl ") && !strings.HasPrefix(line, "#") {
			t.Errorf("%q is neither a command nor a comment", line)
		}
	}
	if err := first.kill(syscall.SIGTERM); err != nil {
		t.Fatalf("the first server: %v", err)
	}
	second := launch(t, data)
	here := strings.NewReplacer(first.url(), "URL", second.url(), "URL")
	if a, b := here.Replace(strings.Join(first.lines, "\n")), here.Replace(strings.Join(second.lines, "\n")); a != b {
		t.Errorf("the first start printed\n%s\nand the second\n%s", a, b)
	}
}

func TestCredentialsAreForTheirOwnerOnly(t *testing.T) {
	data := filepath.Join(t.TempDir(), "new", "folder")
	if err := os.MkdirAll(filepath.Dir(data), 0o755); err != nil {
		t.Fatal(err)
	}
	s := launch(t, data)
	if err := s.kill(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"": 0o700, envFile: 0o600, secretsFile: 0o600, "ascend.db": 0o600} {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil {
			t.Error(err)
		} else if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %o, want %o", name, got, want)
		}
	}
}

func curls(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !strings.HasPrefix(line, "curl ") })
}

// needCurl skips a test where curl is absent, but not in CI.
func needCurl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("curl is not installed")
	}
}

func TestThePrintedLinesWorkWhenPasted(t *testing.T) {
	needCurl(t)
	s := launch(t, t.TempDir())
	for _, created := range []bool{true, false} {
		// What is pasted into a shell is what it reads from its standard input.
		script := strings.Join(s.lines, "\n") + "\nprintf '{\"url\": \"%s\", \"key\": \"%s\", \"admin\": \"%s\", \"approver\": \"%s\"}' " +
			`"$ASCEND_API_URL" "$ASCEND_API_KEY" "$ASCEND_ADMIN_TOKEN" "$ASCEND_APPROVER_TOKEN"` + "\n"
		sh := exec.Command("sh")
		sh.Env = append(os.Environ(), "ASCEND_API_URL=", "ASCEND_API_KEY=", "ASCEND_ADMIN_TOKEN=", "ASCEND_APPROVER_TOKEN=", "no_proxy=127.0.0.1")
		sh.Stdin = strings.NewReader(script)
		out, err := sh.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		answers := jsontext.NewDecoder(bytes.NewReader(out))
		var registered, activated, submitted object
		var sourced map[string]string
		err = errors.Join(json.UnmarshalDecode(answers, &registered), json.UnmarshalDecode(answers, &activated),
			json.UnmarshalDecode(answers, &submitted), json.UnmarshalDecode(answers, &sourced))
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if registered["success"] != true || registered["created"] != created {
			t.Errorf("registering answers %v; created should be %t", registered, created)
		}
		if activated["success"] != true {
			t.Errorf("activating answers %v", activated)
		}
		if submitted["status"] != "approved" || submitted["risk_score"] != 35.0 {
			t.Errorf("submitting answers %v", submitted)
		}
		for name, variable := range map[string]string{
			"url": "ASCEND_API_URL", "key": "ASCEND_API_KEY", "admin": "ASCEND_ADMIN_TOKEN", "approver": "ASCEND_APPROVER_TOKEN",
		} {
			if sourced[name] == "" || sourced[name] != s.env[variable] {
				t.Errorf("$%s is %q in the shell", variable, sourced[name])
			}
		}
	}
}

// ended is how a run of the program ended by itself.
type ended struct {
	stdout, stderr string
	code           int
}

// runToEnd runs the program until it ends, as it must, at once.
func runToEnd(t *testing.T, env []string, args ...string) ended {
	t.Helper()
	name, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%v: %v, %v", args, err, ctx.Err())
	}
	return ended{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

func TestAStartThatCannotBeSaysWhyInOneLine(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("not a folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	running := launch(t, filepath.Join(folder, "running"))

	for _, test := range []struct{ name, addr, data, says string }{
		{"a port in use", taken.Addr().String(), filepath.Join(folder, "port"), taken.Addr().String()},
		{"a second process on the same folder", "127.0.0.1:0", running.data, running.data},
		{"a folder below a regular file", "127.0.0.1:0", filepath.Join(file, "data"), file},
		{"a folder that is a regular file", "127.0.0.1:0", file, file},
		{"a folder below a device", "127.0.0.1:0", "/dev/null/data", "/dev/null"},
		{"a folder that cannot be made", "127.0.0.1:0", "/proc/ascend", "/proc/ascend"},
		{"a folder that takes no files", "127.0.0.1:0", "/proc/self", "/proc/self"},
		{"an address that is none", "nonsense", filepath.Join(folder, "address"), "nonsense"},
		{"a port that is none", "127.0.0.1:99999", filepath.Join(folder, "number"), "99999"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := runToEnd(t, []string{"ADDR=" + test.addr, "DATA=" + test.data}, "serve")
			if got.code == 0 || got.stdout != "" {
				t.Errorf("ended with %d and printed %q", got.code, got.stdout)
			}
			if strings.Count(got.stderr, "\n") != 1 || !strings.HasSuffix(got.stderr, "\n") || !strings.Contains(got.stderr, test.says) {
				t.Errorf("said %q: want one line that names %s", got.stderr, test.says)
			}
		})
	}
	must[object](t, running.key(), "GET", "/health", "") // the first one is not disturbed
}

func TestSIGTERMEndsTheServerGracefully(t *testing.T) {
	data := t.TempDir()
	s := launch(t, data)
	must[object](t, s.key(), "POST", "/api/registry/agents", `{"agent_id": "graceful", "display_name": "Graceful"}`)
	// A request under way: the server has asked for its body.
	body := `{"agent_id": "graceful-2", "display_name": "Graceful"}`
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "POST /api/registry/agents HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\nContent-Type: application/json\r\n"+
		"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", s.env["ASCEND_API_KEY"], len(body))
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("the server did not ask for the body: %q, %v", line, err)
	}
	answers.ReadString('\n') // the empty line after it
	s.cmd.Process.Signal(syscall.SIGTERM)
	time.Sleep(100 * time.Millisecond)
	io.WriteString(conn, body)
	answer, err := io.ReadAll(answers)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 201 ") {
		t.Errorf("the request under way was answered %q, %v", answer, err)
	}
	if err := s.kill(syscall.SIGTERM); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if files, _ := filepath.Glob(filepath.Join(data, "ascend.db*")); len(files) != 1 {
		t.Errorf("the store is %v, not one file", files)
	}
	s = launch(t, data)
	for _, id := range []string{"graceful", "graceful-2"} {
		must[object](t, s.key(), "GET", "/api/registry/agents/"+id, "")
	}
}
