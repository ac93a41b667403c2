package keys

import (
	"io"
	"strings"
)

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// encode returns n in base 62 with leading zeros. The widths suffice:
// 62^7 > maxOrg, 62^11 > 2^64.
func encode(n uint64, width int) string {
	text := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		text[i] = alphabet[n%62]
		n /= 62
	}
	return string(text)
}

// decode returns the number that up to ten digits of alphabet write.
func decode(text string) (n uint64) {
	for i := range len(text) {
		n = n*62 + uint64(strings.IndexByte(alphabet, text[i]))
	}
	return n
}

// draw returns the random part of a key. It discards bytes from 248 on: 256 is no
// multiple of 62, so they would favour some digits.
func draw(random io.Reader) (string, error) {
	text := make([]byte, 0, randomLength)
	var buffer [2 * randomLength]byte
	for len(text) < randomLength {
		if _, err := io.ReadFull(random, buffer[:]); err != nil {
			return "", err
		}
		for _, b := range buffer {
			if b < 4*62 && len(text) < randomLength {
				text = append(text, alphabet[b%62])
			}
		}
	}
	return string(text), nil
}
