package main

import (
	"slices"
	"strings"
	"testing"

	"ascend/functions"
	"ascend/shared/store"
)

// narrow reports whether a statement names what it allows; group is the ARN of
// the log group of the role's function. Only X-Ray offers nothing narrower than *.
func narrow(action []string, resource, group string) bool {
	switch {
	case resource == "*":
		return slices.Equal(action, []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"})
	case slices.Equal(action, []string{"s3:PutObject"}): // the objects of one bucket, whose names Lambda draws
		return strings.HasSuffix(resource, "/*") && !strings.Contains(strings.TrimSuffix(resource, "/*"), "*")
	case slices.ContainsFunc(action, func(a string) bool { return strings.HasPrefix(a, "logs:") }):
		return slices.Equal(action, []string{"logs:CreateLogStream", "logs:PutLogEvents"}) && group != "" && resource == group
	}
	return !strings.Contains(resource, "*")
}

func TestNoPolicyAllowsMoreThanItNames(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		groups := map[string]string{} // the ARN of the log group of each role's function
		for _, id := range stack.of("AWS::Lambda::Function") {
			p := stack.Resources[id].Properties
			groups[target(p["Role"])] = "${" + target(at(p, "LoggingConfig", "LogGroup")) + ".Arn}"
		}
		seen := 0
		for id, r := range stack.Resources {
			for _, s := range statements(r.Properties) {
				seen++
				if r.Type == "AWS::S3::BucketPolicy" {
					continue // it refuses, see TestBucketsTakeTLSOnlyAndNobodyFromOutside
				}
				actions := texts(s["Action"])
				for _, action := range actions {
					if strings.Contains(action, "*") {
						t.Errorf("%s allows %s", id, action)
					}
				}
				for _, resource := range texts(s["Resource"]) {
					if !narrow(actions, resource, groups[id]) {
						t.Errorf("%s allows %v on %s", id, actions, resource)
					}
				}
				if strings.Contains(text(s["Principal"])+text(s["Condition"]), "*") {
					t.Errorf("%s allows %s if %s", id, text(s["Principal"]), text(s["Condition"]))
				}
				if s["Effect"] != "Allow" || len(actions) == 0 || s["NotAction"] != nil || s["NotResource"] != nil || s["NotPrincipal"] != nil {
					t.Errorf("%s has the statement %v", id, s)
				}
			}
			switch r.Type {
			case "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::Lambda::LayerVersionPermission", "AWS::KMS::Key":
				t.Errorf("%s is a %s", id, r.Type)
			case "AWS::IAM::Role":
				if r.Properties["ManagedPolicyArns"] != nil {
					t.Errorf("%s takes policies that are not written here", id)
				}
			case "AWS::Lambda::Permission":
				if source := text(r.Properties["SourceArn"]); source == "" || strings.Contains(source, "*") || strings.Contains(text(r.Properties["Principal"]), "*") {
					t.Errorf("%s lets %v call for %q", id, r.Properties["Principal"], source)
				}
			}
		}
		if seen < 3*len(functions.Routes()) {
			t.Errorf("only %d statements were looked at", seen)
		}
	})
}

func TestAStarIsNoticed(t *testing.T) {
	logs, traced := []string{"logs:CreateLogStream", "logs:PutLogEvents"}, []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
	for _, bad := range []struct {
		actions  []string
		resource string
	}{
		{[]string{"s3:PutObject"}, "*"}, {[]string{"s3:PutObject"}, "arn:aws:s3:::a*/*"}, {[]string{"s3:GetObject"}, "${Bucket.Arn}/*"},
		{logs, "*"}, {[]string{"xray:PutTraceSegments"}, "*"}, {traced, "arn:aws:x*"},
		{logs, "${Other.Arn}"}, {logs, ""}, {logs, "arn:aws:logs:r:a:log-group:/own:*"},
		{[]string{"logs:PutLogEvents", "logs:DeleteLogStream"}, "${Own.Arn}"},
		{[]string{"dynamodb:Query"}, "arn:aws:dynamodb:r:a:table/t/index/*"},
	} {
		if narrow(bad.actions, bad.resource, "${Own.Arn}") {
			t.Errorf("%v on %s passes", bad.actions, bad.resource)
		}
	}
}

// allowed are the tables on which a role allows an action of DynamoDB.
func allowed(role *resource, env, action string) []string {
	prefix := "table/ascend-" + env + "-"
	var tables []string
	for _, s := range statements(role.Properties["Policies"]) {
		if slices.Contains(texts(s["Action"]), "dynamodb:"+action) {
			for _, resource := range texts(s["Resource"]) {
				_, table, _ := strings.Cut(resource, prefix)
				tables = append(tables, table)
			}
		}
	}
	slices.Sort(tables)
	return slices.Compact(tables)
}

func TestAFunctionMayUseExactlyItsTables(t *testing.T) {
	indexes := map[store.Table][]string{}
	for _, def := range store.Tables() {
		for _, index := range def.Indexes {
			indexes[def.Table] = append(indexes[def.Table], string(def.Table)+"/index/"+string(index))
		}
	}
	everywhere(t, func(t *testing.T, stack *template) {
		check := func(id string, reads, writes []store.Table) {
			t.Helper()
			role := stack.role(id)
			if role == nil {
				t.Errorf("%s has no role", id)
				return
			}
			var read, queried, written, checked []string
			for _, table := range reads {
				read = append(read, string(table))
				queried = append(queried, append(indexes[table], string(table))...)
			}
			for _, table := range writes {
				written = append(written, string(table))
			}
			if len(writes) > 0 {
				checked = append(slices.Clone(read), written...)
			}
			for action, want := range map[string][]string{
				"BatchGetItem": read, "Query": queried, "PutItem": written, "UpdateItem": written, "ConditionCheckItem": checked,
				"DeleteItem": nil, "Scan": nil, "GetItem": nil, "BatchWriteItem": nil,
			} {
				slices.Sort(want)
				if got := allowed(role, stack.env.Name, action); !slices.Equal(got, slices.Compact(want)) {
					t.Errorf("%s may %s %v, want %v", id, action, got, want)
				}
			}
		}
		for _, r := range functions.Routes() {
			check(r.ID, r.Reads, r.Writes)
		}
		for _, w := range functions.Workers() {
			if w.Trigger == "" || stack.env.Users != "" {
				check(w.ID, w.Reads, w.Writes)
			}
		}
	})
}

func TestPoliciesFitIntoRoles(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		for _, id := range stack.of("AWS::IAM::Role") {
			// IAM counts without white space; account ids are longer than their
			// references resolved only by a little.
			if size := len(text(at(stack.Resources[id].Properties["Policies"].([]any)[0], "PolicyDocument"))); size > 10_240 {
				t.Errorf("%s: %d bytes", id, size)
			}
		}
	})
}

func TestBucketsTakeTLSOnlyAndNobodyFromOutside(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		buckets := stack.of("AWS::S3::Bucket")
		if len(buckets) == 0 {
			t.Error("there are no buckets")
		}
		for _, id := range buckets {
			p := stack.Resources[id].Properties
			for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
				if at(p, "PublicAccessBlockConfiguration", block) != true {
					t.Errorf("%s: %s is not set", id, block)
				}
			}
			if p["BucketEncryption"] == nil || p["LifecycleConfiguration"] == nil {
				t.Errorf("%s is not encrypted, or keeps everything for ever", id)
			}
			_, policy := stack.named("AWS::S3::BucketPolicy", "Bucket", "${"+id+"}")
			if policy == nil {
				t.Errorf("%s has no policy", id)
				continue
			}
			list := statements(policy.Properties)
			if len(list) != 1 || list[0]["Effect"] != "Deny" || list[0]["Principal"] != "*" || list[0]["Action"] != "s3:*" ||
				at(list[0], "Condition", "Bool", "aws:SecureTransport") != "false" || len(texts(list[0]["Resource"])) != 2 {
				t.Errorf("%s: the policy is %v", id, list)
			}
		}
	})
}
