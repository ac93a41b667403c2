package action_test

import (
	"strings"
	"testing"

	"ascend/shared/domain/action"
)

func TestAReasonIsBoundedAsJSON(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		valid        bool
	}{
		{"none", "", true},
		{"2000 characters of ASCII", strings.Repeat("a", 2000), true},
		{"2000 line breaks", strings.Repeat("\n", 2000), true},
		{"1333 characters of three bytes", strings.Repeat("因", 1333), true},
		{"a byte more than the bound", strings.Repeat("因", 1333) + "ab", false},
		{"2000 characters of three bytes", strings.Repeat("因", 2000), false},
		{"1000 control characters", strings.Repeat("\x01", 1000), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			invalid := action.ValidateReason(c.reason)
			if (invalid == nil) != c.valid || !c.valid && invalid[0].Pointer != "/reason" {
				t.Errorf("refused: %v", invalid)
			}
		})
	}
}
