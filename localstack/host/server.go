package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	startTimeout = 2 * time.Minute
	stopTimeout  = 10 * time.Second // between SIGTERM and SIGKILL
)

// Options say where LocalStack runs. Everything that it holds is lost when it stops.
type Options struct {
	Folder   string    // of its files, its log and its process id; made if need be
	Port     int       // on 127.0.0.1; 0 chooses a free one
	Attached bool      // it ends with this process at the latest
	Progress io.Writer // told of what takes time
}

// Server is a LocalStack that runs.
type Server struct {
	URL    string // without a slash at its end
	Folder string
	pid    int
	input  io.Closer // what an attached one reads until its end
	ended  chan error
}

// What is in a server's folder.
const (
	logFile = "localstack.log"
	pidFile = "localstack.pid"
	tmpDir  = "tmp" // of LocalStack, DynamoDB Local and the functions, with the functions' code
)

// LogFile returns the file where the LocalStack of a folder writes what it does.
func LogFile(folder string) string { return filepath.Join(folder, logFile) }

// Start installs LocalStack if need be, starts it and waits until it answers.
// An error wraps ErrAbsent when this machine lacks something.
func Start(ctx context.Context, o Options) (*Server, error) {
	folder, err := filepath.Abs(o.Folder)
	if err != nil {
		return nil, err
	}
	if pid, port, ok := running(folder); ok {
		return nil, fmt.Errorf("LocalStack of %s already runs on port %d with process id %d", folder, port, pid)
	}
	port, err := freePort(o.Port)
	if err != nil {
		return nil, err
	}
	in, err := install(ctx, o.Progress)
	if err != nil {
		return nil, err
	}
	if err := in.lay(folder); err != nil {
		return nil, fmt.Errorf("lay out %s: %w", folder, err)
	}
	s := &Server{URL: "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Folder: folder, ended: make(chan error, 1)}
	if err := s.launch(in, port, o.Attached); err != nil {
		return nil, fmt.Errorf("start LocalStack: %w", err)
	}
	if err := s.await(ctx, o.Progress); err != nil {
		return nil, errors.Join(err, Stop(folder))
	}
	return s, nil
}

// freePort returns the port that was asked for, if nobody listens on it, or any. It
// does not ask LocalStack, because one that hangs still answers health checks.
func freePort(port int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return 0, fmt.Errorf("port %d is in use by another process; stop it first", port)
	}
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// lay makes the file system that LocalStack sees, with what it would download
// linked from the installation, and the plugin.
func (i installation) lay(folder string) error {
	for _, old := range []string{"fs", "python", tmpDir} {
		if err := os.RemoveAll(filepath.Join(folder, old)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(folder, tmpDir), 0o700); err != nil {
		return err
	}
	library := filepath.Join(folder, "fs", "var", "lib", "localstack", "lib")
	for link, to := range map[string]string{
		"dynamodb-local/2": i.dynamodb(),
		"jsonata/0.9.7":    i.jsonata(),
		"java/21":          i.javaHome, // the version LocalStack asks for; DynamoDB Local 2 and JSONata run on 17
	} {
		link = filepath.Join(library, filepath.FromSlash(link))
		if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
			return err
		}
		if err := os.Symlink(to, link); err != nil {
			return err
		}
	}
	plugin, err := fs.Sub(files, "python")
	if err != nil {
		return err
	}
	return os.CopyFS(filepath.Join(folder, "python"), plugin)
}

// launch starts the process, which leads a group of its own.
func (s *Server) launch(in installation, port int, attached bool) error {
	log, err := os.OpenFile(LogFile(s.Folder), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(in.interpreter(), "-m", "process_executor", s.Folder)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Folder, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if attached {
		cmd.Args = append(cmd.Args, "--until-input-ends")
		if s.input, err = cmd.StdinPipe(); err != nil {
			return err
		}
	}
	temporary := filepath.Join(s.Folder, tmpDir)
	cmd.Env = append(Cleaned(os.Environ()),
		"TMPDIR="+temporary,
		`JAVA_TOOL_OPTIONS="-Djava.io.tmpdir=`+temporary+`" -XX:-UsePerfData`, // Java asks no TMPDIR, and has figures of itself in /tmp
		"PYTHONPATH="+filepath.Join(s.Folder, "python"),
		"FILESYSTEM_ROOT="+filepath.Join(s.Folder, "fs"),
		"OVERRIDE_IN_DOCKER=0", // also where this machine is itself a container
		"GATEWAY_LISTEN=127.0.0.1:"+strconv.Itoa(port),
		"LOCALSTACK_HOST=localhost.localstack.cloud:"+strconv.Itoa(port), // the name that it has by default
		"GATEWAY_SERVER=hypercorn",                                       // the default one listens on all interfaces
		"DNS_ADDRESS=0",
		"DISABLE_EVENTS=1", // tells nobody
		"SKIP_SSL_CERT_DOWNLOAD=1",
		"PROVIDER_OVERRIDE_DYNAMODB=v2",
		"DYNAMODB_IN_MEMORY=1",
		"LAMBDA_RUNTIME_EXECUTOR=process",
		"LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC=0.05",
	)
	if err := cmd.Start(); err != nil {
		return err
	}
	s.pid = cmd.Process.Pid
	go func() { s.ended <- cmd.Wait() }()
	return os.WriteFile(filepath.Join(s.Folder, pidFile), fmt.Appendf(nil, "%d %d\n", s.pid, port), 0o600)
}

// await waits until LocalStack answers, and refuses another version.
func (s *Server) await(ctx context.Context, progress io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	began := time.Now()
	for told := began; ; {
		version, err := Health(ctx, s.URL)
		switch {
		case err == nil && version != Version:
			return fmt.Errorf("%s is LocalStack %q, not %s", s.URL, version, Version)
		case err == nil:
			fmt.Fprintf(progress, "localstack: answers on %s after %.1f s\n", s.URL, time.Since(began).Seconds())
			return nil
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			fmt.Fprintf(progress, "localstack: starting since %.0f s\n", time.Since(began).Seconds())
		}
		select {
		case err := <-s.ended:
			s.ended <- err
			return fmt.Errorf("LocalStack ended at its start: %w\n%s", err, s.tail())
		case <-ctx.Done():
			return fmt.Errorf("LocalStack does not answer: %w\n%s", ctx.Err(), s.tail())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (s *Server) tail() string {
	log, err := os.ReadFile(LogFile(s.Folder))
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-2000):])
}

// Health asks the LocalStack at a URL which version it is.
func Health(ctx context.Context, url string) (version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/_localstack/health", nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var health struct {
		Version string `json:"version"`
	}
	if err := json.UnmarshalRead(io.LimitReader(answer.Body, 1<<16), &health); err != nil {
		return "", fmt.Errorf("ask %s for its health: %w", url, err)
	}
	return health.Version, nil
}

// Stop ends the server and sees that it is gone.
func (s *Server) Stop() error {
	err := Stop(s.Folder)
	if s.input != nil {
		s.input.Close() // which its end may have closed already
	}
	return err
}

// Stop ends the LocalStack of a folder, whoever started it, with all its
// processes, and sees that they are gone. None that runs is no error.
func Stop(folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	pid, port, ok := running(folder)
	if !ok {
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop LocalStack, process %d: %w", pid, err)
	}
	inTime(func() bool { return !alive(folder) })
	// Its functions are in its group; DynamoDB Local is not, and ends when its parent does.
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop LocalStack, process group %d: %w", pid, err)
	}
	if !inTime(func() bool { return !alive(folder) }) {
		return fmt.Errorf("LocalStack, process %d, does not end", pid)
	}
	// A process that ends leaves the list of processes before its ports are free.
	if !inTime(func() bool { _, err := freePort(port); return err == nil }) {
		return fmt.Errorf("LocalStack, process %d, has ended, but port %d is in use", pid, port)
	}
	return errors.Join(os.RemoveAll(filepath.Join(folder, tmpDir)), os.Remove(filepath.Join(folder, pidFile)))
}

// inTime reports whether something becomes true within stopTimeout.
func inTime(done func() bool) bool {
	for deadline := time.Now().Add(stopTimeout); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func alive(folder string) bool {
	_, _, ok := running(folder)
	return ok
}

// running finds the process of a folder. A process id may have become another
// process's, so its command line must name the folder.
func running(folder string) (pid, port int, ok bool) {
	text, err := os.ReadFile(filepath.Join(folder, pidFile))
	if err != nil {
		return 0, 0, false
	}
	if n, err := fmt.Sscan(string(text), &pid, &port); n != 2 || err != nil || pid <= 1 {
		return 0, 0, false
	}
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline")) // empty when it has ended and nobody asked how
	if err != nil {
		return 0, 0, false
	}
	args := strings.Split(string(line), "\x00")
	i := slices.Index(args, "process_executor") + 1
	return pid, port, i > 0 && i < len(args) && args[i] == folder
}
