package bind

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/problem"
)

type stage struct {
	Name    string   `json:"name" required:"true" maxlen:"5"`
	Seconds *int     `json:"seconds" min:"1" max:"60"`
	Labels  []string `json:"labels" maxlen:"2"`
}

type thing struct {
	ID      string           `json:"agent_id" required:"true" maxlen:"8"`
	Kind    string           `json:"kind" enum:"a,b"`
	Limit   *int64           `json:"auto_approve_below" min:"0" max:"100"`
	Ratio   float64          `json:"ratio"`
	On      bool             `json:"on"`
	At      time.Time        `json:"at"`
	Stages  []stage          `json:"stages"`
	First   *stage           `json:"first"`
	Named   map[string]stage `json:"named"`
	Context map[string]any   `json:"context"`
	Raw     jsontext.Value   `json:"raw"`
}

// FuzzDecode: no body panics or is answered 5xx, and what is accepted is JSON
// within the bounds that reads the same again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"agent_id":"abc"}`, `{"stages":[{"name":"x"}]}`, `{"raw":{"a":[1e5,null]}}`, `{"context":{"a":1}}`, "{\"\xff\":1}", `{"a":"\ud800"}`} {
		f.Add([]byte(seed), true)
	}
	binders := map[bool]*Binder{}
	for _, strict := range []bool{true, false} {
		b, err := New(reflect.TypeFor[thing](), Options{BodyRequired: true, RefuseMembers: strict})
		if err != nil {
			f.Fatal(err)
		}
		binders[strict] = b
	}
	f.Fuzz(func(t *testing.T, body []byte, strict bool) {
		var in thing
		err := binders[strict].decode(reflect.ValueOf(&in).Elem(), body)
		if err != nil {
			if e := problem.As(err); e.Kind != problem.KindInvalid {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if !jsontext.Value(body).IsValid() {
			t.Fatalf("accepted %q", body)
		}
		again, err := json.Marshal(in, json.Deterministic(true))
		if err != nil {
			t.Fatalf("%q cannot be written: %v", body, err)
		}
		var second thing
		if err := binders[false].decode(reflect.ValueOf(&second).Elem(), again); err != nil {
			t.Fatalf("%q became %q: %v", body, again, err)
		}
		if third, _ := json.Marshal(second, json.Deterministic(true)); !bytes.Equal(again, third) {
			t.Fatalf("%q, then %q", again, third)
		}
	})
}

// submit is shaped as the largest hot request is.
type submit struct {
	AgentID    string         `json:"agent_id" required:"true"`
	ActionType string         `json:"action_type" required:"true"`
	Resource   string         `json:"resource" maxlen:"500"`
	Target     string         `json:"target_system"`
	Details    jsontext.Value `json:"action_details"`
	Parameters jsontext.Value `json:"parameters"`
	Context    struct {
		Environment string           `json:"environment"`
		Class       string           `json:"data_classification"`
		Amount      jsontext.Value   `json:"amount"`
		Human       *bool            `json:"require_human_approval"`
		Rest        []map[string]any `json:"rest"`
	} `json:"context"`
	Indicators jsontext.Value `json:"risk_indicators"`
	Cost       jsontext.Value `json:"estimated_cost_usd"`
}

const submitBody = `{"agent_id":"payments-agent-7","agent_name":"Payments","action_type":"database_write","resource":"prod-payments.customers",` +
	`"resource_id":"row-12345","target_system":"postgres","action_details":{"query":"UPDATE customers SET tier = 'gold' WHERE id = 12345","tool_name":"sql","rows":1},` +
	`"context":{"environment":"production","data_classification":"pii","require_human_approval":false},"risk_indicators":{"pii":true,"batch":null},"estimated_cost_usd":0.02}`

func BenchmarkDecodeSubmit(b *testing.B) {
	binder, err := New(reflect.TypeFor[submit](), Options{BodyRequired: true})
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(submitBody)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var in submit
		if err := binder.decode(reflect.ValueOf(&in).Elem(), body); err != nil {
			b.Fatal(err)
		}
	}
}
