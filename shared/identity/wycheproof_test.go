package identity

import (
	"context"
	"io/fs"
	"testing"
	"time"

	"github.com/c2sp/wycheproof"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// TestTheWycheproofSignaturesAreJudgedAsTheyShould runs every vector of project
// Wycheproof's json_web_signature_test.json. Groups whose key we do not trust
// at all (symmetric ones, other algorithms) must be refused to the last vector.
func TestTheWycheproofSignaturesAreJudgedAsTheyShould(t *testing.T) {
	raw, err := fs.ReadFile(wycheproof.TestVectors, "json_web_signature_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		NumberOfTests int `json:"numberOfTests"`
		Groups        []struct {
			Comment string         `json:"comment"`
			Public  jsontext.Value `json:"public"`
			Tests   []struct {
				ID      int            `json:"tcId"`
				Comment string         `json:"comment"`
				JWS     jsontext.Value `json:"jws"`
				Result  string         `json:"result"`
			} `json:"tests"`
		} `json:"testGroups"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	run, trusted, accepted := 0, 0, 0
	for _, group := range file.Groups {
		set, err := parseKeySet([]byte(`{"keys":[` + string(group.Public) + `]}`))
		if err != nil {
			set = keySet{}
		}
		for _, test := range group.Tests {
			run++
			text := string(test.JWS)
			if test.JWS.Kind() == '"' {
				if err := json.Unmarshal(test.JWS, &text); err != nil {
					t.Fatal(err)
				}
			}
			_, err := verify(context.Background(), set, time.Time{}, text)
			if len(set) > 0 {
				trusted++
			}
			if err == nil {
				accepted++
			}
			if want := test.Result == "valid" && len(set) > 0; (err == nil) != want {
				t.Errorf("group %q, vector %d %q is %s, we say %v", group.Comment, test.ID, test.Comment, test.Result, err)
			}
		}
	}
	if run != file.NumberOfTests || run == 0 || trusted == 0 || accepted == 0 {
		t.Errorf("ran %d of %d vectors", run, file.NumberOfTests)
	}
	t.Logf("%d vectors, %d of them with keys we trust, %d accepted", run, trusted, accepted)
}
