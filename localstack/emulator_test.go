package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pretend is a LocalStack that says it has a version.
func pretend(t *testing.T, version string) place {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"services": {}, "edition": "community", "version": "`+version+`"}`)
	}))
	t.Cleanup(s.Close)
	return place{data: t.TempDir(), emulator: s.URL}
}

func TestAnotherLocalStackIsRefused(t *testing.T) {
	t.Setenv("LOCALSTACK_IMAGE", "")
	at := pretend(t, "4.15.0")
	if err := up(t.Context(), at, io.Discard); err == nil || !strings.Contains(err.Error(), `"4.15.0", not 4.14.0`) {
		t.Errorf("up: %v", err)
	}
	if err := deploy(t.Context(), at, nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), `"4.15.0", not 4.14.0`) {
		t.Errorf("deploy: %v", err)
	}
	t.Setenv("LOCALSTACK_IMAGE", "localstack/localstack:4.15.0") // the user's own choice
	if err := up(t.Context(), at, io.Discard); err != nil {
		t.Errorf("up: %v", err)
	}
}

func TestALocalStackThatRunsIsLeftAlone(t *testing.T) {
	dockerThatFails(t, "info")
	at := pretend(t, "4.14.0")
	var said strings.Builder
	if err := up(t.Context(), at, &said); err != nil || !strings.Contains(said.String(), "already up") {
		t.Errorf("up: %v, said %q", err, said.String())
	}
	if _, err := os.Stat(at.hostFolder()); err == nil {
		t.Error("up made a folder for nothing")
	}
	if err := down(t.Context(), at, io.Discard); err == nil || !strings.Contains(err.Error(), "was not started with DATA=") {
		t.Errorf("down of another's: %v", err)
	}
}

func TestWithoutLocalStackNothingIsDeployed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := place{data: filepath.Join(t.TempDir(), "data"), emulator: "http://" + l.Addr().String()}
	l.Close()
	if err := deploy(t.Context(), at, nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "run: go run ./localstack up") {
		t.Errorf("deploy: %v", err)
	}
	if err := smoke(t.Context(), at, io.Discard); err == nil || !strings.Contains(err.Error(), "run: make deploy-local") {
		t.Errorf("smoke: %v", err)
	}
	if _, err := os.Stat(at.data); err == nil {
		t.Error("the data folder was made for nothing")
	}
}

func TestTheEmulatorIsOnThisMachine(t *testing.T) {
	for emulator, want := range map[string]int{
		"http://127.0.0.1:4566": 4566, "http://localhost:4577": 4577, "https://dynamodb.us-east-1.amazonaws.com": 0, "": 0, "http://127.0.0.1": 0, "::": 0,
	} {
		if port, err := (place{emulator: emulator}).emulatorPort(); port != want || (err == nil) != (want != 0) {
			t.Errorf("%q has port %d, %v; want %d", emulator, port, err, want)
		}
	}
}

func TestTheAddressOfTheAPIIsFoundAmongTheOutputs(t *testing.T) {
	for _, test := range []struct {
		output, want string
	}{
		{"https://abc123.execute-api.localhost.localstack.cloud:4566/local/", "http://e/_aws/execute-api/abc123/local"},
		{"https://abc123.execute-api.us-east-1.amazonaws.com/prod", "http://e/_aws/execute-api/abc123/prod"},
		{"https://example.com/execute-api./x", ""},
		{"https://abc123.execute-api.example.com/local/more", ""},
	} {
		got, err := apiURL("http://e", map[string]string{"Other": "x", "ApiUrl": test.output})
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s is %q, %v; want %q", test.output, got, err, test.want)
		}
	}
}

func TestSmokeFailsWhereTheAPIDoes(t *testing.T) {
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			io.WriteString(w, `{"status": "healthy"}`)
			return
		}
		http.Error(w, "no", http.StatusInternalServerError)
	}))
	defer answers.Close()
	at := place{data: t.TempDir(), emulator: answers.URL}
	if err := os.WriteFile(filepath.Join(at.data, deployedEnvFile), []byte("export ASCEND_API_URL="+answers.URL+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	err := smoke(t.Context(), at, &said)
	if err == nil || !strings.Contains(err.Error(), "an agent is registered") {
		t.Errorf("smoke: %v", err)
	}
	if text := said.String(); !strings.HasPrefix(text, "ok ") || strings.Count(text, "\n") != 2 || !strings.Contains(text, "FAILED") {
		t.Errorf("smoke said %q", text)
	}
}
