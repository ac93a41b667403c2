package agents_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/functions/optest"
	"ascend/shared/app/page"
	"ascend/shared/endpoint"
)

// ids are the agents of a list, by the last character of their ids.
func ids(a optest.Answer) string {
	var out struct {
		Agents []struct {
			ID string `json:"agent_id"`
		} `json:"agents"`
	}
	if err := json.Unmarshal(a.Body, &out); err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, g := range out.Agents {
		b.WriteString(g.ID[len(g.ID)-1:])
	}
	return b.String()
}

func TestListAnswersAsDocumented(t *testing.T) {
	s := newServer(t)
	s.Want(200, "GET", registry, "").Has(map[string]string{
		"/success": "true", "/agents": "[]", "/pagination": `{"total":0,"limit":100,"offset":0,"has_more":false}`,
	})
	for i := range 5 {
		s.Want(201, "POST", registry, fmt.Sprintf(`{"agent_id": "agent-%d", "display_name": "x", "agent_type": "%s"}`, i, []string{"supervised", "autonomous"}[i%2]))
	}
	s.Want(200, "POST", registry+"/agent-3/activate", "")
	s.Want(200, "GET", registry, "").Documents("agents-list.200")
	for _, c := range []struct {
		query, ids string
		page       string
	}{
		{"", "01234", `{"total":5,"limit":100,"offset":0,"has_more":false}`},
		{"?limit=500", "01234", `{"total":5,"limit":500,"offset":0,"has_more":false}`},
		{"?status_filter=active", "3", `{"total":1,"limit":100,"offset":0,"has_more":false}`},
		{"?status=draft&limit=50", "0124", `{"total":4,"limit":50,"offset":0,"has_more":false}`},
		{"?type_filter=autonomous", "13", `{"total":2,"limit":100,"offset":0,"has_more":false}`},
		{"?type=autonomous&status_filter=draft", "1", `{"total":1,"limit":100,"offset":0,"has_more":false}`},
		{"?offset=4&limit=3", "4", `{"total":5,"limit":3,"offset":4,"has_more":false}`},
		{"?offset=9", "", `{"total":5,"limit":100,"offset":9,"has_more":false}`},
	} {
		a := s.Want(200, "GET", registry+c.query, "")
		if ids(a) != c.ids || a.At("/pagination") != c.page {
			t.Errorf("%s: %s with %s", c.query, ids(a), a.At("/pagination"))
		}
	}
}

func TestListGoesOnByCursor(t *testing.T) {
	s := newServer(t)
	for i := range 5 {
		s.Want(201, "POST", registry, fmt.Sprintf(`{"agent_id": "agent-%d", "display_name": "x"}`, i))
	}
	query, seen := "?limit=2", ""
	for offset := 0; ; offset += 2 {
		a := s.Want(200, "GET", registry+query, "")
		a.Has(map[string]string{"/pagination/total": "5", "/pagination/offset": fmt.Sprint(offset)})
		seen += ids(a)
		next := a.Text("/pagination/next_cursor")
		if a.At("/pagination/has_more") == "false" {
			if next != "" {
				t.Errorf("the end has the cursor %s", next)
			}
			break
		}
		query = "?limit=2&cursor=" + url.QueryEscape(next)
	}
	if seen != "01234" {
		t.Errorf("saw %s", seen)
	}
	s.As("other admin", "GET", registry+query, "").Want(400)
}

func TestListRefusesForgedCursors(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	for _, position := range []string{"", "1 2", "1 2 a#b", "1 2 ab", "1 2 my-agent", "ab", "a#b", "my-agent\x00", "summary#my-agent", strings.Repeat("a", 65)} {
		cursor := endpoint.NextCursor(4, "agents", page.Cursor{After: position})
		s.Want(400, "GET", registry+"?cursor="+cursor, "").Has(map[string]string{"/errors/0/pointer": `"/query/cursor"`})
	}
	for _, position := range []string{"my-agent", "1.5", "-5", "0", "01", "2", "99999999999999999999"} {
		cursor := endpoint.NextCursor(4, "versions of my-agent", page.Cursor{After: position})
		s.Want(400, "GET", registry+"/my-agent/versions?cursor="+cursor, "").Has(map[string]string{"/errors/0/pointer": `"/query/cursor"`})
	}
}

func TestAPageOfLargeAgentsEndsEarlyAndGoesOn(t *testing.T) {
	s := newServer(t)
	tag := strings.Repeat("x", 256)
	body := `"display_name": "x", "tags": ["` + tag + `"` + strings.Repeat(`,"`+tag+`"`, 199) + `]}`
	for i := range 100 {
		s.Want(201, "POST", registry, fmt.Sprintf(`{"agent_id": "agent-%03d", `, i)+body)
	}
	seen, pages := 0, 0
	for query := "?limit=500"; ; {
		a := s.Want(200, "GET", registry+query, "")
		a.Has(map[string]string{"/pagination/total": "100", "/pagination/offset": fmt.Sprint(seen)})
		if len(a.Body) > endpoint.MaxPageBytes+1000 {
			t.Errorf("page %d has %d bytes", pages, len(a.Body))
		}
		seen, pages = seen+strings.Count(string(a.Body), `"agent_id"`), pages+1
		next := a.Text("/pagination/next_cursor")
		if next == "" {
			break
		}
		query = "?limit=500&cursor=" + next
	}
	if seen != 100 || pages != 2 {
		t.Errorf("%d agents on %d pages", seen, pages)
	}
}

func TestListRefusesBadQueries(t *testing.T) {
	s := newServer(t)
	for _, query := range []string{
		"?status_filter=deleted", "?status_filter=ACTIVE", "?type_filter=robot", "?limit=0", "?limit=501", "?limit=-1", "?limit=x", "?limit=1e2",
		"?offset=-1", "?cursor=x", "?cursor=AAAA", "?status_filter=active&status=draft", "?limit=1&limit=2", "?status_filter=%ff",
	} {
		s.Want(400, "GET", registry+query, "").Has(map[string]string{"/error_code": `"VALIDATION_ERROR"`})
	}
}
