package bind

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/problem"
)

// The bounds of a body beside its size, so that no JSON costs much more to
// read than its bytes.
const (
	MaxDepth    = 32     // nested objects and arrays
	MaxElements = 10_000 // members, elements and containers
	MaxNumber   = 64     // characters of a number
	maxExponent = 3      // digits of a number's exponent
)

// decode reads the body into the json fields of in and applies the rules.
// Names match by case, none may come twice, nothing may follow the object.
func (b *Binder) decode(in reflect.Value, body []byte) error {
	body = bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(body) == 0 && !b.BodyRequired, !b.hasBody && !b.RefuseMembers:
		return nil
	case len(body) == 0:
		return problem.Invalid("a JSON body is required%s", b.missingNames())
	}
	if err := withinBounds(body); err != nil {
		return err
	}
	if body[0] != '{' {
		if !jsontext.Value(body).IsValid() {
			return malformed("the body is not JSON")
		}
		return problem.InvalidFields(problem.Field{Pointer: "", Detail: "the body must be a JSON object"})
	}
	if err := json.Unmarshal(body, in.Addr().Interface(), b.json); err != nil {
		return b.explain(body, err)
	}
	return b.checkRules(in)
}

func (b *Binder) checkRules(in reflect.Value) error {
	if b.rules.empty() {
		return nil
	}
	bad := b.rules.check(in, "", nil)
	if len(bad) == 0 {
		return nil
	}
	e := problem.InvalidFields(bad...)
	var missing []string
	for _, f := range bad {
		if strings.HasSuffix(f.Detail, " is required") {
			missing = append(missing, f.Pointer[1:])
		}
	}
	if len(missing) > 0 { // the documented words (seeds/004)
		e.Detail = "Missing required fields: " + strings.Join(missing, ", ")
	}
	return e
}

// missingNames returns the required members as a sentence, for a request without body.
func (b *Binder) missingNames() string {
	if b.rules == nil {
		return ""
	}
	var names []string
	for _, f := range b.rules.fields {
		if f.rule.required {
			names = append(names, f.name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ". Missing required fields: " + strings.Join(names, ", ")
}

// withinBounds reports an excess of the bounds. It scans the body once, without parsing it.
func withinBounds(body []byte) error {
	depth, elements := 0, 0
	for i := 0; i < len(body); i++ {
		switch c := body[i]; c {
		case '"':
			for i++; i < len(body) && body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			elements++
			if depth++; depth > MaxDepth {
				return malformed("the body is nested deeper than %d levels", MaxDepth)
			}
		case '}', ']':
			depth--
		case ',':
			if elements++; elements > MaxElements {
				return malformed("the body has more than %d elements", MaxElements)
			}
		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			start, exponent := i, 0
			for ; i < len(body) && isNumberByte(body[i]); i++ {
				switch {
				case body[i] == 'e' || body[i] == 'E':
					exponent = 1
				case exponent > 0 && body[i] >= '0':
					exponent++
				}
			}
			if i-start > MaxNumber || exponent > 1+maxExponent {
				return malformed("the body has a number that is too long or too large")
			}
			i--
		}
	}
	return nil
}

func isNumberByte(c byte) bool {
	return '0' <= c && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'
}

// explain returns a decoder's error as a problem, in terms of JSON and not of Go.
func (b *Binder) explain(body []byte, err error) error {
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			f := problem.Field{Pointer: Clip(string(syntactic.JSONPointer)), Detail: "is given more than once"}
			f.Detail = name(f.Pointer) + " " + f.Detail
			return &problem.Error{Kind: problem.KindInvalid, Code: problem.CodeInvalidJSON, Detail: f.Detail, Fields: []problem.Field{f}}
		}
		return malformed("the body is not JSON: malformed at byte %d", syntactic.ByteOffset)
	}
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		return malformed("the body is not JSON")
	}
	if errors.Is(err, json.ErrUnknownName) {
		if fields := unknownMembers(b.in, body); len(fields) > 0 {
			return problem.InvalidFields(fields...)
		}
	}
	pointer := Clip(string(semantic.JSONPointer))
	detail := "must be " + expected(semantic.GoType)
	var known *problem.Error
	switch {
	case errors.As(semantic.Err, &known):
		detail = known.Detail
	case semantic.JSONKind == '0' && semantic.GoType != nil && isNumber(semantic.GoType) && !bytes.ContainsAny(semantic.JSONValue, ".eE"):
		detail = "is out of range"
	}
	return problem.InvalidFields(problem.Field{Pointer: pointer, Detail: name(pointer) + " " + detail})
}

// expected returns what JSON a Go type is read from, in words.
func expected(t reflect.Type) string {
	if t == nil {
		return "another type"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[time.Time]() {
		return "a time such as 2026-01-02T15:04:05Z"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	if isNumber(t) {
		return "an integer"
	}
	return "another type"
}

func malformed(format string, args ...any) error {
	return problem.New(problem.KindInvalid, problem.CodeInvalidJSON, "%s", fmt.Sprintf(format, args...))
}

// name returns what messages call the part at a pointer: "stages/0/name".
func name(pointer string) string {
	if pointer == "" {
		return "the body"
	}
	return strings.TrimPrefix(pointer, "/")
}
