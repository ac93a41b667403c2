package host

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// shared is the LocalStack of this test process.
var shared = sync.OnceValues(func() (*Server, error) {
	folder, err := os.MkdirTemp("", "ascend-localstack-")
	if err != nil {
		return nil, err
	}
	// What must not reach a function.
	os.Setenv("ASCEND_TEST_SECRET", "of the host")
	os.Setenv("AWS_PROFILE", "of-the-host")
	s, err := Start(context.Background(), Options{Folder: folder, Attached: true, Progress: os.Stderr})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	stopShared = func() error { return errors.Join(s.Stop(), os.RemoveAll(folder)) }
	return s, nil
})

// stopShared is called when all tests have run.
var stopShared = func() error { return nil }

func TestMain(m *testing.M) {
	code := m.Run()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// emulator is LocalStack as a process of this machine. Where there can be none
// the test is skipped, but not in CI.
func emulator(t *testing.T) *Server {
	t.Helper()
	if testing.Short() {
		t.Skip("installs and starts LocalStack: about a minute")
	}
	s, err := shared()
	if errors.Is(err, ErrAbsent) && os.Getenv("CI") != "true" {
		line, _, _ := strings.Cut(err.Error(), "\n")
		t.Skip(line)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// probe is the test function as a zip file.
var probe = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "ascend-probe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	name := filepath.Join(folder, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", name, "./testdata/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the probe: %w\n%s", err, out)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return zipped(text)
})

func zipped(bootstrap []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	file, err := w.CreateHeader(&zip.FileHeader{Name: "bootstrap", Method: zip.Deflate})
	if err == nil {
		_, err = file.Write(bootstrap)
	}
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

// function is a deployed function.
type function struct {
	t    *testing.T
	url  string
	name string
}

type object = map[string]any

// deploy makes a function of the probe, with variables.
func deploy(t *testing.T, timeoutSeconds int, variables map[string]string) function {
	t.Helper()
	code, err := probe()
	if err != nil {
		t.Fatal(err)
	}
	return deployZip(t, code, timeoutSeconds, variables)
}

func deployZip(t *testing.T, code []byte, timeoutSeconds int, variables map[string]string) function {
	t.Helper()
	f := function{t, emulator(t).URL, strings.ReplaceAll(t.Name(), "/", "-") + "-" + rand.Text()[:8]} // a test may run more than once
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	in := object{
		"FunctionName": f.name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": "arn:aws:iam::000000000000:role/probe",
		"Code": object{"ZipFile": base64.StdEncoding.EncodeToString(code)}, "Timeout": timeoutSeconds, "MemorySize": 128,
		"Architectures": []string{architecture}, "Environment": object{"Variables": variables},
	}
	if r := f.call("POST", "/2015-03-31/functions", "lambda", in); r.status != 201 {
		t.Fatalf("create %s: %d %s", f.name, r.status, r.body)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		r := f.call("GET", "/2015-03-31/functions/"+f.name, "lambda", nil)
		if strings.Contains(string(r.body), `"State": "Active"`) || strings.Contains(string(r.body), `"State":"Active"`) {
			return f
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not active: %s", f.name, r.body)
		}
	}
}

// answer is what a call of LocalStack or of a function is answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// fault is the kind of a function's error, "" when it answered.
func (a answer) fault() string { return a.header.Get("X-Amz-Function-Error") }

// log is the end of what the invocation wrote.
func (a answer) log(t *testing.T) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(a.header.Get("X-Amz-Log-Result"))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// said decodes a function's answer.
func said[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("answered %d %s: %v", a.status, a.body, err)
	}
	return v
}

// invoke tells the function what to do.
func (f function) invoke(do string, n int) answer {
	f.t.Helper()
	return f.call("POST", "/2015-03-31/functions/"+f.name+"/invocations", "lambda", object{"do": do, "n": n})
}

func (f function) call(method, path, service string, in any, headers ...string) answer {
	f.t.Helper()
	var body []byte
	if in != nil {
		body, _ = json.Marshal(in)
	}
	request, err := http.NewRequest(method, f.url+path, bytes.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Amz-Log-Type", "Tail")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	client := http.Client{Timeout: 60 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		f.t.Error(err)
		return answer{}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		f.t.Error(err)
	}
	return answer{response.StatusCode, response.Header, text}
}
