package agents_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/agents"
	"ascend/shared/app/apptest"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

func TestUpdatesMakeVersions(t *testing.T) {
	f := apptest.New(t)
	register(f, "my-agent")
	ctx := context.Background()
	for _, step := range []struct {
		body, version string
		changed       bool
	}{
		{`{"tags": ["b"]}`, "1.0.1", true},
		{`{"tags": ["b"], "description": ""}`, "1.0.1", false},
		{`{"max_risk_threshold": 70}`, "1.1.0", true},
		{`{"model_id": 7}`, "1.1.1", true},
		{`{"agent_type": "autonomous"}`, "2.0.0", true},
		{`{"metadata": {"n": 9007199254740993}}`, "2.0.1", true},
		{`{"metadata": {"n": 9007199254740993}}`, "2.0.1", false},
	} {
		got, err := f.Agents.Update(ctx, f.Command(apptest.Admin), "my-agent", apptest.Settings(t, step.body))
		if err != nil || got.Agent.Version != step.version || got.Changed != step.changed {
			t.Errorf("%s: version %s, changed %v, %v", step.body, got.Agent.Version, got.Changed, err)
		}
	}
	if n := strings.Count(events(f, "my-agent"), "agent.updated"); n != 5 {
		t.Errorf("%d updates audited", n)
	}
	if _, err := f.Agents.Update(ctx, f.Command(apptest.Admin), "my-agent", apptest.Settings(t, `{"display_name": null}`)); apptest.Kind(err) != problem.KindInvalid {
		t.Errorf("a name was taken away: %v", err)
	}
}

func TestRollingBackIsANewVersion(t *testing.T) {
	f := apptest.New(t)
	register(f, "my-agent")
	ctx := context.Background()
	for i := range 9 {
		body := fmt.Sprintf(`{"max_risk_threshold": %d, "metadata": {"n": 9007199254740993}}`, 60+i)
		if _, err := f.Agents.Update(ctx, f.Command(apptest.Admin), "my-agent", apptest.Settings(t, body)); err != nil {
			t.Fatal(err)
		}
	}
	limit := apptest.Limits(t, `{"max_actions_per_hour": 5}`)
	if _, err := f.Agents.SetRateLimits(ctx, f.Command(apptest.Admin), "my-agent", limit); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		target, version string
		max             int
		hourly          bool
	}{
		{"1.4.0", "1.11.0", 63, false},
		{"1.10.0", "1.12.0", 68, true},
		{"1.0.0", "1.13.0", 80, false},
	} {
		got, err := f.Agents.Rollback(ctx, f.Command(apptest.Admin), "my-agent", c.target)
		if err != nil || !got.Changed || got.Agent.Version != c.version || got.Agent.Config.MaxRiskThreshold != c.max {
			t.Fatalf("to %s: version %s, maximum %d, %v", c.target, got.Agent.Version, got.Agent.Config.MaxRiskThreshold, err)
		}
		if _, limited := state(f, "my-agent")[store.AttrLimitHour]; limited != c.hourly {
			t.Errorf("to %s: the state item is limited: %v", c.target, limited)
		}
	}
	list, err := f.Agents.Versions(ctx, 1, "my-agent", record.Range{Limit: 2, Offset: 1})
	if err != nil || list.Total != 14 || len(list.Versions) != 2 || list.Versions[0].Version != "1.12.0" || list.Versions[1].Version != "1.11.0" {
		t.Errorf("versions %+v, %v", list, err)
	}
	rest, err := f.Agents.Versions(ctx, 1, "my-agent", record.Range{Limit: 100, After: list.Next})
	if err != nil || len(rest.Versions) != 11 || rest.Versions[0].Version != "1.10.0" || rest.Next != "" {
		t.Errorf("after %q come %d versions, next %q, %v", list.Next, len(rest.Versions), rest.Next, err)
	}
	if v := list.Versions[0]; v.Change != "rollback" || v.Restored != "1.10.0" || v.Number != 13 {
		t.Errorf("the rollback is told as %+v", v)
	}
	if got, err := f.Agents.Rollback(ctx, f.Command(apptest.Admin), "my-agent", "1.0.0"); err != nil || got.Changed || got.Agent.Version != "1.13.0" {
		t.Errorf("to where it is: %+v, %v", got, err)
	}
	for _, unknown := range []string{"1.0.1", "9.9.9", "0.0.0", "", "1.0", "latest"} {
		if _, err := f.Agents.Rollback(ctx, f.Command(apptest.Admin), "my-agent", unknown); problem.As(err).Code != agents.CodeVersionNotFound || apptest.Kind(err) != problem.KindNotFound {
			t.Errorf("to %q: %v", unknown, err)
		}
	}
}

func TestLimitsReachTheStateItemAndKeepItsCounts(t *testing.T) {
	f := apptest.New(t)
	register(f, "my-agent")
	ctx := context.Background()
	count := store.Update{Key: store.StateKey(1, "my-agent"), Add: map[string]int64{
		store.MinuteAttr(f.Now()): 3, store.HourAttr(f.Now()): 45, store.DayAttr(f.Now()): 200,
	}}
	if _, err := f.Raw.Write(ctx, count); err != nil {
		t.Fatal(err)
	}
	got, err := f.Agents.SetRateLimits(ctx, f.Command(apptest.Admin), "my-agent", apptest.Limits(t, `{"max_actions_per_minute": 10, "max_actions_per_hour": 40}`))
	if err != nil || got.Agent.Version != "1.1.0" {
		t.Fatalf("%+v, %v", got, err)
	}
	kept := state(f, "my-agent")
	if kept[store.AttrLimitMinute].Num() != 10 || kept[store.AttrLimitHour].Num() != 40 {
		t.Errorf("the state item is %v", kept)
	}
	if _, limited := kept[store.AttrLimitDay]; limited {
		t.Error("a day is limited that nobody limited")
	}
	show := func(w agents.WindowUsage) string {
		text, _ := json.Marshal([]any{w.Limit, w.Current, w.Remaining()})
		return string(text)
	}
	usage, err := f.Agents.Usage(ctx, 1, "my-agent", f.Now())
	if got := show(usage.PerMinute) + show(usage.PerHour) + show(usage.PerDay); err != nil || got != "[10,3,7][40,45,0][null,200,null]" {
		t.Errorf("usage %s, %v", got, err)
	}
	usage, err = f.Agents.Usage(ctx, 1, "my-agent", f.Now().Add(time.Minute))
	if got := show(usage.PerMinute) + show(usage.PerHour); err != nil || got != "[10,0,10][40,45,0]" {
		t.Errorf("a minute later %s, %v", got, err)
	}
	if got, err := f.Agents.SetRateLimits(ctx, f.Command(apptest.Admin), "my-agent", apptest.Limits(t, `{"max_actions_per_hour": null}`)); err != nil || got.Agent.Version != "1.2.0" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, limited := state(f, "my-agent")[store.AttrLimitHour]; limited {
		t.Error("the hour is still limited")
	}
	if got, err := f.Agents.SetRateLimits(ctx, f.Command(apptest.Admin), "my-agent", agent.LimitSettings{}); err != nil || got.Changed {
		t.Errorf("nothing asked, %+v, %v", got, err)
	}
}

func TestListing(t *testing.T) {
	f := apptest.New(t)
	ctx := context.Background()
	for i := range 7 {
		register(f, agent.ID(fmt.Sprintf("agent-%d", i)))
	}
	for _, id := range []agent.ID{"agent-1", "agent-4", "agent-5"} {
		if _, err := f.Agents.Activate(ctx, f.Command(apptest.Admin), id, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Agents.Update(ctx, f.Command(apptest.Admin), "agent-4", apptest.Settings(t, `{"agent_type": "advisory"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Agents.Delete(ctx, f.Command(apptest.Admin), "agent-2"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		filter agents.Filter
		r      record.Range
		want   string
		total  int
		next   string
	}{
		{"all but the deleted", agents.Filter{}, record.Range{Limit: 10}, "0 1 3 4 5 6", 6, ""},
		{"a page", agents.Filter{}, record.Range{Limit: 2, Offset: 1}, "1 3", 6, "agent-3"},
		{"the last page", agents.Filter{}, record.Range{Limit: 2, Offset: 4}, "5 6", 6, ""},
		{"past the end", agents.Filter{}, record.Range{Limit: 2, Offset: 40}, "", 6, ""},
		{"by status", agents.Filter{Status: agent.Active}, record.Range{Limit: 2}, "1 4", 3, "agent-4"},
		{"by type", agents.Filter{Type: agent.Advisory}, record.Range{Limit: 2}, "4", 1, ""},
		{"by both", agents.Filter{Type: agent.Supervised, Status: agent.Active}, record.Range{Limit: 9}, "1 5", 2, ""},
		{"after one", agents.Filter{}, record.Range{Limit: 2, After: "agent-1"}, "3 4", 0, "agent-4"},
		{"after one, filtered", agents.Filter{Status: agent.Draft}, record.Range{Limit: 1, After: "agent-1"}, "3", 0, "agent-3"},
		{"after the last but one", agents.Filter{}, record.Range{Limit: 2, After: "agent-4"}, "5 6", 0, ""},
		{"after the last", agents.Filter{}, record.Range{Limit: 2, After: "agent-6"}, "", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := f.Agents.List(ctx, 1, c.filter, c.r)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, g := range list.Agents {
				got = append(got, strings.TrimPrefix(string(g.ID), "agent-"))
			}
			if strings.Join(got, " ") != c.want || list.Next != c.next || c.r.After == "" && list.Total != c.total {
				t.Errorf("got %v of %d, next %q", got, list.Total, list.Next)
			}
		})
	}
}

func TestAListEndsBeforeItIsTooLargeToAnswer(t *testing.T) {
	f := apptest.New(t)
	ctx := context.Background()
	body := `{"display_name": "x", "tags": ["` + strings.Repeat("x", 256) + `"` + strings.Repeat(`,"`+strings.Repeat("x", 256)+`"`, 199) + `]}`
	for i := range 100 {
		if _, err := f.Agents.Register(ctx, f.Command(apptest.Admin), agent.ID(fmt.Sprintf("agent-%03d", i)), apptest.Settings(t, body)); err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	after, pages := "", 0
	for {
		list, err := f.Agents.List(ctx, 1, agents.Filter{}, record.Range{Limit: 500, After: after})
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, g := range list.Agents {
			seen = append(seen, string(g.ID))
			text, _ := json.Marshal(g)
			size += len(text)
		}
		pages++
		if size > 4<<20 {
			t.Errorf("page %d has %d bytes", pages, size)
		}
		if after = list.Next; after == "" {
			break
		}
	}
	if len(seen) != 100 || pages != 2 {
		t.Errorf("%d agents on %d pages", len(seen), pages)
	}
}
