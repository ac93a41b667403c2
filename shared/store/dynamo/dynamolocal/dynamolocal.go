// Package dynamolocal starts Amazon's DynamoDB Local for tests: the Java
// program that Amazon publishes as the reference of DynamoDB's data semantics.
//
// It needs Java 17 and, the first time, Maven, which fetches the pinned version
// of pom.xml from Maven Central into the user's cache folder. Where they are
// absent the test is skipped, but fails where CI is "true". The program has no
// option to listen on the loopback interface only: it holds test data, in
// memory, and ends with the test process.
package dynamolocal

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

//go:embed pom.xml
var pom []byte

// The version in pom.xml names the cache folder.
const version = "2.6.1"

const (
	fetchTimeout = 5 * time.Minute
	startTimeout = 60 * time.Second
)

// errAbsent says that Java or Maven is not installed.
var errAbsent = errors.New("not installed")

// server is the one of this process.
var server = sync.OnceValues(start)

// running is a started program. It ends when its lifeline closes, with this
// process at the latest.
type running struct {
	endpoint string
	lifeline io.Closer
}

// Client returns a client of this process's DynamoDB Local, which the first
// call starts. Tests share it, so each names its tables with its own prefix.
func Client(t testing.TB) *dynamodb.Client {
	t.Helper()
	if testing.Short() {
		t.Skip("starts DynamoDB Local: 10 s and more")
	}
	local, err := server()
	if errors.Is(err, errAbsent) && os.Getenv("CI") != "true" {
		t.Skipf("needs DynamoDB Local: %v", err)
	}
	if err != nil {
		t.Fatalf("DynamoDB Local: %v", err)
	}
	return client(local.endpoint)
}

func client(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
}

func start() (*running, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("java %w", errAbsent)
	}
	libs, err := install()
	if err != nil {
		return nil, err
	}
	return launch(java, libs)
}

// install makes the folder of jars if need be and returns its path. Processes
// that install at the same time do not disturb each other.
func install() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	parent := filepath.Join(cache, "ascend")
	libs := filepath.Join(parent, "dynamodb-local-"+version)
	if _, err := os.Stat(libs); err == nil {
		return libs, nil
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("maven %w", errAbsent)
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(parent, "fetching-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom, 0o644); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	fetched := filepath.Join(work, "libs")
	fetch := func() ([]byte, error) {
		return exec.CommandContext(ctx, mvn, "-B", "-q", "-f", work, "dependency:copy-dependencies", "-DoutputDirectory="+fetched).CombinedOutput()
	}
	out, err := fetch()
	if err != nil { // now and then a registry does not answer
		time.Sleep(5 * time.Second)
		out, err = fetch()
	}
	if err != nil {
		return "", fmt.Errorf("fetch with maven: %w\n%s", err, tail(out))
	}
	if err := os.Rename(fetched, libs); err != nil {
		if _, there := os.Stat(libs); there != nil {
			return "", err
		}
	}
	return libs, nil
}

// launch starts the program and waits until it answers. What it writes is in a
// folder of its own, which goes with it.
func launch(java, libs string) (*running, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "ascend-dynamodb-")
	if err != nil {
		return nil, err
	}
	// The shell's input is a pipe that nobody writes to and that closes when
	// this process ends, however it ends; then the shell, deaf to what ends its
	// group, ends the program. By then nobody may read what it says.
	cmd := exec.Command("sh", "-c", `trap '' INT TERM HUP; tmp=$1; shift; "$@" & pid=$!; read -r _; exec >/dev/null 2>&1; kill -9 $pid; wait $pid; rm -rf -- "$tmp"`, "sh", tmp,
		java, "-Xmx1g", "-XX:-UsePerfData", "-Djava.io.tmpdir="+tmp, "-Djava.library.path="+libs, "-cp", filepath.Join(libs, "*"),
		"com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
		"-inMemory", "-sharedDb", "-disableTelemetry", "-port", strconv.Itoa(port))
	var log output
	cmd.Stdout, cmd.Stderr = &log, &log
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(tmp))
	}
	endpoint := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := await(client(endpoint)); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, log.tail()), lifeline.Close(), cmd.Wait())
	}
	return &running{endpoint, lifeline}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func await(c *dynamodb.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		_, err := c.ListTables(ctx, &dynamodb.ListTablesInput{}, func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer within %v: %w", startTimeout, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// output keeps what the program says, for the case that it does not start.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf.Len() < 1<<16 {
		o.buf.Write(p)
	}
	return len(p), nil
}

func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return tail(o.buf.Bytes())
}

func tail(b []byte) string { return string(b[max(0, len(b)-2000):]) }
