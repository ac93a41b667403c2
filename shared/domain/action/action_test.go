package action

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"ascend/shared/domain/governance"
)

func TestIDsGrowWithTimeAndFitEveryJSONReader(t *testing.T) {
	var ids IDs
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	last := ID(0)
	for i := range 10_000 {
		id := ids.Next(now.Add(time.Duration(i%100)*time.Microsecond), byte(i))
		if id <= last || id > MaxID {
			t.Fatalf("id %d after %d", id, last)
		}
		last = id
	}
	if last = ids.Next(time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC), 255); last > MaxID {
		t.Errorf("in 2090 ids no longer fit: %d", last)
	}
}

func TestParseIDTakesOnlyThePlainDecimalForm(t *testing.T) {
	for s, want := range map[string]ID{
		"1": 1, "9007199254740991": MaxID, "9007199254740992": 0, "0": 0, "-1": 0, "+1": 0, "01": 0, "1.0": 0, "": 0, " 1": 0, "１": 0, "99999999999999999999": 0,
	} {
		if id, ok := ParseID(s); id != want || ok != (want != 0) {
			t.Errorf("ParseID(%q) = %d, %v", s, id, ok)
		}
	}
}

func TestRedact(t *testing.T) {
	const key = "owkai_admin_aBcDeFgHiJkLmNoPqRsTuVwXyZ123456789"
	p := Redact(governance.Proposal{
		Description: "use " + key + " now",
		Resource:    "postgres://app:hunter2@db.internal/customers?x=1",
		Parameters: map[string]any{
			"db_password": "hunter2", "API-Key": "k", "Authorization": map[string]any{"scheme": "Basic"}, "nested": []any{map[string]any{"client_secret": 7.0}},
			"max_tokens": jsontext.Value("4096"), "token_present": true, "query": "SELECT 1", "auth": "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "risk-notes": "risk-management-and-so-on-and-so-forth",
			"pem": "-----BEGIN PRIVATE KEY-----\nabc def\n-----END", "token": jsontext.Value("123456"),
		},
	})
	for where, got := range map[string]any{
		"use [REDACTED] now": p.Description,
		"postgres://app:[REDACTED]@db.internal/customers?x=1": p.Resource,
	} {
		if got != where {
			t.Errorf("got %q, want %q", got, where)
		}
	}
	for name, want := range map[string]any{
		"db_password": Redacted, "API-Key": Redacted, "Authorization": Redacted, "token_present": true, "query": "SELECT 1",
		"auth": "Bearer " + Redacted, "risk-notes": "risk-management-and-so-on-and-so-forth", "pem": Redacted, "token": Redacted,
	} {
		if got := p.Parameters[name]; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if got := p.Parameters["max_tokens"].(jsontext.Value); got.String() != "4096" {
		t.Errorf("a count is no secret, got %v", got)
	}
	nested := p.Parameters["nested"].([]any)[0].(map[string]any)
	if nested["client_secret"] != Redacted {
		t.Errorf("nested: %v", nested)
	}
}

func TestATextTooShortForACredentialStaysAsItIs(t *testing.T) {
	for text, want := range map[string]string{
		"sk-0123456789abcdef": "sk-0123456789abcdef", "sk-0123456789abcdefg": Redacted, "a sk-0123456789abcdef": "a sk-0123456789abcdef",
		"-----BEGIN": Redacted, "a -----BEGIN x": "a " + Redacted, "a://b:c@d": "a://b:" + Redacted + "@d",
	} {
		if got := redactText(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestRedactIsDoneOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text") + rapid.SampledFrom([]string{"", "eyJ", "sk-", "a://b:c@d", "owkai_user_"}).Draw(t, "mark") + rapid.String().Draw(t, "rest")
		once := Redact(governance.Proposal{Description: text})
		if twice := Redact(once); twice.Description != once.Description {
			t.Fatalf("%q became %q and then %q", text, once.Description, twice.Description)
		}
	})
}

func TestTheDigestIsOfTheProposalAndItsOrganisation(t *testing.T) {
	p := governance.Proposal{AgentID: "agent-1", ActionType: "email_send", Parameters: map[string]any{"b": 1.0, "a": jsontext.Value("10")}}
	digest := func(org int64, p governance.Proposal) string {
		d, err := Digest(1, p)
		if org != 1 {
			d, err = Digest(2, p)
		}
		if err != nil || len(d) != 64 {
			t.Fatalf("digest %q, %v", d, err)
		}
		return d
	}
	same, other := p, p
	same.Parameters = map[string]any{"a": jsontext.Value("10"), "b": 1.0}
	other.Resource = "x"
	if digest(1, p) != digest(1, same) || digest(1, p) == digest(1, other) || digest(1, p) == digest(2, p) {
		t.Error("equal proposals have equal digests, others not")
	}
}

// The value is Python's: hashlib over json.dumps with sorted keys and without blanks.
func TestTheDigestNeverChanges(t *testing.T) {
	const want = "e16951446c04f5a077148a916d3b2aadfc90c74f20963ed5cbbb9c2ffe7d55e3"
	if got, err := Digest(1, usual); got != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestARecordKeepsNumbersDigitForDigit(t *testing.T) {
	a := &Action{ID: 1, Org: 1, Input: governance.Input{Proposal: governance.Proposal{
		Parameters: map[string]any{"account": jsontext.Value("12345678901234567890"), "deep": []any{jsontext.Value("1.10")}},
	}}}
	first, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	b, err := Decode(first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Decode(second)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(second), "12345678901234567890") || !strings.Contains(string(second), "1.10") || !reflect.DeepEqual(b, c) {
		t.Errorf("%s\nbecame\n%s", first, second)
	}
}
