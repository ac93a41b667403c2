package endpoint

import (
	"context"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

type listing struct {
	Page   `default:"2" max:"3"`
	Status string `query:"status" json:"-"`
}

func pages(t *testing.T) *kit {
	words := []string{"a", "b", "c", "d", "e"}
	return newKit(t, Define(Spec{ID: "words-list", Method: "GET", Path: "/words", Auth: Token},
		func(_ context.Context, _ *app.App, c *command.Command, in listing) (List[string], error) {
			position, err := in.Position(c.Principal.Org, "words")
			if err != nil {
				return List[string]{}, err
			}
			start := in.Offset
			for position != "" && start < len(words) && words[start] <= position {
				start++
			}
			end := min(start+in.Limit, len(words))
			total := len(words)
			list := List[string]{Items: words[min(start, end):end], Total: &total}
			if end < len(words) {
				list.Next = in.Next(NextCursor(c.Principal.Org, "words", words[end-1]))
			}
			return list, nil
		}))
}

func TestPagesFollowOneAnother(t *testing.T) {
	k := pages(t)
	asked, err := url.Parse("https://gateway.test/stage/words?status=x%26y&offset=0")
	if err != nil {
		t.Fatal(err)
	}
	seen := ""
	for range 5 {
		// The function sees the path without the gateway's stage.
		target := strings.TrimPrefix(asked.RequestURI(), "/stage")
		a := k.send(t, "GET", target, "")
		if a.StatusCode != 200 || a.Header.Get("X-Total-Count") != "5" {
			t.Fatalf("%s: %d %s", target, a.StatusCode, a.body)
		}
		seen += a.body
		link := a.Header.Get("Link")
		if link == "" {
			break
		}
		next, _ := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		asked, err = asked.Parse(next)
		if err != nil || asked.Query().Get("status") != "x&y" || asked.Query().Has("offset") || asked.Path != "/stage/words" {
			t.Fatalf("link %q leads to %v", link, asked)
		}
	}
	if seen != `["a","b"]["c","d"]["e"]` {
		t.Errorf("read %s", seen)
	}
}

func TestTheLimitIsThatOfTheEmbedding(t *testing.T) {
	k := pages(t)
	if a := k.send(t, "GET", "/words?limit=3", ""); a.body != `["a","b","c"]` {
		t.Error(a.body)
	}
	for _, bad := range []string{"limit=4", "limit=0", "limit=-1", "offset=-1", "offset=1000001"} {
		k.send(t, "GET", "/words?"+bad, "").want(t, 400, problem.CodeValidation)
	}
}

func TestACursorOfAnotherTenantIsLikeGarbage(t *testing.T) {
	k := pages(t)
	good := NextCursor(7, "words", "a")
	k.send(t, "GET", "/words?cursor="+good, "").want(t, 200, "")
	answers := map[string]bool{}
	flipped := []byte(good)
	flipped[3] ^= 1
	for _, cursor := range []string{NextCursor(8, "words", "a"), NextCursor(7, "others", "a"), string(flipped), "garbage", "_", "AQ", good + "A",
		base64.RawURLEncoding.EncodeToString([]byte("\x01aaaaaaaabbbb"))} {
		a := k.send(t, "GET", "/words?cursor="+cursor, "", "X-Correlation-ID", "same")
		a.want(t, 400, problem.CodeValidation)
		answers[strings.ReplaceAll(a.body, a.problem.CorrelationID, "")] = true
	}
	if len(answers) != 1 {
		t.Errorf("%d different answers", len(answers))
	}
	k.send(t, "GET", "/words?offset=1&cursor="+good, "").want(t, 400, problem.CodeValidation)
}

func FuzzCursor(f *testing.F) {
	f.Add(int64(1), "list", "position")
	f.Fuzz(func(t *testing.T, org int64, list, position string) {
		if position == "" {
			return
		}
		cursor := NextCursor(tenant.ID(org), list, position)
		if got, err := (Page{Cursor: cursor}).Position(tenant.ID(org), list); err != nil || got != position {
			t.Fatalf("%q, %v", got, err)
		}
		if _, err := (Page{Cursor: cursor}).Position(tenant.ID(org+1), list); err == nil {
			t.Fatal("taken by another organisation")
		}
		if _, err := (Page{Cursor: position}).Position(tenant.ID(org), list); err == nil {
			t.Fatal("a bare position is taken for a cursor")
		}
	})
}
