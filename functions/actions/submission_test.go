package actions

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestAmountsAreReadExactly(t *testing.T) {
	for _, row := range []struct {
		sent any
		want string // "!" where it is refused
	}{
		{nil, ""},
		{"", ""},
		{"0.05", "0.05"},
		{"999999999.999999", "999999999.999999"},
		{jsontext.Value("12"), "12"},
		{jsontext.Value("0.30"), "0.30"},
		{jsontext.Value("5e-05"), "0.00005"},
		{jsontext.Value("1E2"), "100"},
		{jsontext.Value("1.50e+1"), "15"},
		{jsontext.Value("0e0"), "0"},
		{jsontext.Value("1e-7"), "!"},
		{jsontext.Value("1e9"), "!"},
		{jsontext.Value("-1e0"), "!"},
		{jsontext.Value("-1"), "!"},
		{jsontext.Value("0.1234567"), "!"},
		{"5e-05", "!"},
		{"1.", "!"},
		{".5", "!"},
		{"1,5", "!"},
		{"１", "!"},
		{true, "!"},
	} {
		got, ok := decimal(row.sent)
		if !ok {
			got = "!"
		}
		if got != row.want {
			t.Errorf("%v: %q, want %q", row.sent, got, row.want)
		}
	}
}

func TestAnIDIsBoundedInCharacters(t *testing.T) {
	for text, want := range map[string]bool{strings.Repeat("é", 256): true, strings.Repeat("é", 257): false, strings.Repeat("a", 257): false} {
		if _, ok := idText(text); ok != want {
			t.Errorf("%d bytes: %v, want %v", len(text), ok, want)
		}
	}
}
