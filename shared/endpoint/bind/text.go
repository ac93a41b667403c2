package bind

import (
	"strings"
	"unicode/utf8"
)

// Clip bounds a caller's text in an answer and keeps it UTF-8.
func Clip(s string) string {
	const most = 200
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}

// Clean reports whether s is UTF-8 without control characters.
func Clean(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// Visible reports whether s is 1 to most characters of visible ASCII.
func Visible(s string, most int) bool {
	return 1 <= len(s) && len(s) <= most && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
