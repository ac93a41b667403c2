package problem

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// The bounds of texts that have a form of their own, in bytes.
const (
	MaxURL   = 2048
	MaxEmail = 254 // RFC 5321 §4.5.3.1.3, without the brackets
)

// Fields collects what is wrong with the parts of a request. A part is named by
// its JSON pointer; messages call it by the pointer's last member, such as
// "tags" for /tags, and "an entry of tags" for /tags/0. Characters are Unicode
// code points.
type Fields []Field

// Add records a rule that a part breaks.
func (f *Fields) Add(pointer, format string, args ...any) {
	*f = append(*f, Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// Err returns the validation failure that names the fields, nil for none.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return InvalidFields(f...)
}

// Required checks that s is not blank.
func (f *Fields) Required(pointer, s string) {
	if strings.TrimSpace(s) == "" {
		f.Add(pointer, "%s is required", subject(pointer))
	}
}

// Text checks a line of up to most characters.
func (f *Fields) Text(pointer, s string, most int) { f.text(pointer, s, most, "") }

// Prose checks a text of up to most characters, in which tabs and line breaks
// are allowed.
func (f *Fields) Prose(pointer, s string, most int) { f.text(pointer, s, most, "\t\n\r") }

func (f *Fields) text(pointer, s string, most int, allowed string) {
	if utf8.RuneCountInString(s) > most {
		f.Add(pointer, "%s must not exceed %d characters", subject(pointer), most)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune(allowed, r) }) {
		f.Add(pointer, "%s must not contain control characters", subject(pointer))
	}
}

// List checks up to most entries, each a Text of at most each characters that
// is not blank. It reports whether it looked at the entries: not at too many.
func (f *Fields) List(pointer string, entries []string, most, each int) bool {
	if len(entries) > most {
		f.Add(pointer, "%s must not have more than %d entries", subject(pointer), most)
		return false
	}
	for i, entry := range entries {
		at := Entry(pointer, i)
		if strings.TrimSpace(entry) == "" {
			f.Add(at, "the entries of %s must not be empty", subject(pointer))
		}
		f.Text(at, entry, each)
	}
	return true
}

// Entry returns the pointer to an entry of a list.
func Entry(list string, i int) string { return list + "/" + strconv.Itoa(i) }

// Emails checks that each entry is an e-mail address.
func (f *Fields) Emails(pointer string, entries []string) {
	for i, entry := range entries {
		if !validEmail(entry) {
			f.Add(Entry(pointer, i), "the entries of %s must be e-mail addresses", subject(pointer))
		}
	}
}

// Email checks for a bare e-mail address.
func (f *Fields) Email(pointer, s string) {
	if !validEmail(s) {
		f.Add(pointer, "%s must be an e-mail address", subject(pointer))
	}
}

func validEmail(s string) bool {
	address, err := mail.ParseAddress(s)
	return err == nil && address.Address == s && len(s) <= MaxEmail
}

// URL checks that text is nil or an absolute URL of one of the schemes.
func (f *Fields) URL(pointer string, text *string, schemes ...string) {
	if text == nil {
		return
	}
	u, err := url.Parse(*text)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(*text) > MaxURL {
		f.Add(pointer, "%s must be an absolute %s URL of at most %d characters, without credentials or a fragment",
			subject(pointer), strings.Join(schemes, " or "), MaxURL)
	}
}

// Integer checks low ≤ n ≤ high.
func (f *Fields) Integer(pointer string, n, low, high int64) {
	if n < low || n > high {
		f.Add(pointer, "%s must be an integer between %d and %d", subject(pointer), low, high)
	}
}

// Number checks low ≤ x ≤ high.
func (f *Fields) Number(pointer string, x, low, high float64) {
	if !(x >= low && x <= high) { // NaN is neither
		f.Add(pointer, "%s must be a number between %v and %v", subject(pointer), low, high)
	}
}

// Object checks that v is up to most bytes as JSON, a multiple of 1 KiB.
func (f *Fields) Object(pointer string, v any, most int) {
	if b, err := json.Marshal(v); err != nil || len(b) > most {
		f.Add(pointer, "%s must be an object of at most %d KiB", subject(pointer), most>>10)
	}
}

// OneOf checks that v is one of the values. It is a function because methods have
// no type parameters.
func OneOf[T ~string](f *Fields, pointer string, v T, values []T) {
	if !slices.Contains(values, v) {
		names := make([]string, len(values))
		for i, value := range values {
			names[i] = string(value)
		}
		f.Add(pointer, "%s must be one of %s", subject(pointer), strings.Join(names, ", "))
	}
}

// subject returns what messages call the part at a pointer.
func subject(pointer string) string {
	i := strings.LastIndexByte(pointer, '/')
	name := pointer[i+1:]
	if _, err := strconv.Atoi(name); err == nil && i > 0 {
		return "an entry of " + subject(pointer[:i])
	}
	return name
}
