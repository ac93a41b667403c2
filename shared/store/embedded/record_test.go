package embedded

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"ascend/shared/store"
)

var records = []store.Item{
	{},
	{Body: []byte("body")},
	{Expires: time.Unix(1_900_000_000, 0).UTC()},
	{
		Expires: time.Unix(253402300799, 0).UTC(),
		Index:   map[store.Index]store.IndexKey{"by_time": {PK: "p", SK: "s"}, "due": {PK: "é", SK: "#"}},
		Attrs: store.Attrs{
			"s": store.S("text"), "empty": store.S(""), "n": store.N(-1 << 53), "zero": store.N(0), "set": store.Set("a", "b", "c"),
		},
		Body: bytes.Repeat([]byte{0xFF}, 300),
	},
}

func TestARecordSurvivesEncoding(t *testing.T) {
	for _, it := range records {
		it.Key = store.Key{Table: "t", PK: "p", SK: "s"}
		raw := encode(&it)
		got, err := decode(it.Key, raw)
		if err != nil || !reflect.DeepEqual(*got, it) {
			t.Errorf("got %+v, %v, want %+v", got, err, it)
		}
		for n := range raw {
			if _, err := decode(it.Key, raw[:n]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("cut to %d of %d bytes: %v", n, len(raw), err)
			}
		}
	}
}

func TestADamagedRecordIsCorrupt(t *testing.T) {
	for name, raw := range map[string][]byte{
		"empty":                        {},
		"a body too long":              {9, 'b', 0, 0, 0},
		"a body without end":           {0xFF, 0xFF},
		"no expiry":                    {0},
		"an expiry without end":        {0, 0xFF, 0xFF},
		"an expiry beyond 64 bits":     {0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0},
		"more indexes than bytes":      {0, 0, 9, 1, 'i', 1, 'p', 1, 's'},
		"an index name too long":       {0, 0, 1, 9, 'i', 1, 'p', 1, 's', 0},
		"no attributes counted":        {0, 0, 0},
		"more attributes than bytes":   {0, 0, 0, 9, 1, 'a', 0, 0},
		"an attribute without value":   {0, 0, 0, 1, 1, 'a', 1},
		"an attribute of unknown kind": {0, 0, 0, 1, 1, 'a', 9, 0},
		"a string too long":            {0, 0, 0, 1, 1, 'a', 0, 9},
		"a set too large":              {0, 0, 0, 1, 1, 'a', 2, 0xFF, 0x7F},
		"bytes left":                   {0, 0, 0, 0, 0},
	} {
		if it, err := decode(store.Key{}, raw); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %+v, %v", name, it, err)
		}
	}
}

// Whatever bytes are in the file, decoding ends with an error or with an item
// that encodes and decodes to itself.
func FuzzDecode(f *testing.F) {
	for _, it := range records {
		f.Add(encode(&it))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		it, err := decode(store.Key{}, raw)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, err := decode(store.Key{}, encode(it))
		if err != nil || !reflect.DeepEqual(it, again) {
			t.Fatalf("%+v became %+v, %v", it, again, err)
		}
	})
}
