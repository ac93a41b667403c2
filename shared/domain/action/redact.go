package action

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/governance"
)

// Redacted replaces a secret.
const Redacted = "[REDACTED]"

// secretNames are parts of member names whose values are secrets, compared
// without regard to case and punctuation.
var secretNames = []string{
	"password", "passwd", "pwd", "passphrase", "secret", "apikey", "accesskey", "privatekey",
	"signingkey", "encryptionkey", "token", "authorization", "cookie", "credential", "connectionstring",
}

// pemMark begins a PEM block, such as a private key.
const pemMark = "-----BEGIN"

// secretMarks are prefixes of well-known credentials.
var secretMarks = []string{
	"owkai_admin_", "owkai_manager_", "owkai_user_", pemMark, "eyJ", "AKIA", "ASIA",
	"ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "sk-", "sk_live_", "rk_live_",
}

// Redact returns a proposal without secrets, before it is stored, logged, audited
// or published: values of members with names such as "password", credentials in
// any text, and passwords in URLs. The decision is made on the redacted form, so
// it can be repeated from the record.
func Redact(p governance.Proposal) governance.Proposal {
	for _, s := range []*string{
		&p.AgentName, &p.ActionType, &p.Description, &p.ToolName, &p.TargetSystem, &p.Resource, &p.ResourceType, &p.ResourceID,
		&p.Environment, &p.OrchestrationSession, &p.ParentAction, &p.MCPServer, &p.ModelID,
	} {
		*s = redactText(*s)
	}
	for _, m := range []*map[string]any{&p.Parameters, &p.Metadata, &p.Context, &p.RiskIndicators} {
		*m, _ = redact(*m).(map[string]any)
	}
	return p
}

func redact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return v
		}
		out := make(map[string]any, len(v))
		for name, member := range v {
			if secretName(name) && !plain(name, member) {
				out[name] = Redacted
			} else {
				out[name] = redact(member)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = redact(v[i])
		}
		return out
	case string:
		return redactText(v)
	default:
		return v
	}
}

// plain reports whether the value of a secret name is harmless: a flag, or a count.
func plain(name string, v any) bool {
	switch v.(type) {
	case nil, bool:
		return true
	case float64, jsontext.Value: // a number
		name = strings.ToLower(name)
		return strings.HasSuffix(name, "tokens") || strings.HasSuffix(name, "count")
	}
	return false
}

func secretName(name string) bool {
	bare := strings.Map(func(r rune) rune {
		if strings.ContainsRune("_-. ", r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
	for _, s := range secretNames {
		if strings.Contains(bare, s) {
			return true
		}
	}
	return false
}

// shortestSecret is the minimum length of a credential that is not a PEM block.
const shortestSecret = 20

// redactText replaces each credential in a text, from its mark to the next white
// space or punctuation.
func redactText(s string) string {
	for _, mark := range secretMarks {
		if len(s) < shortestSecret && mark != pemMark {
			continue
		}
		for from := 0; ; {
			i := strings.Index(s[from:], mark)
			if i < 0 {
				break
			}
			i += from
			if from = i + len(mark); i > 0 && wordByte(s[i-1]) {
				continue // inside a longer word, such as "risk-"
			}
			end := len(s)
			if mark != pemMark {
				if n := strings.IndexAny(s[from:], " \t\r\n\"'`,;)&"); n >= 0 {
					end = from + n
				}
				if end-i < shortestSecret {
					continue // too short to be one
				}
			}
			s = s[:i] + Redacted + s[end:]
			from = i + len(Redacted)
		}
	}
	return redactURL(s)
}

func wordByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_' || b == '-'
}

// redactURL replaces the password of scheme://user:password@host.
func redactURL(s string) string {
	scheme := strings.Index(s, "://")
	if scheme < 0 {
		return s
	}
	rest := s[scheme+3:]
	authority := rest
	if end := strings.IndexAny(rest, "/?# \t\r\n"); end >= 0 {
		authority = rest[:end]
	}
	at := strings.LastIndexByte(authority, '@')
	colon := strings.IndexByte(authority, ':')
	if at < 0 || colon < 0 || colon > at {
		return s
	}
	return s[:scheme+3] + rest[:colon+1] + Redacted + rest[at:]
}
