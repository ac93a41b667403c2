package bind

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestTimesAreReadInEveryFormOfRFC3339(t *testing.T) {
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	at := day.Add(3*time.Hour + 4*time.Minute + 5*time.Second)
	for _, row := range []struct {
		text string
		want time.Time // zero: refused
	}{
		{"2026-01-02", day},
		{"2026-01-02T03:04:05Z", at},
		{"2026-01-02t03:04:05z", at},
		{"2026-01-02 03:04:05Z", at},
		{"2026-01-02T03:04:05.6Z", at.Add(600 * time.Millisecond)},
		{"2026-01-02T03:04:05.123456789Z", at.Add(123456789)},
		{"2026-01-02T05:04:05+02:00", at},
		{"2026-01-02T05:04:05 02:00", at},
		{"2026-01-02t05:04:05.000 02:00", at},
		{"2026-01-02 05:04:05 02:00", at},
		{"2026-01-01T21:34:05-05:30", at},
		{"2026-01-02T03:04:05-00:00", at},
		{"2016-12-31T23:59:60Z", time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"2017-01-01T00:59:60.5+01:00", time.Date(2017, 1, 1, 0, 0, 0, 5e8, time.UTC)},
		{"2016-12-31T22:59:60Z", time.Time{}},
		{"2016-12-31T23:58:60Z", time.Time{}},
		{"2016-12-31T23:59:61Z", time.Time{}},
		{"", time.Time{}},
		{"now", time.Time{}},
		{"2026-01-02T03:04:05", time.Time{}},
		{"2026-01-02T03:04Z", time.Time{}},
		{"2026-01-02T24:00:00Z", time.Time{}},
		{"2026-02-30", time.Time{}},
		{"20260102", time.Time{}},
		{"1767322800", time.Time{}},
		{"2026-01-02T05:04:05 0200", time.Time{}},
		{"2026-01-02T05:04:05%2B02:00", time.Time{}},
	} {
		var got time.Time
		detail := setTime(reflect.ValueOf(&got).Elem(), row.text, false)
		if row.want.IsZero() {
			if !strings.Contains(detail, "2026-01-02T15:04:05Z") {
				t.Errorf("%q: %v %q, want it refused with the right form", row.text, got, detail)
			}
		} else if detail != "" || !got.Equal(row.want) || got.Location() != time.UTC {
			t.Errorf("%q: %v %q, want %v", row.text, got, detail, row.want)
		}
	}
}

func TestADateAsABoundMeansItsWholeDay(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-02": "2026-01-02T23:59:59.999999999Z", "2028-02-29": "2028-02-29T23:59:59.999999999Z",
		"2026-01-02T00:00:00Z": "2026-01-02T00:00:00Z",
	} {
		var got time.Time
		if detail := setTime(reflect.ValueOf(&got).Elem(), text, true); detail != "" || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %v %q, want %s", text, got, detail, want)
		}
	}
}
