package dynamo

import (
	"bytes"
	"strings"
	"testing"

	"ascend/shared/store/internal/bounds"
)

func TestABodyIsReadAsItWasWritten(t *testing.T) {
	for name, b := range map[string][]byte{
		"small":        []byte("x"),
		"compressible": []byte(strings.Repeat(`{"check":"agent_state"}`, 1000)),
		"random":       []byte("\x00\x01" + strings.Repeat("\xfe", 300)),
	} {
		packed := packBody(b)
		got, err := unpackBody(packed)
		if err != nil || !bytes.Equal(got, b) || len(packed) > len(b)+1 {
			t.Errorf("%s: %d bytes packed to %d: %v", name, len(b), len(packed), err)
		}
	}
}

func TestABodyThatWasNotWrittenHereIsAnError(t *testing.T) {
	bomb := packBody(make([]byte, bounds.MaxItem+1))
	for name, b := range map[string][]byte{"nothing": nil, "unknown": {7, 1}, "broken": {deflatedBody, 0xff, 0xff}, "a bomb": bomb} {
		if got, err := unpackBody(b); err == nil {
			t.Errorf("%s: read %d bytes", name, len(got))
		}
	}
}

func FuzzUnpackBody(f *testing.F) {
	f.Add(packBody([]byte(strings.Repeat("a", 500))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := unpackBody(b); err == nil && len(got) > bounds.MaxItem {
			t.Errorf("read %d bytes", len(got))
		}
	})
}
