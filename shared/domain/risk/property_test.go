package risk_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ascend/shared/domain/catalog"
	"ascend/shared/domain/risk"
)

// check holds for every result.
func check(t interface {
	Helper()
	Fatalf(string, ...any)
}, got risk.Result) {
	t.Helper()
	sum, weights := 0, 0
	for _, f := range got.Factors {
		hundredths := int(math.Round(f.Contribution * 100))
		sum += hundredths
		weights += int(math.Round(f.Weight * 100))
		if f.Value < 0 || f.Value > 100 {
			t.Fatalf("%s is %v", f.Name, f.Value)
		}
		if float64(hundredths)/100 != f.Contribution || math.Abs(f.Value*f.Weight-f.Contribution) > 1e-9 {
			t.Fatalf("%s: %v·%v is not %v in two decimals", f.Name, f.Value, f.Weight, f.Contribution)
		}
	}
	if weights != 100 || float64(sum)/100 != got.BeforeFloors {
		t.Fatalf("contributions sum to %d hundredths, weights to %d; the score before floors is %v", sum, weights, got.BeforeFloors)
	}
	want := got.BeforeFloors
	for _, f := range got.Floors {
		want = max(want, f.Minimum)
	}
	if got.Score != want || got.Score < 0 || got.Score > 100 || got.Level != risk.Level(got.Score) {
		t.Fatalf("score %v %s, want %v", got.Score, got.Level, want)
	}
}

var (
	resources = []string{"", "ledger", "contract", "customers", "token", "ebs", "vpc", "dynamodb", "database", "a@example.org"}
	words     = rapid.SampledFrom([]string{"", "public", "internal", "confidential", "financial", "secret", "pii", "phi", "pci", "top_secret", "plutonium"})
	texts     = rapid.OneOf(rapid.SampledFrom(resources), rapid.String())
)

func draw(t *rapid.T) risk.Input {
	all := catalog.All()
	types := rapid.OneOf(rapid.Custom(func(t *rapid.T) string { return all[rapid.IntRange(0, len(all)-1).Draw(t, "n")].Type }), rapid.String())
	return risk.Input{
		ActionType: types.Draw(t, "action type"), Resource: texts.Draw(t, "resource"), ResourceType: texts.Draw(t, "resource type"),
		ResourceID: texts.Draw(t, "resource id"), TargetSystem: texts.Draw(t, "target system"),
		Environment:        rapid.SampledFrom([]string{"sandbox", "test", "development", "", "staging", "production", "qa"}).Draw(t, "environment"),
		DataClassification: words.Draw(t, "class"),
		DataSensitivity:    rapid.SampledFrom([]string{"", "none", "low", "medium", "high", "?"}).Draw(t, "sensitivity"),
		TimeContext:        rapid.SampledFrom([]string{"", "maintenance", "peak_hours", "after_hours", "holiday"}).Draw(t, "time"),
		PII:                rapid.Bool().Draw(t, "pii"), Financial: rapid.Bool().Draw(t, "financial"), ExternalTransfer: rapid.Bool().Draw(t, "external"),
		ComplianceFlags: rapid.IntRange(0, 3).Draw(t, "flags"), Amount: rapid.Float64().Draw(t, "amount"),
		AmountThreshold: rapid.Float64Min(0).Draw(t, "threshold"), RecordCount: rapid.Float64Min(0).Draw(t, "records"),
		CVSSScore: rapid.Float64Range(0, 10).Draw(t, "cvss"),
	}
}

func TestEveryResultAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { check(t, risk.Evaluate(draw(t))) })
}

// One thing is made graver; everything else stays.
func TestMakingAnInputGraverNeverLowersTheScore(t *testing.T) {
	ladders := map[string]func(*risk.Input, int){
		"environment": func(in *risk.Input, step int) {
			in.Environment = []string{"sandbox", "test", "development", "", "staging", "production", "qa"}[step]
		},
		"resource": func(in *risk.Input, step int) {
			in.Resource = []string{"", "ledger", "contract", "ebs", "customers", "vpc", "token"}[step]
		},
		"text in the resource id": func(in *risk.Input, step int) { in.ResourceID = strings.Join(resources[:step+1], " ") },
		"target system":           func(in *risk.Input, step int) { in.TargetSystem = strings.Join(resources[:step+1], "/") },
		"class": func(in *risk.Input, step int) {
			in.DataClassification = []string{"", "public", "internal", "financial", "pii", "phi", "pci"}[step]
		},
		"sensitivity": func(in *risk.Input, step int) {
			in.DataSensitivity = []string{"", "none", "low", "medium", "high", "?", "?"}[step]
		},
		"time": func(in *risk.Input, step int) {
			in.TimeContext = []string{"", "maintenance", "peak_hours", "?", "weekend", "holiday", "holiday"}[step]
		},
		"personal data":     func(in *risk.Input, step int) { in.PII = step > 0 },
		"financial data":    func(in *risk.Input, step int) { in.Financial = step > 0 },
		"external transfer": func(in *risk.Input, step int) { in.ExternalTransfer = step > 0 },
		"compliance flags":  func(in *risk.Input, step int) { in.ComplianceFlags = step },
		"amount": func(in *risk.Input, step int) {
			in.Amount = []float64{0, 1, 1000, -2000, 10000, 1e6, math.MaxFloat64}[step]
		},
		"threshold": func(in *risk.Input, step int) { in.AmountThreshold = []float64{0, 1e9, 1e6, 1e4, 100, 1, 0.1}[step] },
		"records":   func(in *risk.Input, step int) { in.RecordCount = []float64{0, 1, 10, 99, 100, 1000, 1e12}[step] },
		"cvss":      func(in *risk.Input, step int) { in.CVSSScore = []float64{0, 3.5, 6.9, 8.9, 9, 9.8, 10}[step] },
		"action type": func(in *risk.Input, step int) {
			in.ActionType = []string{"data_access", "email_send", "database_read", "unknown", "database_write", "file_delete", "pii_delete"}[step]
		},
	}
	names := make([]string, 0, len(ladders))
	for name := range ladders {
		names = append(names, name)
	}
	slices.Sort(names)
	rapid.Check(t, func(t *rapid.T) {
		in := draw(t)
		name := rapid.SampledFrom(names).Draw(t, "what")
		low := rapid.IntRange(0, 5).Draw(t, "from")
		high := rapid.IntRange(low+1, 6).Draw(t, "to")
		ladders[name](&in, low)
		before := risk.Evaluate(in)
		ladders[name](&in, high)
		after := risk.Evaluate(in)
		for i := range before.Factors {
			if after.Factors[i].Value < before.Factors[i].Value {
				t.Fatalf("%s from %d to %d lowers %s from %v to %v", name, low, high, before.Factors[i].Name, before.Factors[i].Value, after.Factors[i].Value)
			}
		}
		if after.Score < before.Score {
			t.Fatalf("%s from %d to %d lowers the score from %v to %v", name, low, high, before.Score, after.Score)
		}
	})
}
