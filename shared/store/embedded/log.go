package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// The log makes batches durable before the file has them: two files that take
// turns. While one is written, the changes of the other go to the store's file
// (a checkpoint); then they change places. A log file is a row of batches:
//
//	checksum (CRC-32C of the rest, 4 bytes) · length of the changes (4) · number (8) · changes
//
// integers big-endian, and a change is
//
//	length and name of the bucket · length and key · 0 for a deletion, or length + 1 and value
//
// with lengths as unsigned varints. Batches are numbered without gaps over the
// store's whole life; the store's file knows the last number it has, and what
// follows a batch in the log is valid only if it bears the next number.
type log struct {
	files  [2]*os.File
	active int
	pos    int64    // end of the batches in the active file
	room   [2]int64 // how long the files are
	limit  int64    // where to change places
	last   uint64   // number of the last batch
	buf    []byte
	sync   func(*os.File) error
}

const (
	batchHeader = 16
	// Syncing bytes that were there before is quicker than making a file
	// longer, so it grows in steps.
	logStep = 256 << 10
)

var zeros [logStep]byte

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// change is one key's new value, nil for a deletion.
type change struct {
	slot       int
	key, value []byte
}

func logPath(path string, n int) string { return fmt.Sprintf("%s-log%d", path, n) }

// openLog makes or opens the log files.
func openLog(path string, limit int64) (*log, error) {
	l := &log{limit: limit, sync: syncData}
	for n := range l.files {
		f, err := os.OpenFile(logPath(path, n), os.O_RDWR|os.O_CREATE, fileMode)
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.files[n] = f
		if l.room[n], err = f.Seek(0, io.SeekEnd); err != nil {
			return nil, errors.Join(err, l.close())
		}
	}
	return l, nil
}

func (l *log) close() error {
	var errs []error
	for _, f := range l.files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// remove closes the files and deletes them.
func (l *log) remove() error {
	err := l.close()
	for _, f := range l.files {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// encode lays a batch out in the log's buffer.
func (l *log) encode(names [][]byte, changes []change) {
	b := append(l.buf[:0], make([]byte, batchHeader)...)
	for _, c := range changes {
		b = appendBytes(b, names[c.slot])
		b = appendBytes(b, c.key)
		if c.value == nil {
			b = append(b, 0)
			continue
		}
		b = append(binary.AppendUvarint(b, uint64(len(c.value))+1), c.value...)
	}
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-batchHeader))
	binary.BigEndian.PutUint64(b[8:], l.last+1)
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	l.buf = b
}

func appendBytes(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// full tells that the encoded batch belongs into the other file.
func (l *log) full() bool { return l.pos > 0 && l.pos+int64(len(l.buf)) > l.limit }

// turn makes the other file the active one, whose batches must be in the
// store's file.
func (l *log) turn() { l.active, l.pos = 1-l.active, 0 }

// append makes the encoded batch durable.
func (l *log) append() error {
	f, end := l.files[l.active], l.pos+int64(len(l.buf))
	if end > l.room[l.active] {
		if _, err := f.WriteAt(zeros[:], end); err != nil {
			return err
		}
		l.room[l.active] = end + logStep
	}
	if _, err := f.WriteAt(l.buf, l.pos); err != nil {
		return err
	}
	if err := l.sync(f); err != nil {
		return err
	}
	l.pos, l.last = end, l.last+1
	if cap(l.buf) > batchBytes {
		l.buf = nil
	}
	return nil
}

// logged is a batch read back.
type logged struct {
	number  uint64
	changes []byte
}

// batches reads the batches at the start of a log file's content. They are
// numbered upwards without gaps; what follows is torn or older and ignored.
func batches(content []byte) []logged {
	var all []logged
	for len(content) >= batchHeader {
		length := binary.BigEndian.Uint32(content[4:])
		if uint64(length) > uint64(len(content)-batchHeader) {
			break
		}
		end := batchHeader + int(length)
		number := binary.BigEndian.Uint64(content[8:])
		if crc32.Checksum(content[4:end], castagnoli) != binary.BigEndian.Uint32(content) || number == 0 {
			break
		}
		if len(all) > 0 && number != all[len(all)-1].number+1 {
			break
		}
		all = append(all, logged{number, content[batchHeader:end]})
		content = content[end:]
	}
	return all
}

// each visits the changes of a batch.
func (b logged) each(visit func(bucket, key, value []byte) error) error {
	rest := b.changes
	field := func(extra uint64) ([]byte, bool) {
		length, n := binary.Uvarint(rest)
		if n <= 0 || length < extra || length-extra > uint64(len(rest)-n) {
			return nil, false
		}
		end := n + int(length-extra)
		value := rest[n:end:end]
		rest = rest[end:]
		return value, true
	}
	for len(rest) > 0 {
		bucket, ok := field(0)
		key, ok2 := field(0)
		if !ok || !ok2 || len(rest) == 0 {
			return fmt.Errorf("%w: batch %d of the log", ErrCorrupt, b.number)
		}
		var value []byte
		if rest[0] == 0 {
			rest = rest[1:]
		} else if value, ok = field(1); !ok {
			return fmt.Errorf("%w: batch %d of the log", ErrCorrupt, b.number)
		}
		if err := visit(bucket, key, value); err != nil {
			return err
		}
	}
	return nil
}

// after reads the log's batches that follow number applied.
func (l *log) after(applied uint64) ([]logged, error) {
	var missing []logged
	for n, f := range l.files {
		content := make([]byte, l.room[n])
		if _, err := f.ReadAt(content, 0); err != nil && err != io.EOF {
			return nil, err
		}
		found := batches(content)
		for len(found) > 0 && found[0].number <= applied {
			found = found[1:]
		}
		if len(found) == 0 {
			continue
		}
		if len(missing) > 0 && found[0].number < missing[0].number {
			missing = append(found, missing...)
		} else {
			missing = append(missing, found...)
		}
	}
	for i, b := range missing {
		if b.number != applied+1+uint64(i) {
			return nil, fmt.Errorf("%w: the log lacks batch %d", ErrCorrupt, applied+1+uint64(i))
		}
	}
	return missing, nil
}
