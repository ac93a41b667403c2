package cvss_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"ascend/shared/domain/cvss"
)

// The reference below is written from the specification (FIRST CVSS v3.1,
// section 7.1 base metrics equations, section 7.4 metric values, appendix A
// roundup) and shares nothing with the library.
var (
	attackVector       = []weight{{"N", 0.85}, {"A", 0.62}, {"L", 0.55}, {"P", 0.2}}
	attackComplexity   = []weight{{"L", 0.77}, {"H", 0.44}}
	userInteraction    = []weight{{"N", 0.85}, {"R", 0.62}}
	impactValues       = []weight{{"H", 0.56}, {"L", 0.22}, {"N", 0}}
	privilegesRequired = map[string][]weight{
		"U": {{"N", 0.85}, {"L", 0.62}, {"H", 0.27}},
		"C": {{"N", 0.85}, {"L", 0.68}, {"H", 0.5}},
	}
)

type weight struct {
	letter string
	value  float64
}

func reference(scope string, av, ac, pr, ui, c, i, a float64) float64 {
	iss := 1 - (1-c)*(1-i)*(1-a)
	impact := 6.42 * iss
	if scope == "C" {
		impact = 7.52*(iss-0.029) - 3.25*math.Pow(iss-0.02, 15)
	}
	if impact <= 0 {
		return 0
	}
	sum := impact + 8.22*av*ac*pr*ui
	if scope == "C" {
		sum *= 1.08
	}
	return roundup(min(sum, 10))
}

// roundup is appendix A: the smallest number with one decimal that is not
// smaller, computed on integers to be the same on every machine.
func roundup(x float64) float64 {
	n := int(math.Round(x * 100000))
	if n%10000 == 0 {
		return float64(n) / 100000
	}
	return float64(n/10000+1) / 10
}

func band(score float64) string {
	tenths := int(math.Round(score * 10))
	switch {
	case tenths == 0:
		return "none"
	case tenths <= 39:
		return "low"
	case tenths <= 69:
		return "medium"
	case tenths <= 89:
		return "high"
	}
	return "critical"
}

func TestEveryBaseVectorScoresAsTheSpecificationSays(t *testing.T) {
	count := 0
	seen := map[string]int{}
	for _, av := range attackVector {
		for _, ac := range attackComplexity {
			for _, ui := range userInteraction {
				for scope, privileges := range privilegesRequired {
					for _, pr := range privileges {
						for _, c := range impactValues {
							for _, i := range impactValues {
								for _, a := range impactValues {
									vector := fmt.Sprintf("CVSS:3.1/AV:%s/AC:%s/PR:%s/UI:%s/S:%s/C:%s/I:%s/A:%s",
										av.letter, ac.letter, pr.letter, ui.letter, scope, c.letter, i.letter, a.letter)
									want := reference(scope, av.value, ac.value, pr.value, ui.value, c.value, i.value, a.value)
									got, err := cvss.Score(vector)
									if err != nil {
										t.Fatalf("%s: %v", vector, err)
									}
									if got.Score != want || got.Severity != band(want) || got.Vector != vector {
										t.Errorf("%s: got %+v, want %.1f %s", vector, got, want, band(want))
									}
									count++
									seen[got.Severity]++
								}
							}
						}
					}
				}
			}
		}
	}
	if count != 2592 {
		t.Errorf("scored %d vectors, there are 2592", count)
	}
	if len(seen) != 5 {
		t.Errorf("severities seen: %v, want all five", seen)
	}
}

func TestPublishedScores(t *testing.T) {
	// Printed in facts.md §6.3, computed there from the formula, and decision 18.
	for vector, want := range map[string]float64{
		"CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:U/C:L/I:N/A:N": 3.5,
		"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N": 4.3,
		"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:H/A:H": 8.1,
		"CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:C/C:H/I:H/A:L": 9.0,
		"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H": 9.9,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": 9.8,
	} {
		if got, err := cvss.Score(vector); err != nil || got.Score != want {
			t.Errorf("%s: got %v, %v, want %.1f", vector, got.Score, err, want)
		}
	}
}

func TestSeverityOfScoresAtTheBandEdges(t *testing.T) {
	for score, want := range map[float64]string{
		-1: "none", 0: "none", 0.1: "low", 3.9: "low", 4: "medium", 6.9: "medium", 7: "high", 8.9: "high", 9: "critical", 10: "critical", 11: "critical",
	} {
		if got := cvss.Severity(score); got != want {
			t.Errorf("Severity(%v) = %s, want %s", score, got, want)
		}
	}
	if got := cvss.Severity(math.NaN()); got != "critical" {
		t.Errorf("Severity(NaN) = %s, want critical", got)
	}
}

func TestMetricsInAnotherOrderScoreTheSame(t *testing.T) {
	got, err := cvss.Score("CVSS:3.1/A:N/I:N/C:L/S:U/UI:R/PR:L/AC:L/AV:N")
	if err != nil || got.Score != 3.5 || got.Vector != "CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:U/C:L/I:N/A:N" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWhatIsNoBaseVectorIsRefused(t *testing.T) {
	const good = "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N"
	for name, vector := range map[string]string{
		"empty":                  "",
		"no header":              strings.TrimPrefix(good, "CVSS:3.1/"),
		"version 3.0":            strings.Replace(good, "3.1", "3.0", 1),
		"lower case":             strings.ToLower(good),
		"missing metric":         strings.TrimSuffix(good, "/A:N"),
		"repeated metric":        strings.Replace(good, "/A:N", "/I:N", 1),
		"unknown value":          strings.Replace(good, "S:U", "S:X", 1),
		"unknown metric":         strings.Replace(good, "S:U", "Q:U", 1),
		"temporal metric":        good + "/E:P",
		"temporal, not defined":  good + "/E:X",
		"environmental metric":   good + "/MAV:N",
		"trailing slash":         good + "/",
		"base traded for others": strings.Replace(good, "/C:L", "/E:P", 1),
		"not UTF-8":              strings.Repeat("\xff", len(good)),
		"very long":              strings.Repeat("A", 1<<20),
	} {
		if got, err := cvss.Score(vector); !errors.Is(err, cvss.ErrVector) || got != (cvss.Result{}) {
			t.Errorf("%s: got %+v, %v, want ErrVector", name, got, err)
		}
	}
}

func FuzzScore(f *testing.F) {
	f.Add("CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:U/C:L/I:N/A:N")
	f.Add("CVSS:3.1/")
	f.Fuzz(func(t *testing.T, vector string) {
		got, err := cvss.Score(vector)
		if err != nil {
			if !errors.Is(err, cvss.ErrVector) {
				t.Fatalf("%v does not match ErrVector", err)
			}
			return
		}
		if again, err := cvss.Score(got.Vector); err != nil || again != got {
			t.Fatalf("the canonical vector scores %+v, %v, not %+v", again, err, got)
		}
	})
}

func ExampleScore() {
	result, err := cvss.Score("CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:U/C:L/I:N/A:N")
	fmt.Println(result.Score, result.Severity, err)
	// Output: 3.5 low <nil>
}

func BenchmarkScore(b *testing.B) {
	for b.Loop() {
		_, _ = cvss.Score("CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:U/C:L/I:N/A:N")
	}
}
