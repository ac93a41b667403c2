package endpoint

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"ascend/shared/endpoint/bind"
)

const (
	headerCorrelation = "X-Correlation-Id"
	maxCorrelation    = 128
)

// callerID returns the caller's X-Correlation-ID, "" when absent or malformed.
func callerID(h http.Header) string {
	if values := h[headerCorrelation]; len(values) == 1 && bind.Visible(values[0], maxCorrelation) {
		return values[0]
	}
	return ""
}

// correlationID returns a new id of our own: action_YYYYMMDD_HHMMSS_<8 hex> (decision 6).
func correlationID(at time.Time) string {
	b := append(make([]byte, 0, 40), "action_"...)
	b = at.AppendFormat(b, "20060102_150405_")
	var random [4]byte
	rand.Read(random[:]) // never fails
	return string(hex.AppendEncode(b, random[:]))
}
