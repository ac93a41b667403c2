package agents_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/agents"
	"ascend/shared/app/apptest"
	"ascend/shared/app/page"
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
	list := versions(f, "my-agent")
	if len(list) != 14 || list[1].Version != "1.12.0" || list[2].Version != "1.11.0" || list[3].Version != "1.10.0" {
		t.Fatalf("versions %+v", list)
	}
	if v := list[1]; v.Change != "rollback" || v.Restored != "1.10.0" || v.Number != 13 {
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
		r      page.Range
		want   string
		total  int
		next   string
	}{
		{"all but the deleted", agents.Filter{}, page.Range{Limit: 10}, "0 1 3 4 5 6", 6, ""},
		{"a page", agents.Filter{}, page.Range{Limit: 2, Offset: 1}, "1 3", 6, "agent-3"},
		{"the last page", agents.Filter{}, page.Range{Limit: 2, Offset: 4}, "5 6", 6, ""},
		{"past the end", agents.Filter{}, page.Range{Limit: 2, Offset: 40}, "", 6, ""},
		{"by status", agents.Filter{Status: agent.Active}, page.Range{Limit: 2}, "1 4", 3, "agent-4"},
		{"by type", agents.Filter{Type: agent.Advisory}, page.Range{Limit: 2}, "4", 1, ""},
		{"by both", agents.Filter{Type: agent.Supervised, Status: agent.Active}, page.Range{Limit: 9}, "1 5", 2, ""},
		{"after one", agents.Filter{}, after(2, "agent-1"), "3 4", 0, "agent-4"},
		{"after one, filtered", agents.Filter{Status: agent.Draft}, after(1, "agent-1"), "3", 0, "agent-3"},
		{"after the last but one", agents.Filter{}, after(2, "agent-4"), "5 6", 0, ""},
		{"after the last", agents.Filter{}, after(2, "agent-6"), "", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			list, err := page.Read(ctx, f.Agents.List(1, c.filter), c.r, func(g agent.Summary) bool {
				got = append(got, strings.TrimPrefix(string(g.ID), "agent-"))
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
			next := ""
			if list.Next != nil {
				next = list.Next.After
			}
			if strings.Join(got, " ") != c.want || next != c.next || c.r.Cursor == nil && list.Total != c.total {
				t.Errorf("got %v of %d, next %q", got, list.Total, next)
			}
		})
	}
}

// after returns the range that follows an entry.
func after(limit int, position string) page.Range {
	return page.Range{Limit: limit, Cursor: &page.Cursor{After: position}}
}

func TestASummaryFollowsItsAgent(t *testing.T) {
	f := apptest.New(t)
	ctx := context.Background()
	register(f, "my-agent")
	for name, change := range map[string]func() error{
		"updated": func() error {
			_, err := f.Agents.Update(ctx, f.Command(apptest.Admin), "my-agent", apptest.Settings(t, `{"display_name": "Y", "tags": ["a"], "max_risk_threshold": 91}`))
			return err
		},
		"activated": func() error {
			_, err := f.Agents.Activate(ctx, f.Command(apptest.Admin), "my-agent", "")
			return err
		},
		"limited": func() error {
			_, err := f.Agents.SetRateLimits(ctx, f.Command(apptest.Admin), "my-agent", apptest.Limits(t, `{"max_actions_per_hour": 7}`))
			return err
		},
		"registered again": func() error {
			if _, err := f.Agents.Delete(ctx, f.Command(apptest.Admin), "my-agent"); err != nil {
				return err
			}
			if all := apptest.All(t, f.Agents.List(1, agents.Filter{})); len(all) != 0 {
				t.Errorf("deleted, it is listed as %+v", all)
			}
			register(f, "my-agent")
			return nil
		},
	} {
		if err := change(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		g, err := f.Agents.Get(ctx, 1, "my-agent")
		if err != nil {
			t.Fatal(err)
		}
		if all := apptest.All(t, f.Agents.List(1, agents.Filter{})); len(all) != 1 || !reflect.DeepEqual(all[0], g.Summary()) {
			t.Errorf("%s, it is listed as %+v, want %+v", name, all, g.Summary())
		}
	}
}
