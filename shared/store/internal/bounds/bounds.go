// Package bounds says what the persistence seam refuses before it reads or
// writes anything. Both implementations call it first, so that neither accepts
// what the other would not.
//
// The sizes are DynamoDB's ("Quotas in Amazon DynamoDB": partition key 2048
// bytes, sort key 1024 bytes, item 400 KB, batch read and transaction 100
// items). Key parts are valid UTF-8 without the NUL character, which both
// implementations use to tell key parts apart and to step past a key.
package bounds

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"ascend/shared/domain/exact"
	"ascend/shared/store"
)

// The limits. Sizes are bytes.
const (
	MaxKeys    = 100
	MaxOps     = 100
	MaxLimit   = 1000
	MaxPK      = 2048
	MaxSK      = 1024
	MaxItem    = store.MaxItem
	MaxGroup   = 4_000_000 // the items that a group puts
	MaxName    = 64
	MaxNumber  = exact.MaxInteger
	MaxMembers = 10_000
)

// Keys returns an error for bad arguments of Store.Get.
func Keys(keys []store.Key) error {
	if len(keys) > MaxKeys {
		return fmt.Errorf("store: %d keys in one read, at most %d", len(keys), MaxKeys)
	}
	for _, k := range keys {
		if err := key(k); err != nil {
			return err
		}
	}
	return nil
}

// Query returns an error for a bad argument of Store.Query.
func Query(q store.Query) error {
	if q.Limit < 1 || q.Limit > MaxLimit {
		return fmt.Errorf("store: query limit %d is not within 1 … %d", q.Limit, MaxLimit)
	}
	if err := part("partition key", q.PK, 1, MaxPK); err != nil {
		return err
	}
	for _, bound := range []string{q.Prefix, q.After, q.Before} {
		if err := part("sort key bound", bound, 0, MaxSK); err != nil {
			return err
		}
	}
	return nil
}

// Op returns an error for a bad argument of Store.Write.
func Op(op store.Op) error {
	if _, ok := op.(store.Check); ok {
		return errors.New("store: a Check must be part of a group (WriteAll)")
	}
	_, err := one(op)
	return err
}

// Group returns an error for bad arguments of Store.WriteAll.
func Group(ops []store.Op) error {
	if len(ops) == 0 || len(ops) > MaxOps {
		return fmt.Errorf("store: %d writes in one group, want 1 … %d", len(ops), MaxOps)
	}
	seen, total := make(map[store.Key]bool, len(ops)), 0
	for _, op := range ops {
		size, err := one(op)
		if err != nil {
			return err
		}
		if total += size; total > MaxGroup {
			return fmt.Errorf("store: group of more than %d bytes", MaxGroup)
		}
		k := store.KeyOf(op)
		if seen[k] {
			return fmt.Errorf("store: two writes of %v in one group", k)
		}
		seen[k] = true
	}
	return nil
}

// Number returns an error for a number attribute of too large a magnitude.
func Number(name string, n int64) error {
	if n > MaxNumber || n < -MaxNumber {
		return fmt.Errorf("store: number %s is not below 2^53 in magnitude", name)
	}
	return nil
}

// one checks an operation and returns the size of the item that it puts.
func one(op store.Op) (size int, err error) {
	switch op := op.(type) {
	case store.Put:
		return put(op)
	case store.Update:
		return 0, update(op)
	case store.Delete:
		return 0, keyAndConds(op.Key, op.If)
	case store.Check:
		if len(op.If) == 0 {
			return 0, fmt.Errorf("store: check of %v without a condition", op.Key)
		}
		return 0, keyAndConds(op.Key, op.If)
	default:
		return 0, fmt.Errorf("store: unknown operation %T", op)
	}
}

func put(p store.Put) (size int, err error) {
	if err := keyAndConds(p.Item.Key, p.If); err != nil {
		return 0, err
	}
	for name, v := range p.Item.Attrs {
		if err := attr(name, v); err != nil {
			return 0, err
		}
	}
	for index, at := range p.Item.Index {
		if index == "" {
			return 0, fmt.Errorf("store: %v names an index without a name", p.Item.Key)
		}
		if err := part("index partition key", at.PK, 1, MaxPK); err != nil {
			return 0, err
		}
		if err := part("index sort key", at.SK, 1, MaxSK); err != nil {
			return 0, err
		}
	}
	if size = p.Item.Size(); size > MaxItem {
		return 0, &store.TooLargeError{Key: p.Item.Key, Size: size}
	}
	if e := p.Item.Expires; !e.IsZero() && e.Unix() < 1 {
		return 0, fmt.Errorf("store: item %v expires before 1970", p.Item.Key)
	}
	return size, nil
}

func update(u store.Update) error {
	if err := keyAndConds(u.Key, u.If); err != nil {
		return err
	}
	named := len(u.Set) + len(u.Add) + len(u.AddTo) + len(u.TakeFrom) + len(u.Remove)
	if named == 0 {
		return fmt.Errorf("store: update of %v changes nothing", u.Key)
	}
	seen := make(map[string]bool, named)
	claim := func(attr string) error {
		if seen[attr] {
			return fmt.Errorf("store: update of %v names %s twice", u.Key, attr)
		}
		seen[attr] = true
		return name(attr)
	}
	for attrName, v := range u.Set {
		if err := claim(attrName); err != nil {
			return err
		}
		if err := attr(attrName, v); err != nil {
			return err
		}
	}
	for attrName, n := range u.Add {
		if err := claim(attrName); err != nil {
			return err
		}
		if err := Number(attrName, n); err != nil {
			return err
		}
	}
	for _, members := range []map[string]string{u.AddTo, u.TakeFrom} {
		for attrName, member := range members {
			if err := claim(attrName); err != nil {
				return err
			}
			if err := part("set member", member, 1, MaxItem); err != nil {
				return err
			}
		}
	}
	for _, attrName := range u.Remove {
		if err := claim(attrName); err != nil {
			return err
		}
	}
	return nil
}

func keyAndConds(k store.Key, conds []store.Cond) error {
	if err := key(k); err != nil {
		return err
	}
	for _, c := range conds {
		if err := cond(c); err != nil {
			return fmt.Errorf("%w, in a condition on %v", err, k)
		}
	}
	return nil
}

func cond(c store.Cond) error {
	switch c.Test {
	case store.TestAbsent, store.TestPresent:
		return nil
	case store.TestEqual:
		if c.Value.Kind() == store.KindSet {
			return fmt.Errorf("store: Equal compares strings and numbers, %s is a set", c.Attr)
		}
		return attr(c.Attr, c.Value)
	case store.TestBelow:
		if err := name(c.Other); err != nil {
			return err
		}
		return name(c.Attr)
	case store.TestLacks, store.TestHolds:
		if err := part("set member", c.Value.Str(), 1, MaxItem); err != nil {
			return err
		}
		return name(c.Attr)
	default:
		return fmt.Errorf("store: unknown test %d", c.Test)
	}
}

func key(k store.Key) error {
	if k.Table == "" {
		return errors.New("store: key without a table")
	}
	if err := part("partition key", k.PK, 1, MaxPK); err != nil {
		return err
	}
	return part("sort key", k.SK, 1, MaxSK)
}

// attr checks one attribute.
func attr(attrName string, v store.Value) error {
	if err := name(attrName); err != nil {
		return err
	}
	switch v.Kind() {
	case store.KindString:
		if !utf8.ValidString(v.Str()) {
			return fmt.Errorf("store: attribute %s is not UTF-8", attrName)
		}
		return nil
	case store.KindNumber:
		return Number(attrName, v.Num())
	case store.KindSet:
		if len(v.Members()) > MaxMembers {
			return fmt.Errorf("store: set %s has %d members, at most %d", attrName, len(v.Members()), MaxMembers)
		}
		seen := make(map[string]bool, len(v.Members()))
		for _, m := range v.Members() {
			if err := part("set member", m, 1, MaxItem); err != nil {
				return err
			}
			if seen[m] {
				return fmt.Errorf("store: set %s has a member twice", attrName)
			}
			seen[m] = true
		}
		return nil
	default:
		return fmt.Errorf("store: attribute %s is of unknown kind %d", attrName, v.Kind())
	}
}

func part(what, s string, least, most int) error {
	switch {
	case len(s) < least:
		return fmt.Errorf("store: empty %s", what)
	case len(s) > most:
		return fmt.Errorf("store: %s of %d bytes, at most %d", what, len(s), most)
	case !utf8.ValidString(s):
		return fmt.Errorf("store: %s is not UTF-8", what)
	case strings.IndexByte(s, 0) >= 0:
		return fmt.Errorf("store: %s contains NUL", what)
	}
	return nil
}

func name(attr string) error {
	if attr == "" || len(attr) > MaxName {
		return fmt.Errorf("store: attribute name of %d bytes, want 1 … %d", len(attr), MaxName)
	}
	for i := range len(attr) {
		c := attr[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return fmt.Errorf("store: attribute name %q has other characters than letters, digits and underscores", attr)
		}
	}
	return nil
}
