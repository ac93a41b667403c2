package keys

import (
	"fmt"
	"io"
)

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// encode writes n in base 62 with leading zeros. The callers' widths hold
// their numbers: 62^7 > maxOrg, 62^11 > 2^64.
func encode(n uint64, width int) string {
	text := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		text[i] = alphabet[n%62]
		n /= 62
	}
	return string(text)
}

// decode reads up to ten digits that were checked before.
func decode(text string) (n uint64) {
	for i := range len(text) {
		n = n*62 + uint64(digit(text[i]))
	}
	return n
}

// digit is the value of c, or -1.
func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 36
	}
	return -1
}

// draw reads the random part of a key. Bytes from 248 on are thrown away, since
// 256 is no multiple of 62 and they would favour some digits.
func draw(random io.Reader) (string, error) {
	text := make([]byte, 0, randomLength)
	var buffer [2 * randomLength]byte
	for len(text) < randomLength {
		if _, err := io.ReadFull(random, buffer[:]); err != nil {
			return "", fmt.Errorf("draw its random part: %w", err)
		}
		for _, b := range buffer {
			if b < 4*62 && len(text) < randomLength {
				text = append(text, alphabet[b%62])
			}
		}
	}
	return string(text), nil
}
