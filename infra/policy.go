package main

import "github.com/aws/jsii-runtime-go"

// statement allows actions on resources. Policies are written out here rather
// than left to CDK's grants, so that nothing is allowed but what is read here.
type statement struct {
	actions, resources []string
	service            string         // whom a resource's policy allows: a service of AWS
	when               map[string]any // conditions
}

// document returns the JSON policy of statements.
func document(statements ...statement) map[string]any {
	list := make([]any, len(statements))
	for i, s := range statements {
		m := map[string]any{"Effect": "Allow", "Action": oneOrMore(s.actions)}
		if len(s.resources) > 0 {
			m["Resource"] = oneOrMore(s.resources)
		}
		if s.service != "" {
			m["Principal"] = map[string]any{"Service": s.service}
		}
		if s.when != nil {
			m["Condition"] = s.when
		}
		list[i] = m
	}
	return map[string]any{"Version": "2012-10-17", "Statement": list}
}

func oneOrMore(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return jsii.Strings(list...)
}

// trust returns the policy that lets a service of AWS assume a role. when may be nil.
func trust(service string, when map[string]any) map[string]any {
	return document(statement{actions: []string{"sts:AssumeRole"}, service: service, when: when})
}

// equal returns the condition that a value of the request is the given one, which
// keeps a service from being used by another account or resource.
func equal(key, value string) map[string]any {
	return map[string]any{"StringEquals": map[string]any{key: value}}
}

// traces is what X-Ray needs of whoever sends traces. It offers nothing
// narrower than every resource.
var traces = statement{
	actions:   []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
	resources: []string{"*"},
}
