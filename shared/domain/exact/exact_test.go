package exact_test

import (
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/exact"
)

func TestNumbersKeepEveryDigit(t *testing.T) {
	const text = `{"a":[9007199254740993,1e400,{"b":0.10}],"c":"1","d":null,"e":true}`
	var v any
	if err := json.Unmarshal([]byte(text), &v, exact.Numbers()); err != nil {
		t.Fatal(err)
	}
	if got, err := json.Marshal(v, json.Deterministic(true)); err != nil || string(got) != text {
		t.Errorf("got %s, %v\nwant %s", got, err, text)
	}
}
