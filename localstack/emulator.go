package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"ascend/localstack/host"
)

// compose runs LocalStack where there is Docker.
//
//go:embed compose.yaml
var compose []byte

// up starts LocalStack: by Docker where its engine and Compose answer, as a
// process otherwise. One that runs is left alone.
func up(ctx context.Context, at place, progress io.Writer) error {
	version, err := host.Health(ctx, at.emulator)
	if err == nil {
		fmt.Fprintf(progress, "localstack: %s is already up on %s\n", version, at.emulator)
		return refuse(version)
	}
	port, err := at.emulatorPort()
	if err != nil {
		return err
	}
	without := docker(ctx)
	if without == nil {
		fmt.Fprintln(progress, "localstack: starting by Docker")
		if err := composed(ctx, port, progress, "up", "--detach", "--wait"); err != nil {
			return err
		}
		version, err := host.Health(ctx, at.emulator)
		return cmp.Or(err, refuse(version))
	}
	fmt.Fprintf(progress, "localstack: %v, starting as a process\n", without)
	folder := at.hostFolder()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	s, err := host.Start(ctx, host.Options{Folder: folder, Port: port, Progress: progress})
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "localstack: up on %s, its log is %s\n", s.URL, host.LogFile(folder))
	return nil
}

// down stops LocalStack, whichever way it was started.
func down(ctx context.Context, at place, progress io.Writer) error {
	err := host.Stop(at.hostFolder())
	if docker(ctx) == nil {
		port, portErr := at.emulatorPort()
		err = errors.Join(err, portErr, composed(ctx, port, progress, "down", "--volumes"))
	}
	if err == nil {
		if version, health := host.Health(ctx, at.emulator); health == nil {
			err = fmt.Errorf("LocalStack %s on %s was not started with DATA=%s", version, at.emulator, at.data)
		}
	}
	return err
}

// refuse names the version that the stack is tested on, unless the user chose another image.
func refuse(version string) error {
	if version == host.Version || os.Getenv("LOCALSTACK_IMAGE") != "" {
		return nil
	}
	return fmt.Errorf("LocalStack is version %q, not %s", version, host.Version)
}

// docker reports what of Docker is absent; that the command exists does not tell.
func docker(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if exec.CommandContext(ctx, "docker", "info").Run() != nil {
		return errors.New("no Docker engine answers")
	}
	if exec.CommandContext(ctx, "docker", "compose", "version").Run() != nil {
		return errors.New("a Docker engine answers, but Docker Compose is not installed")
	}
	return nil
}

// composed runs a command of Docker Compose. Each port has a project of its
// own, so one LocalStack never replaces or removes another.
func composed(ctx context.Context, port int, progress io.Writer, args ...string) error {
	number := strconv.Itoa(port)
	cmd := exec.CommandContext(ctx, "docker", append([]string{"compose", "--project-name", "ascend-localstack-" + number, "--file", "-"}, args...)...)
	cmd.Env = append(os.Environ(), "LOCALSTACK_PORT="+number)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(compose), progress, progress
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("docker compose %s: %w", args[0], err)
	}
	return nil
}

func (p place) hostFolder() string { return filepath.Join(p.data, "localstack") }

// emulatorPort returns the port of this machine on which LocalStack is to listen.
func (p place) emulatorPort() (int, error) {
	u, err := url.Parse(p.emulator)
	if err != nil || u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost" {
		return 0, fmt.Errorf("AWS_ENDPOINT_URL=%s is not on this machine", p.emulator)
	}
	return strconv.Atoi(u.Port())
}
