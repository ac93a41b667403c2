package embedded

import (
	"fmt"
	"maps"
	"slices"

	"ascend/shared/store"
	"ascend/shared/store/internal/bounds"
)

// holds reports whether all conditions hold on an item, nil where there is none.
func holds(conds []store.Cond, it *store.Item) bool {
	var attrs store.Attrs
	if it != nil {
		attrs = it.Attrs
	}
	return !slices.ContainsFunc(conds, func(c store.Cond) bool { return !one(c, it != nil, attrs) })
}

// one reports whether a condition holds.
func one(c store.Cond, exists bool, attrs store.Attrs) bool {
	v, has := attrs[c.Attr]
	switch c.Test {
	case store.TestAbsent:
		return !exists
	case store.TestPresent:
		return exists
	case store.TestEqual:
		return has && v.Kind() == c.Value.Kind() && v.Kind() != store.KindSet &&
			v.Str() == c.Value.Str() && v.Num() == c.Value.Num()
	case store.TestBelow:
		limit, limited := attrs[c.Other]
		if !limited {
			return true
		}
		if has && v.Kind() != store.KindNumber || limit.Kind() != store.KindNumber {
			return false
		}
		return v.Num() < limit.Num()
	case store.TestLacks:
		return !slices.Contains(v.Members(), c.Value.Str())
	case store.TestHolds:
		return slices.Contains(v.Members(), c.Value.Str())
	default:
		return false
	}
}

// updated returns the attributes after an update of old.
func updated(old store.Attrs, u store.Update) (store.Attrs, error) {
	attrs := make(store.Attrs, len(old)+len(u.Set)+len(u.Add)+len(u.AddTo))
	maps.Copy(attrs, old)
	for name, v := range u.Set {
		if v.Kind() == store.KindSet && len(v.Members()) == 0 {
			delete(attrs, name)
			continue
		}
		attrs[name] = v
	}
	for name, n := range u.Add {
		v, has := attrs[name]
		if has && v.Kind() != store.KindNumber {
			return nil, fmt.Errorf("store: add to %s of %v, which is no number", name, u.Key)
		}
		sum := v.Num() + n
		if err := bounds.Number(name, sum); err != nil {
			return nil, err
		}
		attrs[name] = store.N(sum)
	}
	for name, member := range u.AddTo {
		v, has := attrs[name]
		if has && v.Kind() != store.KindSet {
			return nil, fmt.Errorf("store: add a member to %s of %v, which is no set", name, u.Key)
		}
		if !slices.Contains(v.Members(), member) {
			attrs[name] = store.Set(append(slices.Clone(v.Members()), member)...)
		}
	}
	for name, member := range u.TakeFrom {
		v, has := attrs[name]
		if has && v.Kind() != store.KindSet {
			return nil, fmt.Errorf("store: take a member from %s of %v, which is no set", name, u.Key)
		}
		rest := slices.DeleteFunc(slices.Clone(v.Members()), func(m string) bool { return m == member })
		if attrs[name] = store.Set(rest...); len(rest) == 0 {
			delete(attrs, name)
		}
	}
	for _, name := range u.Remove {
		delete(attrs, name)
	}
	return attrs, nil
}
