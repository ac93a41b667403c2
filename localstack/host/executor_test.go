package host

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// report is what the probe says.
type report struct {
	Process int      `json:"process"`
	Text    string   `json:"text"`
	List    []string `json:"list"`
}

// fault is what Lambda says of a function that did not answer.
type fault struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func TestOneProcessServesInvocationsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	f := deploy(t, 5, nil)
	first := said[report](t, f.invoke("", 0))
	for range 3 {
		if again := said[report](t, f.invoke("", 0)); again.Process != first.Process || first.Process == 0 {
			t.Errorf("process %d answered, then %d", first.Process, again.Process)
		}
	}
	left, err := time.ParseDuration(said[report](t, f.invoke("deadline", 0)).Text)
	if err != nil || left < 4*time.Second || left > 5*time.Second {
		t.Errorf("an invocation with 5 s had %v left, %v", left, err)
	}
}

func TestAFunctionThatTakesTooLongIsKilled(t *testing.T) {
	t.Parallel()
	f := deploy(t, 1, nil)
	before := said[report](t, f.invoke("", 0))
	began := time.Now()
	late := f.invoke("sleep", 20_000)
	if took := time.Since(began); took < time.Second || took > 4*time.Second {
		t.Errorf("ended after %v", took)
	}
	if e := said[fault](t, late); late.fault() == "" || e.Type != "Sandbox.Timedout" || !strings.HasSuffix(e.Message, "Task timed out after 1.00 seconds") {
		t.Errorf("answered %q %s", late.fault(), late.body)
	}
	if text := late.log(t); !strings.Contains(text, "Task timed out after 1.00 seconds") {
		t.Errorf("logged %q", text)
	}
	if after := said[report](t, f.invoke("", 0)); after.Process == before.Process {
		t.Errorf("process %d outlived its time-out", after.Process)
	}
}

func TestAFunctionThatEndsOrFailsIsAnErrorAndServesAgain(t *testing.T) {
	t.Parallel()
	f := deploy(t, 5, nil)
	for _, test := range []struct {
		do          string
		n           int
		kind, words string
		log         string
		sameProcess bool
	}{
		{"exit", 7, "Runtime.ExitError", "exit status 7", "exits at once", false},
		{"exit", 0, "Runtime.ExitError", "exit status 0", "exits at once", false},
		{"panic", 0, "string", "asked to", "", false},
		{"fail", 0, "wrapError", "failed as asked", "", true},
	} {
		before := said[report](t, f.invoke("", 0))
		a := f.invoke(test.do, test.n)
		e := said[fault](t, a)
		if a.status != 200 || a.fault() == "" || !strings.Contains(e.Message, test.words) || test.kind == "Runtime.ExitError" && e.Type != test.kind {
			t.Errorf("%s %d: answered %d %q %s", test.do, test.n, a.status, a.fault(), a.body)
		}
		if text := a.log(t); !strings.Contains(text, test.log) {
			t.Errorf("%s %d: logged %q", test.do, test.n, text)
		}
		if after := said[report](t, f.invoke("", 0)); (after.Process == before.Process) != test.sameProcess || after.Process == 0 {
			t.Errorf("%s %d: process %d, then %d", test.do, test.n, before.Process, after.Process)
		}
	}
}

func TestAFunctionThatDiesWhileIdleIsStartedAgain(t *testing.T) {
	t.Parallel()
	f := deploy(t, 5, nil)
	idle := 0
	for _, after := range []int{0, 1, 5, 50, 500} { // milliseconds
		dying := f.invoke("die soon", after)
		if dying.fault() != "" {
			continue // it died before its answer
		}
		idle++
		process := said[report](t, dying).Process
		if !inTime(func() bool { return !lives(process) }) {
			t.Fatalf("process %d was to die after %d ms and lives", process, after)
		}
		a := f.invoke("", 0)
		if next := said[report](t, a); a.fault() != "" || next.Process == process || next.Process == 0 {
			t.Errorf("death after %d ms: answered %q %s", after, a.fault(), a.body)
		}
	}
	if idle == 0 {
		t.Error("none died while idle")
	}
}

func TestAFunctionThatDoesNotStartIsAnError(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, init, kind string
	}{
		{"exit", "exit", "Runtime.ExitError"},
		{"hang", "hang", "Sandbox.Timedout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := deploy(t, 3, map[string]string{"INIT": test.init})
			a := f.invoke("", 0)
			if e := said[fault](t, a); a.fault() == "" || e.Type != test.kind {
				t.Errorf("answered %d %q %s", a.status, a.fault(), a.body)
			}
		})
	}
	t.Run("not a program", func(t *testing.T) {
		t.Parallel()
		code, err := zipped([]byte("this is no program"))
		if err != nil {
			t.Fatal(err)
		}
		f := deployZip(t, code, 3, nil)
		a := f.invoke("", 0)
		if e := said[fault](t, a); a.fault() == "" || e.Type != "Runtime.InvalidEntrypoint" {
			t.Errorf("answered %d %q %s", a.status, a.fault(), a.body)
		}
	})
}

func TestTwentyInvocationsRunAtOnce(t *testing.T) {
	t.Parallel()
	f := deploy(t, 20, nil)
	const parallel, each = 20, 4 * time.Second // long enough that none ends before the last has begun
	processes := make([]int, parallel)
	began := time.Now()
	var all sync.WaitGroup
	for i := range parallel {
		all.Go(func() {
			a := f.invoke("sleep", int(each.Milliseconds()))
			if a.fault() != "" {
				t.Errorf("answered %s", a.body)
				return
			}
			processes[i] = said[report](t, a).Process
		})
	}
	all.Wait()
	took := time.Since(began)
	slices.Sort(processes)
	if n := len(slices.Compact(processes)); n != parallel {
		t.Errorf("%d processes served %d invocations", n, parallel)
	}
	if took > parallel*each/2 {
		t.Errorf("%d invocations of %v took %v", parallel, each, took)
	}
}

func TestWhatAFunctionWritesIsInItsLog(t *testing.T) {
	t.Parallel()
	f := deploy(t, 5, nil)
	if text := f.invoke("print", 3).log(t); !inOrder(text, "START RequestId", "line 0", "line 1", "line 2", "line to stderr", "END RequestId", "REPORT RequestId") {
		t.Errorf("the tail of the log is %q", text)
	}
	var text string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		a := f.call("POST", "/", "logs", object{"logGroupName": "/aws/lambda/" + f.name}, "X-Amz-Target: Logs_20140328.FilterLogEvents", "Content-Type: application/x-amz-json-1.1")
		if text = string(a.body); strings.Contains(text, "REPORT RequestId") {
			break
		}
	}
	for _, want := range []string{"line 0", "line 2", "line to stderr", "START RequestId", "REPORT RequestId"} {
		if !strings.Contains(text, want) {
			t.Errorf("CloudWatch Logs lacks %q: %s", want, text)
		}
	}
}

func inOrder(text string, words ...string) bool {
	for _, word := range words {
		_, rest, ok := strings.Cut(text, word)
		if !ok {
			return false
		}
		text = rest
	}
	return true
}

func TestAFunctionSeesItsOwnVariablesAndNoneOfTheHost(t *testing.T) {
	t.Parallel()
	f := deploy(t, 5, map[string]string{"GREETING": "hello"})
	variables := map[string]string{}
	for _, variable := range said[report](t, f.invoke("environment", 0)).List {
		name, value, _ := strings.Cut(variable, "=")
		variables[name] = value
	}
	for name, want := range map[string]string{
		"GREETING": "hello", "AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": f.name, "AWS_ENDPOINT_URL": f.url,
	} {
		if variables[name] != want {
			t.Errorf("%s is %q, want %q", name, variables[name], want)
		}
	}
	for _, name := range []string{"ASCEND_TEST_SECRET", "AWS_PROFILE", "HOME", "PYTHONPATH", "FILESYSTEM_ROOT", "AWS_CA_BUNDLE"} {
		if value, ok := variables[name]; ok {
			t.Errorf("the function sees %s=%s", name, value)
		}
	}
	if !strings.HasPrefix(said[report](t, f.invoke("write", 0)).Text, variables["TMPDIR"]) {
		t.Error("the function has no folder of its own for temporary files")
	}
}

func TestAnswersEndAtSixMegabytes(t *testing.T) {
	t.Parallel()
	f := deploy(t, 20, nil)
	if a := f.invoke("answer", 6<<20-1000); a.fault() != "" || len(said[report](t, a).Text) != 6<<20-1000 {
		t.Errorf("an answer just below the limit: %q %.200s", a.fault(), a.body)
	}
	a := f.invoke("answer", 6<<20+1000)
	if e := said[fault](t, a); a.fault() == "" || e.Type != "Function.ResponseSizeTooLarge" {
		t.Errorf("an answer above the limit: %q %.200s", a.fault(), a.body)
	}
	if a := f.invoke("", 0); a.fault() != "" {
		t.Errorf("after it: %s", a.body)
	}
}
