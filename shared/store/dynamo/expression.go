package dynamo

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ascend/shared/store"
)

// expression collects the values that DynamoDB's expressions refer to. Names
// stand in the text: with their prefix none of them is a reserved word.
type expression struct{ values attributes }

// ref adds a value and returns its reference.
func (e *expression) ref(v types.AttributeValue) string {
	if e.values == nil {
		e.values = attributes{}
	}
	name := ":v" + strconv.Itoa(len(e.values))
	e.values[name] = v
	return name
}

// condition returns the expression for all conditions and, for an update, the
// item's existence, or nil where there is nothing to ask.
func (e *expression) condition(conds []store.Cond, update bool) *string {
	var all []string
	if update {
		all = append(all, "attribute_exists(pk)")
	}
	for _, c := range conds {
		all = append(all, e.one(c))
	}
	if len(all) == 0 {
		return nil
	}
	text := strings.Join(all, " AND ")
	return &text
}

// one returns the expression for a condition.
func (e *expression) one(c store.Cond) string {
	attr, other := attrPrefix+c.Attr, attrPrefix+c.Other
	switch c.Test {
	case store.TestAbsent:
		return "attribute_not_exists(pk)"
	case store.TestPresent:
		return "attribute_exists(pk)"
	case store.TestEqual:
		return attr + " = " + e.ref(value(c.Value))
	case store.TestBelow:
		return "(attribute_not_exists(" + other + ") OR " + attr + " < " + other +
			" OR (attribute_not_exists(" + attr + ") AND " + other + " > " + e.ref(number(0)) + "))"
	case store.TestHolds:
		// contains alone would also find a part of a string.
		return "(attribute_type(" + attr + ", " + e.ref(str("SS")) + ") AND contains(" + attr + ", " + e.ref(value(c.Value)) + "))"
	default: // Lacks; package bounds has refused every other test
		return "(attribute_not_exists(" + attr + ") OR NOT contains(" + attr + ", " + e.ref(value(c.Value)) + "))"
	}
}

// update returns the expression for what an update changes.
func (e *expression) update(u store.Update) *string {
	var set, remove, add, take []string
	for _, name := range slices.Sorted(maps.Keys(u.Set)) {
		if v := u.Set[name]; isEmptySet(v) {
			remove = append(remove, attrPrefix+name)
		} else {
			set = append(set, attrPrefix+name+" = "+e.ref(value(v)))
		}
	}
	for _, name := range u.Remove {
		remove = append(remove, attrPrefix+name)
	}
	for _, name := range slices.Sorted(maps.Keys(u.Add)) {
		add = append(add, attrPrefix+name+" "+e.ref(number(u.Add[name])))
	}
	for _, name := range slices.Sorted(maps.Keys(u.AddTo)) {
		add = append(add, attrPrefix+name+" "+e.ref(&types.AttributeValueMemberSS{Value: []string{u.AddTo[name]}}))
	}
	for _, name := range slices.Sorted(maps.Keys(u.TakeFrom)) {
		take = append(take, attrPrefix+name+" "+e.ref(&types.AttributeValueMemberSS{Value: []string{u.TakeFrom[name]}}))
	}
	var clauses []string
	for _, clause := range []struct {
		verb  string
		parts []string
	}{{"SET ", set}, {"REMOVE ", remove}, {"ADD ", add}, {"DELETE ", take}} {
		if len(clause.parts) > 0 {
			clauses = append(clauses, clause.verb+strings.Join(clause.parts, ", "))
		}
	}
	text := strings.Join(clauses, " ")
	return &text
}

// keyRange returns the key condition of a query. It may cover a little more
// than the query's range, up to the sort keys that bound it; ok is false where
// the range is empty. DynamoDB takes one condition on the sort key, and its
// BETWEEN includes both ends.
func (e *expression) keyRange(q store.Query, pk, sk string) (text string, ok bool) {
	partition := pk + " = " + e.ref(str(q.PK))
	end := successor(q.Prefix)
	after := q.After != "" && q.After >= q.Prefix
	before := q.Before != "" && (end == "" || q.Before < end)
	switch {
	case !after && !before && q.Prefix == "":
		return partition, true
	case !after && !before:
		return partition + " AND begins_with(" + sk + ", " + e.ref(str(q.Prefix)) + ")", true
	case !before && q.Prefix == "":
		return partition + " AND " + sk + " > " + e.ref(str(q.After)), true
	case !after && q.Prefix == "":
		return partition + " AND " + sk + " < " + e.ref(str(q.Before)), true
	}
	lower, upper := q.Prefix, end
	if after {
		lower = q.After
	}
	if before {
		upper = q.Before
	}
	switch {
	case upper == "":
		return partition + " AND " + sk + " >= " + e.ref(str(lower)), true
	case lower >= upper:
		return "", false
	}
	return partition + " AND " + sk + " BETWEEN " + e.ref(str(lower)) + " AND " + e.ref(str(upper)), true
}

// successor returns the least string above all that begin with prefix, or ""
// where there is none. DynamoDB orders strings by their UTF-8 bytes, which is the
// order of code points.
func successor(prefix string) string {
	runes := []rune(prefix)
	for i, last := range slices.Backward(runes) {
		switch next := last + 1; {
		case next > '\U0010FFFF':
			continue
		case next == 0xD800: // surrogates are no characters
			return string(runes[:i]) + "\uE000"
		default:
			return string(runes[:i]) + string(next)
		}
	}
	return ""
}
