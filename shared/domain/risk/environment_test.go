package risk_test

import (
	"testing"

	"ascend/shared/domain/risk"
)

func TestInEnvironment(t *testing.T) {
	for _, c := range []struct {
		stated, name string
		want         bool
	}{
		{"production", " PROD ", true},
		{"Stage", "staging", true},
		{"dev", "development", true},
		{"test", "test", true},
		{"plant 7", "Plant 7", true},
		{"plant 7", "production", true}, // not known
		{"production", "plant 7", false},
		{"test", "production", false},
		{"sandbox", "test", false},
		{"", "production", false},
		{"", "", false},
	} {
		if got := risk.InEnvironment(c.stated, c.name); got != c.want {
			t.Errorf("stated %q is in %q: %v", c.stated, c.name, got)
		}
	}
}
