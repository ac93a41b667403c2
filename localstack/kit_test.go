package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ascend/shared/domain/tenant"
	"ascend/shared/identity"
)

// program is the local server as a user runs it, built once for all tests.
var program = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "ascend-test-")
	if err != nil {
		return "", err
	}
	name := filepath.Join(folder, "ascend")
	if out, err := exec.Command("go", "build", "-o", name, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the local server: %w\n%s", err, out)
	}
	return name, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if name, err := program(); err == nil {
		os.RemoveAll(filepath.Dir(name))
	}
	if err := stopEmulator(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// server is a running local server.
type server struct {
	t     testing.TB
	data  string
	env   map[string]string // what it printed, without the word export
	lines []string          // all that it printed before it served
	cmd   *exec.Cmd
	ended chan error

	emulator string // where the API is deployed on LocalStack: its URL
}

// launch starts the server over a data folder, on a port of its own, and waits
// until it answers.
func launch(t testing.TB, data string) *server {
	t.Helper()
	s, err := start(t, data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.kill(syscall.SIGKILL) })
	return s
}

func start(t testing.TB, data string) (*server, error) {
	name, err := program()
	if err != nil {
		return nil, err
	}
	s := &server{t: t, data: data, env: map[string]string{}, ended: make(chan error, 1)}
	s.cmd = exec.Command(name, "serve")
	s.cmd.Env = append(os.Environ(), "ADDR=127.0.0.1:0", "DATA="+data)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.OpenFile(filepath.Join(data, "..", filepath.Base(data)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.cmd.Stderr = log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go func() {
		scanner := bufio.NewScanner(out)
		for curls := 0; curls < 3 && scanner.Scan(); {
			line := scanner.Text()
			s.lines = append(s.lines, line)
			if name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "="); ok && strings.HasPrefix(line, "export ") {
				s.env[name] = value
			}
			if strings.HasPrefix(line, "curl ") {
				curls++
			}
		}
		close(ready)
		s.ended <- s.cmd.Wait()
	}()
	select {
	case <-ready:
	case <-time.After(20 * time.Second):
		s.cmd.Process.Kill()
	}
	if s.env["ASCEND_API_URL"] == "" {
		said, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("the server did not start: %s", said)
	}
	return s, nil
}

// kill ends the server's process and waits until it is gone.
func (s *server) kill(signal syscall.Signal) error {
	s.cmd.Process.Signal(signal)
	err, ok := <-s.ended
	if ok {
		close(s.ended)
	}
	return err
}

func (s *server) url() string { return s.env["ASCEND_API_URL"] }

// command runs another command of the program over the server's data folder.
func (s *server) command(args ...string) string {
	s.t.Helper()
	name, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // deploy is one of them
	defer cancel()
	if s.emulator != "" && slices.Contains(args, "-key") {
		args = append(args, "-deployed")
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DATA="+s.data, "AWS_ENDPOINT_URL="+s.emulator)
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// issuer is the installation's own.
func (s *server) issuer() *identity.DevIssuer {
	s.t.Helper()
	secrets, err := loadSecrets(s.data)
	if err != nil {
		s.t.Fatal(err)
	}
	return secrets.issuer
}

// expired is a token whose time is over.
func (s *server) expired(p tenant.Principal) string {
	s.t.Helper()
	token, err := s.issuer().Token(p, time.Hour, time.Now().Add(-48*time.Hour))
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}
