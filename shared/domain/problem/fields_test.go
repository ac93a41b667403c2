package problem_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"ascend/shared/domain/problem"
)

func TestFieldsNameThePartAndTheRule(t *testing.T) {
	text := func(s string) *string { return &s }
	type word string
	for _, c := range []struct {
		name  string
		check func(*problem.Fields)
		want  []string // pointer, colon, detail
	}{
		{"white space is not a name", func(f *problem.Fields) { f.Required("/name", " \t") }, []string{"/name: name is required"}},
		{"a text as long as allowed", func(f *problem.Fields) { f.Text("/name", "äöü", 3) }, nil},
		{"a text that is too long", func(f *problem.Fields) { f.Text("/stages/0/name", "äöü", 2) }, []string{"/stages/0/name: name must not exceed 2 characters"}},
		{"a line break in a text", func(f *problem.Fields) { f.Text("/name", "a\nb", 3) }, []string{"/name: name must not contain control characters"}},
		{"a line break in prose", func(f *problem.Fields) { f.Prose("/reason", "a\n\tb\r", 5) }, nil},
		{"a NUL in prose", func(f *problem.Fields) { f.Prose("/reason", "\x00", 5) }, []string{"/reason: reason must not contain control characters"}},
		{"a list within its bounds", func(f *problem.Fields) { f.List("/tags", []string{"a", "b"}, 2, 1) }, nil},
		{"a list with too many entries says nothing of them", func(f *problem.Fields) { f.List("/tags", []string{"", "", ""}, 2, 1) },
			[]string{"/tags: tags must not have more than 2 entries"}},
		{"entries that are blank or too long", func(f *problem.Fields) { f.List("/on/tags", []string{"a", " ", "bb"}, 3, 1) },
			[]string{"/on/tags/1: the entries of tags must not be empty", "/on/tags/2: an entry of tags must not exceed 1 characters"}},
		{"an e-mail address", func(f *problem.Fields) { f.Email("/email", "a@b.example") }, nil},
		{"an e-mail address with a name", func(f *problem.Fields) { f.Email("/email", "A <a@b.example>") }, []string{"/email: email must be an e-mail address"}},
		{"an e-mail address as long as allowed", func(f *problem.Fields) { f.Email("/email", strings.Repeat("a", 244)+"@b.example") }, nil},
		{"an e-mail address that is too long", func(f *problem.Fields) { f.Email("/email", strings.Repeat("a", 245)+"@b.example") }, []string{"/email: email must be an e-mail address"}},
		{"a list of e-mail addresses", func(f *problem.Fields) { f.Emails("/to", []string{"a@b.example", "b"}) }, []string{"/to/1: the entries of to must be e-mail addresses"}},
		{"no URL", func(f *problem.Fields) { f.URL("/hook", nil, "https") }, nil},
		{"a URL of either scheme", func(f *problem.Fields) {
			f.URL("/hook", text("http://localhost:9/x"), "https", "http")
			f.URL("/hook", text("https://h.example"), "https", "http")
		}, nil},
		{"a URL of another scheme", func(f *problem.Fields) { f.URL("/hook", text("http://h.example"), "https") },
			[]string{"/hook: hook must be an absolute https URL of at most 2048 characters, without credentials or a fragment"}},
		{"a URL with a password", func(f *problem.Fields) { f.URL("/hook", text("https://u:p@h.example"), "https", "http") },
			[]string{"/hook: hook must be an absolute https or http URL of at most 2048 characters, without credentials or a fragment"}},
		{"integers at their bounds", func(f *problem.Fields) { f.Integer("/n", 1, 1, 9); f.Integer("/n", 9, 1, 9) }, nil},
		{"integers beyond their bounds", func(f *problem.Fields) { f.Integer("/n", 0, 1, 9); f.Integer("/m", 10, 1, 9) },
			[]string{"/n: n must be an integer between 1 and 9", "/m: m must be an integer between 1 and 9"}},
		{"numbers", func(f *problem.Fields) {
			f.Number("/n", 0, 0, 100)
			f.Number("/n", 100.5, 0, 100)
			f.Number("/m", math.NaN(), 0, 100)
		}, []string{"/n: n must be a number between 0 and 100", "/m: m must be a number between 0 and 100"}},
		{"an object as large as allowed", func(f *problem.Fields) { f.Object("/o", strings.Repeat("a", 1022), 1<<10) }, nil},
		{"an object that is too large", func(f *problem.Fields) { f.Object("/o", strings.Repeat("a", 1023), 1<<10) }, []string{"/o: o must be an object of at most 1 KiB"}},
		{"one of the values", func(f *problem.Fields) { problem.OneOf(f, "/kind", "a", []word{"a", "b"}) }, nil},
		{"another value", func(f *problem.Fields) { problem.OneOf(f, "/kind", "c", []word{"a", "b"}) }, []string{"/kind: kind must be one of a, b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var invalid problem.Fields
			c.check(&invalid)
			var got []string
			for _, f := range invalid {
				got = append(got, f.Pointer+": "+f.Detail)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}
