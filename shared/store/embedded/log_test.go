package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// logOf opens a log with batches 1 … first in its first file and the next
// second in the other.
func logOf(t testing.TB, first, second int) *log {
	t.Helper()
	l, err := openLog(filepath.Join(t.TempDir(), "store.db"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	for n := range first + second {
		if n == first {
			l.turn()
		}
		l.encode([][]byte{[]byte("one"), []byte("two")}, []change{
			{0, []byte("key"), []byte("value")}, {1, []byte("gone"), nil}, {1, []byte("empty"), []byte{}},
		})
		if err := l.append(); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestTheLogGivesBackTheBatchesThatTheFileLacks(t *testing.T) {
	l := logOf(t, 3, 2)
	for applied := range uint64(6) {
		missing, err := l.after(applied)
		if err != nil || len(missing) != int(5-applied) {
			t.Fatalf("after %d: %d batches, %v", applied, len(missing), err)
		}
		for i, b := range missing {
			var got string
			err := b.each(func(bucket, key, value []byte) error {
				got += string(bucket) + " " + string(key) + "=" + string(value) + ";"
				if (value == nil) != (string(key) == "gone") {
					t.Errorf("%s is %#v", key, value)
				}
				return nil
			})
			if want := "one key=value;two gone=;two empty=;"; err != nil || got != want || b.number != applied+1+uint64(i) {
				t.Errorf("batch %d: %q, %v, want %q", b.number, got, err, want)
			}
		}
	}
}

func TestALogWithoutABatchThatWasAcknowledgedIsCorrupt(t *testing.T) {
	for damaged := range 3 {
		l := logOf(t, 3, 2)
		size := int64(len(l.buf))
		if _, err := l.files[0].WriteAt([]byte{0xEE}, int64(damaged)*size+batchHeader+2); err != nil {
			t.Fatal(err)
		}
		if got, err := l.after(0); !errors.Is(err, ErrCorrupt) {
			t.Errorf("batch %d of 5 damaged: %d batches, %v", damaged+1, len(got), err)
		}
		if got, err := l.after(3); err != nil || len(got) != 2 {
			t.Errorf("batch %d damaged, but in the file: %d batches, %v", damaged+1, len(got), err)
		}
	}
}

// Whatever bytes are in a log file, reading it ends without a panic.
func FuzzLog(f *testing.F) {
	l := logOf(f, 3, 0)
	content, err := os.ReadFile(l.files[0].Name())
	if err != nil {
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
