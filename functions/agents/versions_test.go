package agents_test

import (
	"fmt"
	"net/url"
	"testing"
)

func TestVersionsAndRollback(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	const mine = registry + "/my-agent"
	for i := range 3 {
		s.Want(200, "PUT", mine, fmt.Sprintf(`{"max_risk_threshold": %d}`, 70+i))
	}
	a := s.Want(200, "POST", mine+"/rollback?target_version=1.0.0", "")
	a.Has(map[string]string{
		"/success": "true", "/agent_id": `"my-agent"`, "/from_version": `"1.3.0"`, "/to_version": `"1.0.0"`, "/new_version": `"1.4.0"`,
		"/message": `"Agent rolled back to 1.0.0: my-agent"`, "/agent/risk_config/max_risk_threshold": "80", "/agent/version": `"1.4.0"`,
	})
	s.Want(200, "POST", mine+"/rollback?target_version=1.0.0", "").Has(map[string]string{
		"/from_version": `"1.4.0"`, "/new_version": `"1.4.0"`, "/message": `"Agent already has the configuration of 1.0.0: my-agent"`,
	})
	s.Want(404, "POST", mine+"/rollback?target_version=7.0.0", "").Has(map[string]string{
		"/error_code": `"VERSION_NOT_FOUND"`, "/detail": `"the agent has no version \"7.0.0\""`,
	})
	s.Want(400, "POST", mine+"/rollback", "")

	all := s.Want(200, "GET", mine+"/versions", "")
	all.Has(map[string]string{
		"/success": "true", "/agent_id": `"my-agent"`, "/pagination": `{"total":5,"limit":50,"offset":0,"has_more":false}`,
		"/versions/0/version": `"1.4.0"`, "/versions/0/number": "5", "/versions/0/change": `"rollback"`, "/versions/0/restored_version": `"1.0.0"`,
		"/versions/0/changes":                   `[{"field":"max_risk_threshold","from":72,"to":80}]`,
		"/versions/1/created_by":                `"admin@example.com"`,
		"/versions/1/config/max_risk_threshold": "72",
		"/versions/1/config/rate_limits":        `{"max_actions_per_minute":null,"max_actions_per_hour":null,"max_actions_per_day":null}`,
		"/versions/4/change":                    `"registered"`,
		"/versions/4/changes":                   "[]",
		"/versions/5":                           "absent",
	})
	page := s.Want(200, "GET", mine+"/versions?limit=2&offset=1", "")
	page.Has(map[string]string{"/versions/0/version": `"1.3.0"`, "/versions/1/version": `"1.2.0"`, "/pagination/has_more": "true"})
	next := page.Text("/pagination/next_cursor")
	s.Want(200, "GET", mine+"/versions?cursor="+url.QueryEscape(next), "").Has(map[string]string{
		"/versions/0/version": `"1.1.0"`, "/versions/2": "absent", "/pagination": `{"total":5,"limit":50,"offset":3,"has_more":false}`,
	})
	s.Want(200, "GET", mine+"/versions?offset=9", "").Has(map[string]string{"/versions": "[]"})
}
