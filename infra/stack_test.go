package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ascend/functions"
	"ascend/shared/store"
	"ascend/shared/store/dynamo"
	"ascend/shared/worker"
)

// What CloudFormation and Lambda take at most.
const (
	maxTemplate = 1_000_000 // bytes
	maxPayload  = 6 << 20   // bytes of a request to a function
)

func TestStacksStayBelowTheLimits(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		if n := len(stack.Resources); n >= 450 {
			t.Errorf("%d resources", n)
		}
		if stack.size >= maxTemplate {
			t.Errorf("%d bytes", stack.size)
		}
		// With 80 functions, each with a role, a log group and an alarm.
		each := 3
		if stack.env.Alarms != nil {
			each = 4
		}
		if n := len(stack.Resources) + each*(80-len(stack.of("AWS::Lambda::Function"))); n >= 450 {
			t.Errorf("%d resources with 80 functions", n)
		}
	})
}

func TestEveryOperationIsAFunctionOfItsOwn(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		_, api := stack.named("AWS::ApiGateway::RestApi", "Name", "ascend-"+stack.env.Name+"-api")
		roles, seen := map[string]string{}, 0
		for _, r := range functions.Routes() {
			f := stack.function(r.ID)
			if f == nil {
				t.Errorf("%s has no function", r.ID)
				continue
			}
			seen++
			p := f.Properties
			if other := roles[target(p["Role"])]; other != "" {
				t.Errorf("%s and %s share a role", other, r.ID)
			}
			roles[target(p["Role"])] = r.ID
			group := stack.Resources[target(at(p, "LoggingConfig", "LogGroup"))]
			if group == nil || group.Properties["RetentionInDays"] != stack.env.LogDays {
				t.Errorf("%s has no log group with retention", r.ID)
			}
			if p["Runtime"] != "provided.al2023" || p["Handler"] != "bootstrap" || text(p["Architectures"]) != `["arm64"]` {
				t.Errorf("%s runs %v %v on %v", r.ID, p["Runtime"], p["Handler"], p["Architectures"])
			}
			gives, _ := p["Timeout"].(float64)
			if left := gives - r.Timeout.Seconds(); left < 1 || left > 2 {
				t.Errorf("%s works for %v of %v s", r.ID, r.Timeout, gives)
			}
			op := at(api.Properties["Body"], "paths", r.Path, strings.ToLower(r.Method))
			if auth, _ := at(op, "x-ascend-auth").(string); auth == "" || auth != r.Auth.String() {
				t.Errorf("%s has the auth class %q", r.ID, auth)
			}
			integration := at(op, "x-amazon-apigateway-integration")
			if wait, _ := at(integration, "timeoutInMillis").(float64); wait <= gives*1000 || wait > 29_000 {
				t.Errorf("%s: the gateway waits %v ms, the function works %v s", r.ID, wait, gives)
			}
			if uri := text(at(integration, "uri")); !strings.Contains(uri, "${"+functionOf(stack, r.ID)+".Arn}/invocations") {
				t.Errorf("%s is handed to %s", r.ID, uri)
			}
			// A byte of the body takes six in the event at most (a \u escape).
			if r.MaxBody*6 > maxPayload {
				t.Errorf("%s takes bodies of %d bytes, which a function cannot be given", r.ID, r.MaxBody)
			}
		}
		if workers := len(stack.of("AWS::Lambda::Function")) - seen; workers > len(functions.Workers()) {
			t.Errorf("%d functions are neither operations nor workers", workers-len(functions.Workers()))
		}
	})
}

func functionOf(stack *template, id string) string {
	name, _ := stack.named("AWS::Lambda::Function", "FunctionName", "ascend-"+stack.env.Name+"-"+id)
	return name
}

func TestFunctionsGetTheVariablesThatTheyRead(t *testing.T) {
	read := map[string]bool{}
	name := regexp.MustCompile(`"(ASCEND_[A-Z_]+)"`)
	if err := filepath.WalkDir("../shared/wire", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, found := range name.FindAllStringSubmatch(string(source), -1) {
			read[found[1]] = true
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, stack := range templates {
		for _, id := range stack.of("AWS::Lambda::Function") {
			variables, _ := at(stack.Resources[id].Properties, "Environment", "Variables").(map[string]any)
			for name := range variables {
				known[name] = true
			}
		}
	}
	if got, want := sortedKeys(known), sortedKeys(read); !slices.Equal(got, want) {
		t.Errorf("the stacks set %v, functions read %v", got, want)
	}
}

func TestTablesAreThoseOfTheStore(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		if got, want := len(stack.of("AWS::DynamoDB::Table")), len(store.Tables()); got != want {
			t.Errorf("%d tables of %d", got, want)
		}
		for _, def := range store.Tables() {
			_, table := stack.named("AWS::DynamoDB::Table", "TableName", "ascend-"+stack.env.Name+"-"+string(def.Table))
			if table == nil {
				t.Errorf("%s is missing", def.Table)
				continue
			}
			p := table.Properties
			if p["BillingMode"] != "PAY_PER_REQUEST" || at(p, "TimeToLiveSpecification", "AttributeName") != dynamo.TTL {
				t.Errorf("%s: billing %v, expiry %v", def.Table, p["BillingMode"], p["TimeToLiveSpecification"])
			}
			var indexes []string
			list, _ := p["GlobalSecondaryIndexes"].([]any)
			for _, index := range list {
				indexes = append(indexes, text(at(index, "IndexName")))
				if got := texts(at(index, "Projection", "NonKeyAttributes")); !slices.Equal(got, dynamo.Projection(def)) || at(index, "Projection", "ProjectionType") != "INCLUDE" {
					t.Errorf("%s: an index holds %v", def.Table, got)
				}
			}
			var want []string
			for _, index := range def.Indexes {
				want = append(want, string(index))
			}
			if !slices.Equal(indexes, want) {
				t.Errorf("%s has the indexes %v", def.Table, indexes)
			}
			streams := at(p, "StreamSpecification", "StreamViewType") == "NEW_AND_OLD_IMAGES"
			followed := slices.ContainsFunc(functions.Workers(), func(w worker.Worker) bool { return slices.Contains(w.Streams, def.Table) })
			if streams != followed {
				t.Errorf("%s has a stream: %v", def.Table, streams)
			}
			if stack.env.Name == "local" {
				continue
			}
			if at(p, "SSESpecification", "SSEEnabled") != true || at(p, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true ||
				p["DeletionProtectionEnabled"] != true {
				t.Errorf("%s: encryption %v, recovery %v, protection %v", def.Table, p["SSESpecification"], p["PointInTimeRecoverySpecification"], p["DeletionProtectionEnabled"])
			}
		}
	})
}

func TestWhatHoldsDataOutlivesItsStackWhereItMust(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		want := "Delete"
		if stack.env.Name == "staging" || stack.env.Name == "prod" {
			want = "RetainExceptOnCreate"
		}
		kept := 0
		for id, r := range stack.Resources {
			switch r.Type {
			case "AWS::DynamoDB::Table", "AWS::Cognito::UserPool", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup", "AWS::SQS::Queue", "AWS::Events::Archive",
				"AWS::S3::Bucket": // not public: TestBucketsTakeTLSOnlyAndNobodyFromOutside
				kept++
				if r.DeletionPolicy != want {
					t.Errorf("%s (%s): %s", id, r.Type, r.DeletionPolicy)
				}
			}
		}
		if kept < 10 {
			t.Errorf("only %d resources hold data", kept)
		}
	})
}

func TestTheClockCallsItsTwoFunctions(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		_, machine := stack.named("AWS::StepFunctions::StateMachine", "StateMachineName", "ascend-"+stack.env.Name+"-approval")
		p := machine.Properties
		if p["StateMachineType"] != "STANDARD" || p["DefinitionString"] != clock {
			t.Errorf("the state machine is a %v and not that of the file", p["StateMachineType"])
		}
		var given []string
		for name, arn := range p["DefinitionSubstitutions"].(map[string]any) {
			given = append(given, name)
			if id := text(arn)[strings.LastIndexByte(text(arn), ':')+1:]; stack.function(strings.TrimPrefix(id, "ascend-"+stack.env.Name+"-")) == nil {
				t.Errorf("%s is %s, which is no function", name, text(arn))
			}
		}
		for _, use := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(clock, -1) {
			if !slices.Contains(given, use[1]) {
				t.Errorf("%s is filled in by nobody", use[0])
			}
		}
	})
}

func TestEnvironmentsDifferInWhatTheyMust(t *testing.T) {
	has := func(name, kind string) bool { return len(templates[name].of(kind)) > 0 }
	for kind, environments := range map[string]string{
		"AWS::Cognito::UserPool": "dev staging prod", "AWS::WAFv2::WebACL": "prod", "AWS::WAFv2::WebACLAssociation": "prod",
		"AWS::Events::Archive": "dev staging prod", "AWS::SecretsManager::Secret": "dev staging prod", "AWS::SNS::Topic": "dev staging prod",
	} {
		for name := range templates {
			if want := slices.Contains(strings.Fields(environments), name); has(name, kind) != want {
				t.Errorf("%s has a %s: %v", name, kind, !want)
			}
		}
	}
	for _, parameter := range []string{"Pepper", "Jwks", "Issuer", "Audience"} {
		if templates["local"].Parameters[parameter] == nil || templates["prod"].Parameters[parameter] != nil {
			t.Errorf("%s is not a parameter of local alone", parameter)
		}
	}
	if templates["local"].Parameters["Pepper"]["NoEcho"] != true {
		t.Error("the pepper is shown")
	}
	everywhere(t, func(t *testing.T, stack *template) {
		wanted := []string{"ApiUrl", "ApiId", "TablePrefix", "StateMachineArn", "BusName", "RelayDeadLetterBucket"}
		if stack.env.Users != "" {
			wanted = append(wanted, "UserPoolId", "ClientId")
		}
		for _, output := range wanted {
			if stack.Outputs[output] == nil {
				t.Errorf("there is no output %s", output)
			}
		}
		mode := "Active"
		if stack.env.Name == "local" {
			mode = "PassThrough"
		}
		for _, id := range stack.of("AWS::Lambda::Function") {
			if got := at(stack.Resources[id].Properties, "TracingConfig", "Mode"); got != mode {
				t.Errorf("%s is traced: %v", id, got)
			}
		}
		stage := stack.Resources[stack.of("AWS::ApiGateway::Stage")[0]].Properties
		settings := stage["MethodSettings"].([]any)[0]
		if stage["StageName"] != stack.env.Name || at(settings, "ThrottlingRateLimit") != stack.env.Rate || at(settings, "ThrottlingBurstLimit") != stack.env.Burst {
			t.Errorf("the stage is %v", stage)
		}
		if logged := at(stage, "AccessLogSetting", "DestinationArn") != nil; logged != stack.env.Gateway {
			t.Errorf("the API keeps access logs: %v", logged)
		}
	})
}

func TestPeopleCannotChooseTheirOrganisation(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		if stack.env.Users == "" {
			return
		}
		client := stack.Resources[stack.of("AWS::Cognito::UserPoolClient")[0]].Properties
		pool := stack.Resources[stack.of("AWS::Cognito::UserPool")[0]].Properties
		if got := texts(client["WriteAttributes"]); !slices.Equal(got, []string{"email", "name"}) {
			t.Errorf("people may write %v", got)
		}
		if pool["MfaConfiguration"] != "ON" || at(pool, "AdminCreateUserConfig", "AllowAdminCreateUserOnly") != true || pool["DeletionProtection"] != "ACTIVE" {
			t.Errorf("the pool is %v", pool)
		}
		if at(pool, "Policies", "PasswordPolicy", "PasswordHistorySize") != 5.0 {
			t.Error("people may take their last password again")
		}
		trigger := at(pool, "LambdaConfig", "PreTokenGenerationConfig")
		if target(at(trigger, "LambdaArn")) != functionOf(stack, "token-claims") || at(trigger, "LambdaVersion") != "V2_0" {
			t.Errorf("tokens are made by %v", trigger)
		}
	})
}
