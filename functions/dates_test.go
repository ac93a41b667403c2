package functions_test

import (
	"strings"
	"testing"
	"time"
)

func TestTheBoundsOfAListIncludeTheirOwnInstant(t *testing.T) {
	s := newServer(t)
	x := s.Target("")
	_, _, body := x.About(s.Route("actions-submit"))
	created := s.As("admin", "POST", "/api/v1/actions/submit", body).Want(200).Text("/created_at")
	at, err := time.Parse(time.RFC3339Nano, created)
	s.OK(err)
	form := func(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z") }
	east := at.In(time.FixedZone("", 2*60*60)).Format("2006-01-02T15:04:05.000-07:00")
	for _, row := range []struct {
		name, query string
		listed      bool
	}{
		{"until its instant", "end_date=" + created, true},
		{"until a millisecond before", "end_date=" + form(at.Add(-time.Millisecond)), false},
		{"until a microsecond before the next", "end_date=" + at.Add(999*time.Microsecond).Format(time.RFC3339Nano), true},
		{"from its instant", "start_date=" + created, true},
		{"from a millisecond after", "start_date=" + form(at.Add(time.Millisecond)), false},
		{"from and until its instant", "start_date=" + created + "&end_date=" + created, true},
		{"in lower case", "start_date=" + strings.ToLower(created) + "&end_date=" + strings.ToLower(created), true},
		{"with an offset whose + is a blank", "start_date=" + east + "&end_date=" + east, true},
		{"with an escaped offset", "end_date=" + strings.Replace(east, "+", "%2B", 1), true},
		{"until its day", "end_date=" + at.Format(time.DateOnly), true},
		{"from its day", "start_date=" + at.Format(time.DateOnly), true},
		{"until the day before", "end_date=" + at.AddDate(0, 0, -1).Format(time.DateOnly), false},
	} {
		a := s.As("admin", "GET", "/api/v1/actions?agent_id="+x.ID("agent_id")+"&"+row.query, "").Want(200)
		if listed := strings.Contains(string(a.Body), created); listed != row.listed {
			t.Errorf("%s (%s): listed %v, want %v", row.name, row.query, listed, row.listed)
		}
	}
	for _, bad := range []string{"yesterday", "2026-13-01", "2026-01-02T03:04", "1767322800"} {
		a := s.As("admin", "GET", "/api/v1/actions?end_date="+bad, "").Want(422)
		if !strings.Contains(a.Text("/detail"), "2026-01-02T15:04:05Z") {
			t.Errorf("%s is told %q, which does not show the right form", bad, a.Text("/detail"))
		}
	}
}
