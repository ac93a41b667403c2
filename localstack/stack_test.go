package main

import (
	"os"
	"strings"
	"testing"
)

func TestADeploymentPrintsTheLinesOfTheLocalServer(t *testing.T) {
	s := deployed(t)
	if len(s.lines) != len(exports) {
		t.Fatalf("printed %q", s.lines)
	}
	for i, want := range exports[1:] {
		if !want.MatchString(s.lines[i+1]) {
			t.Errorf("line %d, %q, is not %s", i+1, s.lines[i+1], want)
		}
	}
	if want := "export ASCEND_API_URL=" + s.emulator + "/_aws/execute-api/"; !strings.HasPrefix(s.lines[0], want) {
		t.Errorf("the first line, %q, does not begin with %q", s.lines[0], want)
	}
}

// TestScriptsOnTheDeployedStack plays the scripts of TestScripts, unchanged,
// through API Gateway on the Lambda functions.
func TestScriptsOnTheDeployedStack(t *testing.T) {
	s := deployed(t)
	RunDir(t, "../testdata/scripts", s.scriptEnv())
}

func TestSmokeOnTheDeployedStack(t *testing.T) {
	s := deployed(t)
	var said strings.Builder
	if err := smoke(t.Context(), place{data: s.data, emulator: s.emulator}, &said); err != nil {
		t.Errorf("%v\n%s", err, said.String())
	}
}

// TestADeploymentMayBeRepeated deploys again without a change, and keeps every credential.
func TestADeploymentMayBeRepeated(t *testing.T) {
	s := deployed(t)
	d, err := sharedDeployment()
	if err != nil {
		t.Fatal(err)
	}
	if again := s.command("deploy", "-app", os.Getenv("ASCEND_STACK")); again != strings.TrimSpace(d.lines) {
		t.Errorf("the first time deploy printed\n%s\nand the second\n%s", d.lines, again)
	}
}
