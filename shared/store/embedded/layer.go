package embedded

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
)

// layer holds the latest changes in memory, in the order of their keys: a skip
// list for each bucket. One goroutine changes it, under the store's lock until
// it is frozen.
type layer struct {
	lists []list // by slot
	last  uint64 // the number of the last batch in it
}

const levels = 14 // enough for some ten thousand keys at one in two

// list is a skip list (Pugh, "Skip Lists: A Probabilistic Alternative to
// Balanced Trees", 1990). A nil value tells that the key was deleted.
type list struct {
	first [levels]*node
	used  int // levels
	size  int // keys
}

type node struct {
	key, value []byte
	next       []*node
}

func newLayer(slots int) *layer { return &layer{lists: make([]list, slots)} }

// get finds a change of the key; found tells a deletion from no change.
func (l *layer) get(slot int, key []byte) (value []byte, found bool) {
	if l == nil {
		return nil, false
	}
	n := l.lists[slot].atOrAfter(key)
	if n == nil || !bytes.Equal(n.key, key) {
		return nil, false
	}
	return n.value, true
}

// put keeps key and value, which must not change any more.
func (l *layer) put(slot int, key, value []byte) {
	s := &l.lists[slot]
	var trail [levels][]*node // where each level steps over the key
	next := s.first[:]
	for level := s.used - 1; level >= 0; level-- {
		for n := next[level]; n != nil && bytes.Compare(n.key, key) < 0; n = next[level] {
			next = n.next
		}
		trail[level] = next
	}
	if s.used > 0 {
		if n := trail[0][0]; n != nil && bytes.Equal(n.key, key) {
			n.value = value
			return
		}
	}
	height := min(levels, 1+bits.TrailingZeros64(rand.Uint64()))
	n := &node{key: key, value: value, next: make([]*node, height)}
	for level := range height {
		before := s.first[:]
		if level < s.used {
			before = trail[level]
		}
		n.next[level] = before[level]
		before[level] = n
	}
	s.used = max(s.used, height)
	s.size++
}

// atOrAfter finds the first key that is not less.
func (s *list) atOrAfter(key []byte) *node {
	next := s.first[:]
	for level := s.used - 1; level >= 0; level-- {
		for n := next[level]; n != nil && bytes.Compare(n.key, key) < 0; n = next[level] {
			next = n.next
		}
	}
	return next[0]
}

// before finds the last key that is less.
func (s *list) before(key []byte) *node {
	next := s.first[:]
	var last *node
	for level := s.used - 1; level >= 0; level-- {
		for n := next[level]; n != nil && bytes.Compare(n.key, key) < 0; n = next[level] {
			last, next = n, n.next
		}
	}
	return last
}
