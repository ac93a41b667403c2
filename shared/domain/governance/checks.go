package governance

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/agent"
)

func agentState(g Agent, id agent.ID) Check {
	c := Check{Name: "agent_state", Result: Pass, by: "agent_state"}
	switch {
	case !g.Registered:
		c.Detail = fmt.Sprintf("agent %q is not registered: held to the stricter default thresholds", id)
	case g.Status == agent.Active:
		c.Detail = "the agent is active"
	case g.Status == agent.Deleted:
		c.Result, c.code = Refuse, CodeAgentNotActive
		c.Detail = fmt.Sprintf("agent %q is deleted: it may not act", id)
	default:
		c.Result, c.code = Refuse, CodeAgentNotActive
		c.Detail = fmt.Sprintf("agent %q is %s: only an active agent may act", id, g.Status)
	}
	return c
}

func killSwitch(reason string) Check {
	if reason == "" {
		return Check{Name: "kill_switch", Result: Pass, Detail: "the kill switch is off"}
	}
	return Check{
		Name: "kill_switch", Result: Refuse, code: CodeKillSwitch, by: "kill_switch",
		Detail: "the organisation's kill switch is on: " + reason,
	}
}

func actionType(g Agent, actionType string) Check {
	c := Check{Name: "allowed_action_types", Result: Pass, by: "capabilities"}
	switch {
	case len(g.AllowedActionTypes) == 0:
		c.Result, c.Detail = NotConfigured, "the agent is not restricted to certain action types"
	case matchAny(g.AllowedActionTypes, actionType, exactly):
		c.Detail = fmt.Sprintf("action type %q is allowed", actionType)
	default:
		c.Result, c.code = Refuse, CodeActionNotAllowed
		c.Detail = fmt.Sprintf("action type %q is not among the agent's allowed action types", actionType)
	}
	return c
}

// resources checks the resources of a proposal against the agent's lists. A
// blocked name refuses in any member. If the agent is restricted to a list and
// the proposal names no resource, a person decides.
func resources(g Agent, p Proposal) Check {
	c := Check{Name: "resources", Result: NotConfigured, Detail: "the agent is not restricted to certain resources", by: "capabilities"}
	if len(g.BlockedResources) > 0 {
		c.Result, c.Detail = Pass, "no blocked resource is named"
	}
	for _, name := range []string{p.Resource, p.ResourceID, p.TargetSystem} {
		if matchAny(g.BlockedResources, name, orWithin) {
			c.Result, c.code = Refuse, CodeResourceBlocked
			c.Detail = fmt.Sprintf("resource %q is blocked for the agent", name)
			return c
		}
	}
	name := cmp.Or(p.Resource, p.ResourceID, p.TargetSystem)
	switch {
	case len(g.AllowedResources) == 0:
	case name == "":
		c.Result = Hold
		c.Detail = "the agent is restricted to certain resources and the action names none: a person must approve"
	case matchAny(g.AllowedResources, name, orWithin):
		c.Result, c.Detail = Pass, fmt.Sprintf("resource %q is allowed", name)
	default:
		c.Result, c.code = Refuse, CodeResource
		c.Detail = fmt.Sprintf("resource %q is not among the agent's allowed resources", name)
	}
	return c
}

// The ways a name can match an entry of a list.
type matching bool

const (
	exactly  matching = false
	orWithin matching = true // also anything below the entry: "db" matches "db.table" and "db/table"
)

// matchAny reports whether an entry matches name, ignoring case; a * in an entry
// matches any run of characters.
func matchAny(list []string, name string, how matching) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "" {
		return false
	}
	for _, entry := range list {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if entry == "" {
			continue
		}
		if glob(entry, name) {
			return true
		}
		if how == orWithin && (glob(entry+".*", name) || glob(entry+"/*", name) || glob(entry+":*", name)) {
			return true
		}
	}
	return false
}

// glob reports whether s matches a pattern whose only metacharacter is *. It
// backtracks to the last star only, so it costs at most the product of both lengths.
func glob(pattern, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && pattern[i] == s[j]:
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}

func rateLimits(a Admission, g Agent) Check {
	c := Check{Name: "rate_limits", Result: Pass, by: "rate_limit", Detail: "within the agent's limits"}
	if !g.Registered {
		c.Result, c.Detail = NotConfigured, "an unregistered agent has no limits"
	}
	if len(a.Full) == 0 {
		if g.Registered && g.Status == agent.Active && !a.Counted {
			// No answer to the admission write is no admission.
			c.Result, c.code, c.Detail = Refuse, CodeRateLimit, "the action could not be counted against the agent's limits"
		}
		return c
	}
	c.Result, c.code = Refuse, CodeRateLimit
	var full []string
	var wait int64
	for _, w := range a.Full {
		full = append(full, fmt.Sprintf("%d of %d actions this %s", w.Current, w.Limit, w.Window))
		wait = max(wait, w.ResetsMillis)
	}
	c.retry = (wait + 999) / 1000
	c.Detail = fmt.Sprintf("the agent's rate limit is reached: %s; retry in %d s", strings.Join(full, ", "), c.retry)
	return c
}

// callersWish returns the check of what the caller asks for, which can only add
// the need for a person (clients.md rule 7).
func callersWish(p Proposal) Check {
	if p.RequireApproval || wantsPerson(p.Context["require_human_approval"]) {
		return Check{Name: "human_approval", Result: Hold, by: "caller", Detail: "the caller asks for human approval"}
	}
	return Check{Name: "human_approval", Result: Pass, Detail: "the caller does not ask for human approval"}
}

// wantsPerson reports whether a wish of any type asks for a person: everything
// except a plain no does.
func wantsPerson(wish any) bool {
	switch w := wish.(type) {
	case nil:
		return false
	case bool:
		return w
	case string:
		w = strings.ToLower(strings.TrimSpace(w))
		return w != "" && w != "false" && w != "no" && w != "0"
	case float64:
		return w != 0
	case jsontext.Value:
		return strings.Trim(w.String(), "-0.") != ""
	default:
		return true
	}
}
