package documented

import (
	"bytes"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// sets are the documented value sets, by the member that holds them. Where a
// name has several, the one that the documented value is of applies.
var sets = map[string][][]string{
	"status": {
		{"draft", "active", "suspended"},           // agents, seeds/001
		{"approved", "pending_approval", "denied"}, // actions, seeds/004
	},
	"risk_level":    {{"low", "medium", "high", "critical"}},                                            // seeds/004
	"level":         {{"low", "medium", "high", "critical"}},                                            // seeds/003
	"cvss_severity": {{"none", "low", "medium", "high", "critical"}},                                    // seeds/004
	"agent_type":    {{"supervised", "autonomous", "advisory", "mcp_server", "custom", "unregistered"}}, // seeds/001, 004
	"outcome":       {{"approved", "pending_approval", "denied"}},                                       // seeds/003, 004
	"decision":      {{"allowed", "pending", "denied"}},                                                 // decision 21
}

// forms are the documented forms of text, by the member that holds it.
var forms = map[string]*regexp.Regexp{
	"correlation_id": regexp.MustCompile(`^action_\d{8}_\d{6}_[0-9a-f]{8}$`),                                              // seeds/004
	"version":        regexp.MustCompile(`^\d+\.\d+\.\d+$`),                                                               // seeds/001
	"cvss_vector":    regexp.MustCompile(`^CVSS:3\.1/AV:[NALP]/AC:[LH]/PR:[NLH]/UI:[NR]/S:[UC]/C:[NLH]/I:[NLH]/A:[NLH]$`), // seeds/004
	"mitre_tactic":   regexp.MustCompile(`^TA\d{4}$`),                                                                     // seeds/004
}

// compareText returns how a string falls short of the documented one, or "".
func compareText(name, documented, actual string) string {
	if _, err := time.Parse(time.RFC3339, documented); err == nil {
		if _, err := time.Parse(time.RFC3339, actual); err != nil || !strings.HasSuffix(actual, "Z") {
			return fmt.Sprintf("is documented as an RFC 3339 time in UTC, but is %q", actual)
		}
		return ""
	}
	for _, set := range sets[name] {
		if slices.Contains(set, documented) && !slices.Contains(set, actual) {
			return fmt.Sprintf("is documented as one of %s, but is %q", strings.Join(set, ", "), actual)
		}
	}
	if form := forms[name]; form != nil && !form.MatchString(actual) {
		return fmt.Sprintf("is documented in the form %s, but is %q", form, actual)
	}
	return ""
}

// members walks an object in its written order.
func members(object jsontext.Value) iter.Seq2[string, jsontext.Value] {
	return func(yield func(string, jsontext.Value) bool) {
		d := jsontext.NewDecoder(bytes.NewReader(object))
		for _, err := d.ReadToken(); err == nil && d.PeekKind() != '}'; {
			name, e := d.ReadToken()
			if e != nil {
				return
			}
			key := name.String()
			value, e := d.ReadValue()
			if e != nil || !yield(key, value.Clone()) {
				return
			}
		}
	}
}
