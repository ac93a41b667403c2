package bind

import (
	"errors"
	"strings"
	"time"
)

// parseTime reads a time in any form of RFC 3339, or a date YYYY-MM-DD as its
// midnight in UTC. It takes lower-case letters, a blank for the T (§5.6), leap
// seconds (§5.7), and an offset whose + a query turned into a blank.
func parseTime(text string) (t time.Time, date bool, err error) {
	if t, err = time.Parse(time.DateOnly, text); err == nil {
		return t, true, nil
	}
	b := []byte(strings.ToUpper(text))
	if len(b) > 10 && b[10] == ' ' {
		b[10] = 'T'
	}
	if i := len(b) - len("+00:00"); i > 10 && b[i] == ' ' {
		b[i] = '+'
	}
	const seconds = len("2006-01-02T15:04:")
	leap := len(b) > seconds+2 && string(b[seconds-1:seconds+2]) == ":60"
	if leap {
		copy(b[seconds:], "59")
	}
	if t, err = time.Parse(time.RFC3339, string(b)); err != nil {
		return time.Time{}, false, err
	}
	t = t.UTC()
	if leap {
		if t.Hour() != 23 || t.Minute() != 59 {
			return time.Time{}, false, errors.New("no leap second comes then")
		}
		t = t.Add(time.Second)
	}
	return t, false, nil
}
