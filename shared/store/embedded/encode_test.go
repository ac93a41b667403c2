package embedded

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"ascend/shared/store"
)

var records = []record{
	{},
	{body: []byte("body")},
	{expires: 1_900_000_000},
	{
		expires: maxExpiry,
		indexes: []indexEntry{{"by_time", store.IndexKey{PK: "p", SK: "s"}}, {"due", store.IndexKey{PK: "é", SK: "#"}}},
		attrs: store.Attrs{
			"s": store.S("text"), "empty": store.S(""), "n": store.N(-1 << 53), "zero": store.N(0), "set": store.Set("a", "b", "c"),
		},
		body: bytes.Repeat([]byte{0xFF}, 300),
	},
}

func same(a, b record) bool {
	return a.expires == b.expires && reflect.DeepEqual(a.indexes, b.indexes) && bytes.Equal(a.body, b.body) &&
		(len(a.attrs) == 0 && len(b.attrs) == 0 || reflect.DeepEqual(a.attrs, b.attrs))
}

func TestARecordSurvivesEncoding(t *testing.T) {
	for _, r := range records {
		raw := encode(r)
		got, err := decode(raw)
		if err != nil || !same(got, r) {
			t.Errorf("got %+v, %v, want %+v", got, err, r)
		}
		if again := encode(got); !bytes.Equal(again, raw) {
			t.Errorf("%+v is encoded in two ways", r)
		}
		for n := range len(raw) - len(r.body) {
			if _, err := decode(raw[:n]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("cut to %d of %d bytes: %v", n, len(raw), err)
			}
		}
	}
}

func TestADamagedHeadIsCorrupt(t *testing.T) {
	for name, head := range map[string][]byte{
		"empty":                        {},
		"an expiry without end":        {0xFF, 0xFF},
		"an expiry beyond 64 bits":     {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0},
		"an expiry after 9999":         {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0},
		"more indexes than bytes":      {0, 2, 1, 'i', 1, 'p', 1, 's'},
		"an index name too long":       {0, 1, 9, 'i', 1, 'p', 1, 's', 0},
		"no attributes counted":        {0, 0},
		"more attributes than bytes":   {0, 0, 9, 1, 'a', 0, 0},
		"an attribute without value":   {0, 0, 1, 1, 'a', 1},
		"an attribute of unknown kind": {0, 0, 1, 1, 'a', 9, 0},
		"an attribute twice":           {0, 0, 2, 1, 'a', 0, 0, 1, 'a', 0, 0},
		"a string too long":            {0, 0, 1, 1, 'a', 0, 9},
		"a set too large":              {0, 0, 1, 1, 'a', 2, 0xFF, 0x7F},
		"bytes left":                   {0, 0, 0, 0},
	} {
		raw := append([]byte{recordVersion, byte(len(head))}, head...)
		if r, err := decode(raw); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if _, err := decode([]byte{recordVersion + 1, 3, 0, 0, 0}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("another version: %v", err)
	}
}

// Whatever bytes are in the file, decoding ends with an error or with a record
// that encodes and decodes to itself.
func FuzzDecode(f *testing.F) {
	for _, r := range records {
		f.Add(encode(r))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := decode(raw)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, err := decode(encode(r))
		if err != nil || !same(again, r) {
			t.Fatalf("%+v became %+v, %v", r, again, err)
		}
	})
}
