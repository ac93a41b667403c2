package dynamo

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"sync"

	"ascend/shared/store/internal/bounds"
)

// A body is stored behind a byte that says how: as it is, or deflated
// (RFC 1951) where that is smaller. DynamoDB bills writes by the kilobyte, and
// a decision of 3.6 KB deflates to 1.4.
const (
	plainBody    = 0
	deflatedBody = 1
)

// Bodies below this are not worth the trying.
const smallBody = 256

var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // fails only for an unknown level
	return w
}}

// packBody returns a body as it is stored.
func packBody(b []byte) []byte {
	if len(b) >= smallBody {
		out := bytes.NewBuffer(make([]byte, 0, len(b)))
		out.WriteByte(deflatedBody)
		w := deflaters.Get().(*flate.Writer)
		w.Reset(out)
		_, err := w.Write(b)
		if err == nil {
			err = w.Close()
		}
		deflaters.Put(w)
		if err == nil && out.Len() <= len(b) {
			return out.Bytes()
		}
	}
	return append([]byte{plainBody}, b...)
}

// unpackBody returns what packBody packed. It refuses what would inflate to more
// than the largest item.
func unpackBody(b []byte) ([]byte, error) {
	switch {
	case len(b) == 0:
		return nil, errors.New("is empty")
	case b[0] == plainBody:
		return b[1:], nil
	case b[0] != deflatedBody:
		return nil, fmt.Errorf("is packed in the unknown way %d", b[0])
	}
	r := flate.NewReader(bytes.NewReader(b[1:]))
	out, err := io.ReadAll(io.LimitReader(r, bounds.MaxItem+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("inflate: %w", err)
	case len(out) > bounds.MaxItem:
		return nil, fmt.Errorf("inflates to more than %d bytes", bounds.MaxItem)
	}
	return out, nil
}
