package actions_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/functions/optest"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
)

const path = "/api/v1/actions"

// stored puts an action of an instant into our organisation.
func stored(s *optest.Server, id action.ID, created time.Time) {
	s.Helper()
	put, err := record.PutAction(&action.Action{
		ID: id, Org: optest.Ours, Status: governance.Approved, CreatedAt: created, UpdatedAt: created, Revision: 1,
		Input: governance.Input{Proposal: governance.Proposal{AgentID: "agent-1", ActionType: "data_read"}},
	})
	s.OK(err)
	_, err = s.Store.Write(s.Context(), put)
	s.OK(err)
}

func TestADateFilterIncludesItsInstants(t *testing.T) {
	s := optest.New(t)
	day := time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
	for i, created := range []time.Time{day.Add(-time.Millisecond), day, day.Add(time.Hour + 123*time.Millisecond), day.Add(24*time.Hour - time.Millisecond), day.Add(24 * time.Hour)} {
		stored(s, action.ID(i+1), created)
	}
	for query, want := range map[string]string{
		"":                      "5 4 3 2 1",
		"end_date=2026-01-20":   "4 3 2 1",
		"start_date=2026-01-20": "5 4 3 2",
		"start_date=2026-01-20&end_date=2026-01-20":                             "4 3 2",
		"end_date=2026-01-20T01:00:00.123Z":                                     "3 2 1",
		"end_date=2026-01-20T01:00:00.1229Z":                                    "2 1",
		"start_date=2026-01-20T01:00:00.123Z":                                   "5 4 3",
		"start_date=2026-01-20T01:00:00.1231Z":                                  "5 4",
		"start_date=2026-01-20T01:00:00.123Z&end_date=2026-01-20T01:00:00.123Z": "3",
		"end_date=" + url.QueryEscape("2026-01-20T02:00:00.123+01:00"):          "3 2 1",
	} {
		a := s.Want(200, "GET", path+"?"+query, "")
		var listed []struct {
			ID action.ID `json:"id"`
		}
		s.OK(json.Unmarshal(a.Body, &listed))
		var ids []string
		for _, act := range listed {
			ids = append(ids, act.ID.String())
		}
		if got := strings.Join(ids, " "); got != want || a.Header.Get("X-Total-Count") != fmt.Sprint(len(ids)) {
			t.Errorf("%s: %s, of %s, want %s", query, got, a.Header.Get("X-Total-Count"), want)
		}
	}
}

func TestClientsOfLine1GetANumberAsTotal(t *testing.T) {
	s := optest.New(t)
	for i := range 5 {
		stored(s, action.ID(i+1), time.Now())
	}
	old := []string{"User-Agent", "AscendSDK-Python/1.0.0"}
	s.As("admin", "GET", path+"?limit=2&offset=1", "", old...).Want(200).Has(map[string]string{
		"/total": "5", "/limit": "2", "/offset": "1", "/has_more": "true", "/actions/0/id": "4", "/actions/1/id": "3",
	})
	s.As("admin", "GET", path+"?offset=9", "", old...).Want(200).Has(map[string]string{"/total": "5", "/offset": "9", "/has_more": "false", "/actions": "[]"})
	a := s.Want(200, "GET", path+"?limit=2", "")
	if a.Header.Get("X-Total-Count") != "5" {
		t.Errorf("the array comes with a total of %q", a.Header.Get("X-Total-Count"))
	}
	_, rest, _ := strings.Cut(a.Header.Get("Link"), "cursor=")
	cursor, _, _ := strings.Cut(rest, "&")
	next := s.As("admin", "GET", path+"?limit=2&cursor="+cursor, "", old...).Want(200)
	next.Has(map[string]string{"/total": "5", "/offset": "2", "/actions/0/id": "3", "/actions/1/id": "2"})
	if got := next.Header.Get("X-Total-Count"); got != "" {
		t.Errorf("a cursor's page, which counts nothing, comes with a total of %s", got)
	}
	s.Want(422, "GET", path+"?offset=1&cursor="+cursor, "").Has(map[string]string{"/errors/0/pointer": `"/query/offset"`})
}
