package cost

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table into the decision record")

const (
	record = "../decisions/0024-what-a-decision-costs.md"
	from   = "<!-- table: go test ./infra/cost -update -->\n"
	to     = "<!-- end of table -->"
)

// table is the bill of every way in every deployment.
func table() string {
	var b strings.Builder
	for _, d := range Deployments() {
		fmt.Fprintf(&b, "**%s**\n\n|", d.Name)
		for _, i := range PerMillion(USEast1, d, Poll()) {
			fmt.Fprintf(&b, " | %s", i.Name)
		}
		b.WriteString(" | total |\n|" + strings.Repeat("---|", 10) + "\n")
		for _, u := range Usages() {
			items := PerMillion(USEast1, d, u)
			fmt.Fprintf(&b, "| %s", u.Name)
			for _, i := range items {
				fmt.Fprintf(&b, " | %.2f", i.USD)
			}
			fmt.Fprintf(&b, " | **$%.2f** |\n", Total(items))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestTheRecordHoldsTheTable(t *testing.T) {
	text, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), from)
	_, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("%s lacks the marks %q and %q", record, from, to)
	}
	want := head + from + table() + to + tail
	if *update {
		if err := os.WriteFile(record, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != want {
		t.Errorf("the table of %s is not that of the model; run go test ./infra/cost -update", record)
	}
}

func Example() {
	prod := Deployments()[2]
	fmt.Printf("a million decisions at once in prod: $%.2f\n", Total(PerMillion(USEast1, prod, Usages()[0])))
	// Output: a million decisions at once in prod: $10.13
}
