package embedded

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
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

// Whatever bytes are in a log file, reading it ends without a panic.
func FuzzLog(f *testing.F) {
	l, err := openLog(filepath.Join(f.TempDir(), "store.db"), 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	names := [][]byte{[]byte("one"), []byte("two")}
	for range 3 {
		l.encode(names, []change{{0, []byte("key"), []byte("value")}, {1, []byte("gone"), nil}, {1, []byte("empty"), []byte{}}})
		if err := l.append(); err != nil {
			f.Fatal(err)
		}
	}
	content, err := os.ReadFile(l.files[0].Name())
	if err != nil {
		f.Fatal(err)
	}
	if err := l.close(); err != nil {
		f.Fatal(err)
	}
	whole := content[:l.pos]
	if found := batches(content); len(found) != 3 || found[2].number != 3 {
		f.Fatalf("read %d of 3 batches", len(found))
	}
	f.Add(whole, []byte{})
	f.Add(whole[:len(whole)/2], []byte("x"))
	f.Add([]byte{}, whole[batchHeader:len(whole)/3])
	f.Fuzz(func(t *testing.T, content, changes []byte) {
		nothing := func(_, key, _ []byte) error { return nil }
		for _, b := range append(batches(content), logged{1, changes}) {
			if err := b.each(nothing); err != nil && !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
		}
	})
}
