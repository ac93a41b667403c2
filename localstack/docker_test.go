package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ascend/localstack/host"
)

// standIn is a command docker in place of the real one. No machine of ours has
// an engine, so these tests hold what Docker is asked, not what it then does.
type standIn struct {
	t      *testing.T
	folder string
}

// dockerThatFails puts docker, and nothing else, in the PATH. It fails at what
// is given: "info", "compose version", "up" or "down".
func dockerThatFails(t *testing.T, at ...string) standIn {
	t.Helper()
	d := standIn{t, t.TempDir()}
	script := `#!/bin/sh
PATH=/usr/bin:/bin
cd '` + d.folder + `'
echo "$*" >> calls
what=$*
case $what in
*" up "*) what=up; cat > up.file; env > up.env ;;
*" down "*) what=down; cat > down.file; env > down.env ;;
esac
case "|` + strings.Join(at, "|") + `|" in
*"|$what|"*) echo "fails as asked" >&2; exit 1 ;;
esac
: > "$what.done"
`
	bin := filepath.Join(d.folder, "bin")
	if err := errors.Join(os.Mkdir(bin, 0o755), os.WriteFile(filepath.Join(bin, "docker"), []byte(script), 0o755)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	for _, name := range []string{"LOCALSTACK_IMAGE", "LOCALSTACK_AUTH_TOKEN", "DOCKER_SOCK"} {
		t.Setenv(name, "")
	}
	t.Setenv("LOCALSTACK_PORT", "1") // the address alone decides
	return d
}

// localStack is the one that Docker is to start: it answers when that is done.
func (d standIn) localStack(version string) place {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, up := os.Stat(filepath.Join(d.folder, "up.done"))
		_, down := os.Stat(filepath.Join(d.folder, "down.done"))
		if up != nil || down == nil {
			http.Error(w, "not up", http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, `{"version": %q}`, version)
	}))
	d.t.Cleanup(s.Close)
	return place{data: filepath.Join(d.folder, "data"), emulator: s.URL}
}

func (d standIn) read(name string) string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.folder, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Fatal(err)
	}
	return string(text)
}

// calls are the arguments of each call.
func (d standIn) calls() []string {
	d.t.Helper()
	return slices.Collect(strings.SplitSeq(strings.TrimSpace(d.read("calls")), "\n"))
}

// project is what Compose makes of the file and the environment that it got.
func (d standIn) project(command string) string {
	d.t.Helper()
	environment := map[string]string{}
	for line := range strings.Lines(d.read(command + ".env")) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		environment[name] = value
	}
	return os.Expand(d.read(command+".file"), func(expression string) string {
		name, otherwise, _ := strings.Cut(expression, ":-")
		return cmp.Or(environment[name], otherwise)
	})
}

func TestUpAndDownByDocker(t *testing.T) {
	for _, test := range []struct {
		name    string
		env     map[string]string
		version string
		project []string // lines of it
	}{
		{"as it is pinned", nil, host.Version, []string{
			"image: localstack/localstack:" + host.Version,
			"LOCALSTACK_AUTH_TOKEN: ",
			"- /var/run/docker.sock:/var/run/docker.sock",
			"- localstack:/var/lib/localstack",
			"stop_grace_period: 60s",
		}},
		{"as the user chooses", map[string]string{
			"LOCALSTACK_IMAGE": "localstack/localstack-pro:2026.1", "LOCALSTACK_AUTH_TOKEN": "ls-1", "DOCKER_SOCK": "/run/user/1000/docker.sock",
		}, "2026.1.0", []string{
			"image: localstack/localstack-pro:2026.1",
			"LOCALSTACK_AUTH_TOKEN: ls-1",
			"- /run/user/1000/docker.sock:/var/run/docker.sock",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := dockerThatFails(t)
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			at := d.localStack(test.version)
			port, err := at.emulatorPort()
			if err != nil {
				t.Fatal(err)
			}
			if err := up(t.Context(), at, io.Discard); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(d.project("up"), "\n")
			for _, want := range append(test.project, fmt.Sprintf(`- "127.0.0.1:%d:4566"`, port)) {
				if !slices.ContainsFunc(lines, func(line string) bool { return strings.TrimLeft(line, " ") == want }) {
					t.Errorf("the project lacks %q:\n%s", want, strings.Join(lines, "\n"))
				}
			}
			if err := down(t.Context(), at, io.Discard); err != nil {
				t.Fatal(err)
			}
			if d.project("down") != d.project("up") {
				t.Errorf("what goes down is not what came up:\n%s", d.project("down"))
			}
			project := fmt.Sprintf("compose --project-name ascend-localstack-%d --file - ", port)
			want := []string{"info", "compose version", project + "up --detach --wait", "info", "compose version", project + "down --volumes"}
			if got := d.calls(); !slices.Equal(got, want) {
				t.Errorf("docker was called\n%q, not\n%q", got, want)
			}
			if _, err := os.Stat(at.hostFolder()); err == nil {
				t.Error("a folder was made for a process")
			}
		})
	}
}

func TestAnotherVersionThatDockerStartsIsRefused(t *testing.T) {
	d := dockerThatFails(t)
	if err := up(t.Context(), d.localStack("4.15.0"), io.Discard); err == nil || !strings.Contains(err.Error(), `"4.15.0", not 4.14.0`) {
		t.Errorf("up: %v", err)
	}
}

func TestWithoutAnEngineOrComposeLocalStackIsAProcess(t *testing.T) {
	for _, test := range []struct{ fails, says string }{
		{"info", "no Docker engine answers, starting as a process"},
		{"compose version", "a Docker engine answers, but Docker Compose is not installed, starting as a process"},
	} {
		t.Run(test.fails, func(t *testing.T) {
			d := dockerThatFails(t, test.fails)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			at := place{data: filepath.Join(t.TempDir(), "data"), emulator: "http://" + l.Addr().String()}
			l.Close()
			var said strings.Builder
			if err := up(t.Context(), at, &said); !errors.Is(err, host.ErrAbsent) { // the PATH holds nothing of what a process needs
				t.Errorf("up: %v", err)
			}
			if !strings.Contains(said.String(), test.says) {
				t.Errorf("up said %q", said.String())
			}
			if err := down(t.Context(), at, io.Discard); err != nil {
				t.Errorf("down: %v", err)
			}
			if calls := strings.Join(d.calls(), "\n"); strings.Contains(calls, "--project-name") {
				t.Errorf("docker was called\n%s", calls)
			}
		})
	}
}

func TestWhatDockerFailsAtIsTold(t *testing.T) {
	d := dockerThatFails(t, "up", "down")
	at := d.localStack(host.Version)
	var said strings.Builder
	if err := up(t.Context(), at, &said); err == nil || err.Error() != "docker compose up: exit status 1" {
		t.Errorf("up: %v", err)
	}
	if err := down(t.Context(), at, &said); err == nil || err.Error() != "docker compose down: exit status 1" {
		t.Errorf("down: %v", err)
	}
	if text := said.String(); strings.Count(text, "fails as asked\n") != 2 || strings.Contains(text, "as a process") {
		t.Errorf("said %q", text)
	}
}
