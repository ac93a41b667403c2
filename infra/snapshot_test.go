package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/<environment>.txt anew")

// TestStacksAreAsReviewed holds against testdata what a reviewer has to see
// change: how many resources of each type there are, and every policy.
func TestStacksAreAsReviewed(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		name := filepath.Join("testdata", stack.env.Name+".txt")
		got := snapshot(stack)
		if *update {
			if err := os.WriteFile(name, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the stack is now: look at the difference after go test ./infra -update", name)
		}
	})
}

func snapshot(stack *template) []byte {
	var b bytes.Buffer
	counts := map[string]int{}
	for _, r := range stack.Resources {
		counts[r.Type]++
	}
	for _, kind := range sortedKeys(counts) {
		fmt.Fprintf(&b, "%4d %s\n", counts[kind], kind)
	}
	for _, id := range sortedKeys(stack.Resources) {
		r := stack.Resources[id]
		list := statements(r.Properties)
		if r.Type == "AWS::Lambda::Permission" {
			fmt.Fprintf(&b, "\n%s\n  %s may %s %s for %s\n", id, text(r.Properties["Principal"]), text(r.Properties["Action"]), text(r.Properties["FunctionName"]), text(r.Properties["SourceArn"]))
		}
		if len(list) > 0 {
			fmt.Fprintf(&b, "\n%s\n", id)
		}
		for _, s := range list {
			who := ""
			if s["Principal"] != nil {
				who = text(at(s["Principal"], "Service")) + " may "
				if s["Effect"] == "Deny" {
					who = "nobody may "
				}
			}
			fmt.Fprintf(&b, "  %s%s", who, strings.Join(texts(s["Action"]), " "))
			if s["Condition"] != nil {
				fmt.Fprintf(&b, " if %s", text(s["Condition"]))
			}
			b.WriteByte('\n')
			for _, resource := range texts(s["Resource"]) {
				fmt.Fprintf(&b, "    %s\n", strings.NewReplacer("${AWS::Partition}", "aws", "${AWS::AccountId}", "123456789012").Replace(resource))
			}
		}
	}
	return b.Bytes()
}
