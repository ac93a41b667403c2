package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
)

// firewalls gives every environment's firewall and its rule of a name.
func firewalls(t *testing.T, rule string, do func(t *testing.T, stack *template, acl *resource, rule any)) {
	everywhere(t, func(t *testing.T, stack *template) {
		for _, id := range stack.of("AWS::WAFv2::WebACL") {
			acl := stack.Resources[id]
			list, _ := acl.Properties["Rules"].([]any)
			i := slices.IndexFunc(list, func(r any) bool { return at(r, "Name") == rule })
			if i < 0 {
				t.Fatalf("%s has no rule %s", id, rule)
			}
			do(t, stack, acl, list[i])
		}
	})
}

// Clients read a 403 as their credential failing, and try again after a 429.
func TestTheFirewallAnswersAFloodLikeTheGateway(t *testing.T) {
	firewalls(t, "flood", func(t *testing.T, stack *template, acl *resource, rule any) {
		answer := at(rule, "Action", "Block", "CustomResponse")
		headers := map[string]string{}
		list, _ := at(answer, "ResponseHeaders").([]any)
		for _, h := range list {
			headers[text(at(h, "Name"))] = text(at(h, "Value"))
		}
		// Published clients wait for at most five seconds (clients.md §5).
		if at(answer, "ResponseCode") != 429.0 || headers["Retry-After"] != "5" || headers["Cache-Control"] != "no-store" {
			t.Errorf("the answer is %s", text(answer))
		}
		custom := at(acl.Properties, "CustomResponseBodies", text(at(answer, "CustomResponseBodyKey")))
		if at(custom, "ContentType") != "APPLICATION_JSON" {
			t.Errorf("the body is %s", text(custom))
		}
		_, api := stack.named("AWS::ApiGateway::RestApi", "Name", "ascend-"+stack.env.Name+"-api")
		want := decoded(t, at(api.Properties, "Body", "x-amazon-apigateway-gateway-responses", "THROTTLED", "responseTemplates", "application/json"))
		delete(want, "correlation_id") // WAF fills in nothing
		if got := decoded(t, at(custom, "Content")); !maps.Equal(got, want) || got["error_code"] == nil {
			t.Errorf("the firewall answers %v, the gateway %v", got, want)
		}
		if limit, _ := at(rule, "Statement", "RateBasedStatement", "Limit").(float64); limit != stack.env.Rate*300/2 {
			t.Errorf("one address may send %v requests in five minutes, where the stage takes %v a second", limit, stack.env.Rate)
		}
	})
}

func decoded(t *testing.T, body any) (members map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text(body)), &members); err != nil {
		t.Fatal(err)
	}
	return members
}

func TestTheFirewallRefusesNoDataForWhatItSays(t *testing.T) {
	firewalls(t, "common", func(t *testing.T, stack *template, _ *resource, rule any) {
		var counted []string
		list, _ := at(rule, "Statement", "ManagedRuleGroupStatement", "RuleActionOverrides").([]any)
		for _, o := range list {
			if at(o, "ActionToUse", "Count") != nil {
				counted = append(counted, text(at(o, "Name")))
			}
		}
		// Rules of AWSManagedRulesCommonRuleSet that agents' ids, reasons and
		// proposals, or a client without User-Agent, would meet.
		for _, name := range []string{
			"SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "EC2MetaDataSSRF_BODY",
			"SizeRestrictions_QUERYSTRING", "CrossSiteScripting_QUERYARGUMENTS", "GenericLFI_QUERYARGUMENTS", "GenericRFI_QUERYARGUMENTS",
			"EC2MetaDataSSRF_QUERYARGUMENTS", "RestrictedExtensions_QUERYARGUMENTS", "RestrictedExtensions_URIPATH", "NoUserAgent_HEADER",
		} {
			if !slices.Contains(counted, name) {
				t.Errorf("%s blocks", name)
			}
		}
	})
}
