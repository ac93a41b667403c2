package agent

import (
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/problem"
)

// The bounds of a configuration. Characters are Unicode code points.
const (
	MaxDisplayName  = 255      // characters (seeds/001)
	MaxDescription  = 4096     // characters
	MaxEntries      = 200      // of each list
	MaxEntry        = 256      // characters of each entry
	MaxObject       = 16 << 10 // bytes of metadata, and of mcp_capabilities, as JSON
	MaxConfig       = 64 << 10 // bytes of the whole configuration as JSON
	MaxURL          = 2048     // bytes
	MaxEmail        = 254      // bytes (RFC 5321 §4.5.3.1.3, without the brackets)
	MaxReason       = 1000     // characters of a reason for a suspension or activation
	maxExactInteger = 1<<53 - 1
)

// Validate reports what is wrong with an agent's own name, in the documented words (seeds/001).
func (id ID) Validate() []problem.Field {
	var invalid fieldErrors
	switch {
	case len(id) < 3 || len(id) > 64:
		invalid.add("/agent_id", "agent_id must be 3-64 characters")
	case !id.Valid():
		invalid.add("/agent_id", "agent_id must consist of letters, digits and the characters . _ : @ -")
	}
	return invalid
}

// ValidateReason reports what is wrong with the reason of a suspension or activation.
func ValidateReason(reason string) []problem.Field {
	var invalid fieldErrors
	invalid.text("/reason", "reason", reason, MaxReason, "\t\n\r")
	return invalid
}

// validate lists every field of the configuration that is out of bounds.
func (c Config) validate() fieldErrors {
	var invalid fieldErrors
	if strings.TrimSpace(c.DisplayName) == "" {
		invalid.add("/display_name", "display_name is required")
	}
	invalid.text("/display_name", "display_name", c.DisplayName, MaxDisplayName, "")
	invalid.text("/description", "description", c.Description, MaxDescription, "\t\n\r")
	if !c.Type.Valid() {
		invalid.add("/agent_type", "agent_type must be one of autonomous, supervised, advisory, mcp_server, custom")
	}
	invalid.score("default_risk_score", c.DefaultRiskScore)
	invalid.score("auto_approve_below", c.AutoApproveBelow)
	invalid.score("max_risk_threshold", c.MaxRiskThreshold)
	invalid.score("requires_mfa_above", c.RequiresMFAAbove)
	invalid.list("allowed_action_types", c.AllowedActionTypes)
	invalid.list("allowed_resources", c.AllowedResources)
	invalid.list("blocked_resources", c.BlockedResources)
	invalid.url("mcp_server_url", c.MCPServerURL, "https", "http")
	invalid.object("mcp_capabilities", c.MCPCapabilities)
	invalid.list("alert_recipients", c.AlertRecipients)
	invalid.emails("alert_recipients", c.AlertRecipients)
	invalid.url("webhook_url", c.WebhookURL, "https")
	invalid.list("tags", c.Tags)
	invalid.object("metadata", c.Metadata)
	if id := c.ModelID; id != nil && (*id < 0 || *id > maxExactInteger) {
		invalid.add("/model_id", "model_id must be an integer between 0 and %d", int64(maxExactInteger))
	}
	if len(invalid) == 0 {
		if b, err := json.Marshal(c); err != nil || len(b) > MaxConfig {
			invalid.add("", "the agent's configuration must not exceed %d KiB", MaxConfig>>10)
		}
	}
	return invalid
}

// fieldErrors collects what is wrong with a request.
type fieldErrors []problem.Field

func (f *fieldErrors) add(pointer, format string, args ...any) {
	*f = append(*f, problem.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// text bounds a text's characters and refuses control characters but for those allowed.
func (f *fieldErrors) text(pointer, name, s string, limit int, allowed string) {
	if utf8.RuneCountInString(s) > limit {
		f.add(pointer, "%s must not exceed %d characters", name, limit)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune(allowed, r) }) {
		f.add(pointer, "%s must not contain control characters", name)
	}
}

func (f *fieldErrors) score(name string, score int) {
	if score < 0 || score > 100 {
		f.add("/"+name, "%s must be an integer between 0 and 100", name)
	}
}

func (f *fieldErrors) limit(name string, limit *int64) {
	if limit != nil && (*limit < 0 || *limit > MaxLimit) {
		f.add("/"+name, "%s must be an integer between 0 and %d, or null for unlimited", name, MaxLimit)
	}
}

func (f *fieldErrors) list(name string, entries []string) {
	if len(entries) > MaxEntries {
		f.add("/"+name, "%s must not have more than %d entries", name, MaxEntries)
		return
	}
	for i, entry := range entries {
		pointer := fmt.Sprintf("/%s/%d", name, i)
		if strings.TrimSpace(entry) == "" {
			f.add(pointer, "the entries of %s must not be empty", name)
		}
		f.text(pointer, "an entry of "+name, entry, MaxEntry, "")
	}
}

func (f *fieldErrors) emails(name string, entries []string) {
	if len(entries) > MaxEntries {
		return
	}
	for i, entry := range entries {
		if !ValidEmail(entry) {
			f.add(fmt.Sprintf("/%s/%d", name, i), "the entries of %s must be e-mail addresses", name)
		}
	}
}

// ValidEmail reports whether s is a bare e-mail address of at most MaxEmail bytes.
func ValidEmail(s string) bool {
	address, err := mail.ParseAddress(s)
	return err == nil && address.Address == s && len(s) <= MaxEmail
}

func (f *fieldErrors) url(name string, text *string, schemes ...string) {
	if text == nil {
		return
	}
	u, err := url.Parse(*text)
	known := err == nil && (u.Scheme == schemes[0] || u.Scheme == schemes[len(schemes)-1])
	if !known || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(*text) > MaxURL {
		f.add("/"+name, "%s must be an absolute %s URL of at most %d characters, without credentials or a fragment",
			name, strings.Join(schemes, " or "), MaxURL)
	}
}

func (f *fieldErrors) object(name string, o Object) {
	if b, err := json.Marshal(o); err != nil || len(b) > MaxObject {
		f.add("/"+name, "%s must be an object of at most %d KiB", name, MaxObject>>10)
	}
}
