package endpoint

import (
	"context"
	"encoding/base64"
	stdjson "encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/app/page"
	"ascend/shared/domain/exact"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/endpoint/bind"
)

type listing struct {
	Page   `default:"2" max:"3"`
	Status string `query:"status" json:"-"`
}

// words returns a list of words, each at the position of itself.
func words(all ...string) page.List[string] {
	return page.List[string]{Name: "words", Scan: page.Slice(all, func(word string) string { return word })}
}

func same(word string) string { return word }

func pages(t *testing.T) *kit {
	return newKit(t, Define(Spec{ID: "words-list", Method: "GET", Path: "/words", Auth: Token},
		func(ctx context.Context, _ *app.App, c *command.Command, in listing) (Paged[string], error) {
			return List(ctx, in.Page, c.Principal.Org, words("a", "b", "c", "d", "e"), same)
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
		total := "5"
		if seen != "" {
			total = "" // a cursor's page counts nothing
		}
		if a.StatusCode != 200 || a.Header.Get("X-Total-Count") != total {
			t.Fatalf("%s: %d, total %q, %s", target, a.StatusCode, a.Header.Get("X-Total-Count"), a.body)
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
	place := page.Cursor{After: "a", Offset: 1, Total: 5, Exact: true}
	good := NextCursor(7, "words", place)
	if a := k.send(t, "GET", "/words?cursor="+good, ""); a.body != `["b","c"]` {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	answers := map[string]bool{}
	flipped := []byte(good)
	flipped[3] ^= 1
	for _, cursor := range []string{NextCursor(8, "words", place), NextCursor(7, "others", place), string(flipped), "garbage", "_", "AQ", good + "A",
		NextCursor(7, "words", page.Cursor{}), NextCursor(7, "words", page.Cursor{After: "z"}), NextCursor(7, "words", page.Cursor{After: "a\x00"}),
		NextCursor(7, "words", page.Cursor{After: "\xff"}), NextCursor(7, "words", page.Cursor{After: "a", Offset: -1}), NextCursor(7, "words", page.Cursor{After: "a", Total: -1}),
		base64.RawURLEncoding.EncodeToString([]byte("\x02aaaaaaaabbbb")), base64.RawURLEncoding.EncodeToString(append([]byte{2}, cursorSum(7, "words", nil)...))} {
		a := k.send(t, "GET", "/words?cursor="+cursor, "", "X-Correlation-ID", "same")
		a.want(t, 400, problem.CodeValidation)
		answers[strings.ReplaceAll(a.body, a.problem.CorrelationID, "")] = true
	}
	if len(answers) != 1 {
		t.Errorf("%d different answers: %v", len(answers), answers)
	}
	k.send(t, "GET", "/words?offset=1&cursor="+good, "").want(t, 400, problem.CodeValidation)
}

func TestAPageIsBoundedInBytesAndNeverEmptyForIt(t *testing.T) {
	const mb = 1 << 20
	for name, c := range map[string]struct {
		unit string // of which each word consists
		each int    // bytes of each word as Lambda sends it
	}{
		"plain text":      {"x", 1},
		"quotes":          {`"`, 4},
		"backslashes":     {`\`, 4},
		"line separators": {"\u2028", 6},
	} {
		for _, size := range []int{mb, 5 * mb} {
			t.Run(fmt.Sprintf("%s %d", name, size), func(t *testing.T) {
				var all []string
				for i := range 9 {
					all = append(all, string(rune('a'+i))+strings.Repeat(c.unit, size/c.each))
				}
				in, seen, pages := Page{Limit: 8}, 0, 0
				for {
					got, err := List(context.Background(), in, 7, words(all...), same)
					if err != nil {
						t.Fatal(err)
					}
					body, err := json.Marshal(got.Body())
					if err != nil {
						t.Fatal(err)
					}
					var sent strings.Builder // as the runtime of Lambda encodes an answer
					encoder := stdjson.NewEncoder(&sent)
					encoder.SetEscapeHTML(false)
					if err := encoder.Encode(string(body)); err != nil {
						t.Fatal(err)
					}
					if len(got.Items) != 1 && sent.Len() > MaxPageBytes || len(got.Items) == 0 {
						t.Fatalf("a page of %d items has %d bytes", len(got.Items), sent.Len())
					}
					if size == mb && len(got.Items) < 3 && got.Next != "" {
						t.Errorf("a page has only %d items", len(got.Items))
					}
					seen, pages = seen+len(got.Items), pages+1
					if in.Cursor = got.Pagination.NextCursor; in.Cursor == "" {
						break
					}
				}
				if seen != 9 || pages < 3 {
					t.Errorf("%d words on %d pages", seen, pages)
				}
			})
		}
	}
}

// cursors of large lists must fit into the parameter.
func TestEveryCursorIsTakenBack(t *testing.T) {
	for _, want := range []page.Cursor{
		{After: "a"}, {After: "a", Offset: 3, Total: 3}, {After: "a", Total: exact.MaxInteger, Offset: exact.MaxInteger, Exact: true},
		{After: strings.Repeat("x", 300), Offset: 1_000_000, Total: 1_000_000, Exact: true},
	} {
		text := NextCursor(7, "words", want)
		if got, err := readCursor(text, 7, "words"); err != nil || got != want || len(text) > 512 {
			t.Errorf("%+v became %+v, %v, in %d characters", want, got, err, len(text))
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(int64(1), "list", "position", uint32(3), uint32(4), true)
	f.Fuzz(func(t *testing.T, org int64, list, position string, offset, total uint32, known bool) {
		if position == "" || !bind.Clean(position) {
			return
		}
		want := page.Cursor{After: position, Offset: int(offset), Total: int(total), Exact: known}
		cursor := NextCursor(tenant.ID(org), list, want)
		if got, err := readCursor(cursor, tenant.ID(org), list); err != nil || got != want {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, err := readCursor(cursor, tenant.ID(org+1), list); err == nil {
			t.Fatal("taken by another organisation")
		}
		if _, err := readCursor(position, tenant.ID(org), list); err == nil {
			t.Fatal("a bare position is taken for a cursor")
		}
	})
}
