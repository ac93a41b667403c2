package endpoint

import (
	"context"
	"strings"
	"testing"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
)

// repeats serves operations that take repeats, one that takes none, and keeps
// the last command.
func repeats(t *testing.T, last *command.Command) *kit {
	type in struct {
		ID   string `path:"id" json:"-"`
		N    int    `json:"n"`
		Note string `query:"note" json:"-"`
		Also string `query:"also" json:"-"`
	}
	do := func(_ context.Context, _ *app.App, c *command.Command, _ in) (done, error) {
		c.Replayed = c.Repeat != nil
		*last = *c
		return done{}, nil
	}
	a := Spec{ID: "things-do", Method: "POST", Path: "/things/{id}/do", Auth: KeyOrToken, Body: OptionalBody, Repeats: true}
	b := a
	b.ID, b.Path = "things-undo", "/things/{id}/undo"
	c := a
	c.ID, c.Path, c.Repeats = "things-see", "/things/{id}/see", false
	d := a
	d.ID, d.Path, d.Auth = "things-approve", "/things/{id}/approve", TokenApprover
	return newKit(t, Define(a, do), Define(b, do), Define(c, do), Define(d, do))
}

func TestWhatMakesARepeat(t *testing.T) {
	var c command.Command
	k := repeats(t, &c)
	command := func(target, body string, headers ...string) command.Command {
		t.Helper()
		c = command.Command{}
		if a := k.send(t, "POST", target, body, headers...); a.StatusCode != 200 {
			t.Fatalf("%s: %s", target, a.body)
		}
		return c
	}
	type request struct {
		target, body string
		headers      []string
	}
	key := request{"/things/a/do?note=x&also=y", `{"n":1}`, []string{"Idempotency-Key", "k1"}}
	vote := request{"/things/a/approve", `{"n":1}`, []string{"Idempotency-Key", "k1"}}
	implied := request{"/things/a/do?note=x&also=y", `{"n":1}`, []string{"X-Correlation-ID", "asc_1"}}
	with := func(r request, target, body string, headers ...string) request {
		if target != "" {
			r.target = target
		}
		if body != "" {
			r.body = body
		}
		r.headers = append(append([]string{}, r.headers...), headers...)
		return r
	}
	rows := []struct {
		name         string
		of, other    request
		same, digest bool
	}{
		{"a key again", key, key, true, true},
		{"a key with the query in another order", key, with(key, "/things/a/do?also=y&note=x", ""), true, true},
		{"a key with another body", key, with(key, "", `{"n":2}`), true, false},
		{"a key with another query", key, with(key, "/things/a/do?note=z", ""), true, false},
		{"a key of another caller of the organisation", key, with(key, "", "", "X-Test-Caller", "key:user"), true, true},
		{"a key with another correlation id", key, with(key, "", "", "X-Correlation-ID", "asc_9"), true, true},
		{"a key with a trailing slash", key, with(key, "/things/a/do/?note=x&also=y", ""), true, true},
		{"a key with the path escaped otherwise", key, with(key, "/things/%61/do?note=x&also=y", ""), true, true},
		{"an approver's key again", vote, vote, true, true},
		{"an approver's key with another body", vote, with(vote, "", `{"n":2}`), true, false},
		{"an approver's key of another person", vote, with(vote, "", "", "X-Test-Caller", "manager"), false, true},
		{"another key of an approver", vote, with(vote, "", "", "Idempotency-Key", "k2"), false, true},
		{"another key", key, with(key, "", "", "Idempotency-Key", "k2"), false, true},
		{"a key at another thing", key, with(key, "/things/b/do?note=x&also=y", ""), false, true},
		{"a key at another operation", key, with(key, "/things/a/undo?note=x&also=y", ""), false, true},
		{"the repeat rule", implied, implied, true, true},
		{"the repeat rule with another body", implied, with(implied, "", `{"n":2}`), false, false},
		{"the repeat rule with another query", implied, with(implied, "/things/a/do", ""), false, false},
		{"the repeat rule with another credential", implied, with(implied, "", "", "X-Test-Caller", "key:user"), false, true},
		{"the repeat rule with another correlation id", implied, with(implied, "", "", "X-Correlation-ID", "asc_2"), false, true},
		{"the repeat rule at another thing", implied, with(implied, "/things/b/do?note=x&also=y", ""), false, true},
		{"a key and the repeat rule of one text", with(key, "", "", "Idempotency-Key", "asc_1"), implied, false, true},
	}
	for _, row := range rows {
		x, y := command(row.of.target, row.of.body, row.of.headers...), command(row.other.target, row.other.body, row.other.headers...)
		if (x.Repeat.Identity == y.Repeat.Identity) != row.same || (x.Repeat.Digest == y.Repeat.Digest) != row.digest || (x.ID == y.ID) != row.same {
			t.Errorf("%s: %+v and %+v", row.name, *x.Repeat, *y.Repeat)
		}
	}
	if r := command(key.target, key.body, key.headers...).Repeat; r.Keep != 24*time.Hour || r.Implied || len(r.Identity) != 64 || len(r.Digest) != 64 {
		t.Errorf("by key: %+v", r)
	}
	if r := command(implied.target, implied.body, implied.headers...).Repeat; r.Keep != 10*time.Minute || !r.Implied {
		t.Errorf("by the rule: %+v", r)
	}
	for _, headers := range [][]string{{}, {"X-Correlation-ID", "a b"}} {
		if x, y := command("/things/a/do", "", headers...), command("/things/a/do", "", headers...); x.Repeat != nil || x.ID == y.ID || len(x.ID) != 32 {
			t.Errorf("unmarked: %q and %q, %v", x.ID, y.ID, x.Repeat)
		}
	}
	if x := command("/things/a/see", "", key.headers...); x.Repeat != nil {
		t.Error("an operation without repeats has one")
	}
}

func TestReplaysAreAnnouncedForKeysOnly(t *testing.T) {
	var c command.Command
	k := repeats(t, &c)
	for _, row := range []struct{ header, want string }{{"Idempotency-Key", "true"}, {"X-Correlation-ID", ""}, {"X-None", ""}} {
		if a := k.send(t, "POST", "/things/a/do", "", row.header, "v"); a.Header.Get("Idempotency-Replayed") != row.want {
			t.Errorf("by %s: %q", row.header, a.Header.Get("Idempotency-Replayed"))
		}
	}
}

func TestBadIdempotencyKeysAre400(t *testing.T) {
	type in struct {
		N int `json:"n"`
	}
	s := Spec{ID: "things-do", Method: "POST", Path: "/do", Auth: Token, Body: OptionalBody, Repeats: true, InvalidStatus: 422}
	k := newKit(t, Define(s, handler[in]))
	for _, key := range []string{" ", "a b", "é", "a\x00", strings.Repeat("k", 256)} {
		k.send(t, "POST", "/do", "", "Idempotency-Key", key).want(t, 400, problem.CodeValidation)
	}
	k.send(t, "POST", "/do", "", "Idempotency-Key", strings.Repeat("k", 255)).want(t, 200, "")
}
