package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestTheREADMEsCommandsWork pastes the README's tour into a shell, after the
// lines that the server printed.
func TestTheREADMEsCommandsWork(t *testing.T) {
	needCurl(t)
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```sh\n# register an agent")
	tour, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("README.md has no tour that begins by registering an agent")
	}
	s := launch(t, t.TempDir())
	tour = "set -e\n. " + s.data + "/" + envFile + "\n#" + strings.ReplaceAll(tour, "/tmp/pending.json", t.TempDir()+"/pending.json")
	for _, want := range [][]string{
		{`"created":true`, `"status":"active"`, `"risk_score":35,`, `"status":"pending_approval"`, `INSUFFICIENT_PERMISSIONS`, `"approved_by":2`, `"decision_ready":true`},
		{`"created":false`, `"risk_score":35,`, `"decision_ready":true`},
	} {
		out, err := exec.Command("sh", "-c", tour).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		said := string(out)
		for _, part := range want {
			before, after, ok := strings.Cut(said, part)
			if !ok {
				t.Fatalf("the answers lack %s after %.200s…\n%s", part, before, out)
			}
			said = after
		}
	}
}
