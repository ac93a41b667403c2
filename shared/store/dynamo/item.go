package dynamo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ascend/shared/store"
)

// The attributes of a stored item beside those of its indexes. An item's own
// attributes carry attrPrefix, so that none of them is a word that DynamoDB's
// expressions reserve or one of these.
const (
	PartitionKey = "pk"
	SortKey      = "sk"
	TTL          = "ttl" // Unix seconds; the attribute for Time to Live
	body         = "body"
	attrPrefix   = "a_"
)

// IndexKeys returns the names of the key attributes of an index.
func IndexKeys(index store.Index) (partition, sort string) {
	return string(index) + "_pk", string(index) + "_sk"
}

// Projection returns the names of the attributes that a table's indexes include
// beside keys: the projected attributes and the expiry.
func Projection(def store.Definition) []string {
	names := []string{TTL}
	for _, attr := range def.Project {
		names = append(names, attrPrefix+attr)
	}
	return names
}

type attributes = map[string]types.AttributeValue

func marshalKey(k store.Key) attributes {
	return attributes{PartitionKey: str(k.PK), SortKey: str(k.SK)}
}

// marshal returns an item as it is stored.
func (t table) marshal(it store.Item) (attributes, error) {
	av := make(attributes, 4+len(it.Attrs)+2*len(it.Index))
	av[PartitionKey], av[SortKey] = str(it.Key.PK), str(it.Key.SK)
	if len(it.Body) > 0 {
		av[body] = &types.AttributeValueMemberB{Value: packBody(it.Body)}
	}
	if !it.Expires.IsZero() {
		av[TTL] = number(it.Expires.Unix())
	}
	for name, v := range it.Attrs {
		if !isEmptySet(v) {
			av[attrPrefix+name] = value(v)
		}
	}
	for index, at := range it.Index {
		if !t.indexes[index] {
			return nil, fmt.Errorf("store: table %q has no index %q", it.Key.Table, index)
		}
		pk, sk := IndexKeys(index)
		av[pk], av[sk] = str(at.PK), str(at.SK)
	}
	return av, nil
}

// isEmptySet reports whether v is no attribute at all.
func isEmptySet(v store.Value) bool { return v.Kind() == store.KindSet && len(v.Members()) == 0 }

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func value(v store.Value) types.AttributeValue {
	switch v.Kind() {
	case store.KindNumber:
		return number(v.Num())
	case store.KindSet:
		return &types.AttributeValueMemberSS{Value: v.Members()}
	default:
		return str(v.Str())
	}
}

// unmarshal returns a stored item. One that this package did not write is an error.
func unmarshal(t store.Table, av attributes) (*store.Item, error) {
	it := &store.Item{Key: store.Key{Table: t}, Attrs: make(store.Attrs, len(av))}
	for name, v := range av {
		var err error
		attr, own := strings.CutPrefix(name, attrPrefix)
		switch {
		case own:
			it.Attrs[attr], err = unmarshalValue(v)
		case name == PartitionKey:
			it.Key.PK, err = text(v)
		case name == SortKey:
			it.Key.SK, err = text(v)
		case name == TTL:
			var seconds int64
			seconds, err = integer(v)
			it.Expires = time.Unix(seconds, 0).UTC()
		case name == body:
			b, ok := v.(*types.AttributeValueMemberB)
			if !ok {
				err = fmt.Errorf("is %T", v)
				break
			}
			it.Body, err = unpackBody(b.Value)
		}
		if err != nil {
			return nil, fmt.Errorf("dynamo: attribute %s of an item in %s: %w", name, t, err)
		}
	}
	if it.Key.PK == "" || it.Key.SK == "" {
		return nil, fmt.Errorf("dynamo: item without key in %s", t)
	}
	return it, nil
}

func unmarshalValue(v types.AttributeValue) (store.Value, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return store.S(v.Value), nil
	case *types.AttributeValueMemberN:
		n, err := integer(v)
		return store.N(n), err
	case *types.AttributeValueMemberSS:
		return store.Set(v.Value...), nil
	default:
		return store.Value{}, fmt.Errorf("is %T", v)
	}
}

func text(v types.AttributeValue) (string, error) {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return "", fmt.Errorf("is %T", v)
	}
	return s.Value, nil
}

func integer(v types.AttributeValue) (int64, error) {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0, fmt.Errorf("is %T", v)
	}
	return strconv.ParseInt(n.Value, 10, 64)
}
