package main

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/go-json-experiment/json"

	"ascend/functions"
	"ascend/shared/endpoint"
	"ascend/shared/worker"
)

// lambdas is the functions: one for each operation and each worker, with a log
// group and a role of its own.
type lambdas struct {
	stack
	scope constructs.Construct
	data  data
	zips  string
	byID  map[string]awslambda.CfnFunction
	logs  map[string]awslogs.CfnLogGroup
}

func newFunctions(s stack, d data, zips string) *lambdas {
	return &lambdas{
		stack: s, scope: s.concern("Functions"), data: d, zips: filepath.Join(zips, s.env.Architecture),
		byID: map[string]awslambda.CfnFunction{}, logs: map[string]awslogs.CfnLogGroup{},
	}
}

// check reports the functions whose zips are not there.
func check(zips string, env Environment) error {
	var lacking []string
	look := func(id string) {
		if _, err := os.Stat(filepath.Join(zips, env.Architecture, id+".zip")); err != nil {
			lacking = append(lacking, id)
		}
	}
	for _, r := range functions.Routes() {
		look(r.ID)
	}
	for _, w := range functions.Workers() {
		look(w.ID)
	}
	if lacking == nil {
		return nil
	}
	return fmt.Errorf("no zips for %s of %s in %s: run command pack", env.Architecture, strings.Join(lacking, ", "), zips)
}

// ids returns the ids of the functions made so far, sorted.
func (l *lambdas) ids() []string { return slices.Sorted(maps.Keys(l.byID)) }

// operation makes the function of a route, which believes whom t says.
func (l *lambdas) operation(r endpoint.Route, t trusts) {
	l.add(r.ID, r.Summary, patience(r.Timeout), t.variables(), l.data.access(r.Reads, r.Writes))
}

// worker makes the function of a worker.
func (l *lambdas) worker(w worker.Worker) {
	if w.Trigger != "" && l.env.Users == "" {
		return // nobody would call it
	}
	allowed := l.data.access(w.Reads, w.Writes)
	env := map[string]string{}
	if len(w.Streams) > 0 {
		var streams []string
		for _, t := range w.Streams {
			streams = append(streams, *l.data.tables[t].AttrStreamArn())
		}
		allowed = append(allowed, statement{
			actions:   []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"},
			resources: streams,
		})
		// Lambda writes there in the function's name, and wants to list the bucket.
		bucket := *l.data.letters.AttrArn()
		allowed = append(allowed, statement{actions: []string{"s3:PutObject"}, resources: []string{bucket + "/*"}},
			statement{actions: []string{"s3:ListBucket"}, resources: []string{bucket}})
		env["ASCEND_DEAD_LETTER_BUCKET"] = *l.data.letters.Ref()
	}
	if w.Every > 0 {
		allowed = append(allowed, statement{actions: []string{"sqs:SendMessage"}, resources: []string{l.queueARN(sweepDead)}})
	}
	if w.StartsExecutions {
		allowed = append(allowed, statement{actions: []string{"states:StartExecution"}, resources: []string{l.stateMachineARN()}})
		env["ASCEND_STATE_MACHINE_ARN"] = l.stateMachineARN()
	}
	if w.SendsTaskResults {
		allowed = append(allowed, statement{actions: []string{"states:SendTaskFailure", "states:SendTaskSuccess"}, resources: []string{l.stateMachineARN()}})
	}
	if w.PublishesEvents {
		allowed = append(allowed, statement{actions: []string{"events:PutEvents"}, resources: []string{l.busARN()}})
		env["ASCEND_BUS_NAME"] = busName
	}
	if w.Trigger != "" {
		env["ASCEND_MFA_REQUIRED"] = "true" // the user pool demands it (identity.go)
	}
	l.add(w.ID, w.Summary, patience(w.Timeout), env, allowed)
}

// patience returns how long Lambda gives a function that gives its work a time: a
// second more, so that it is the function that answers when time is up.
func patience(work time.Duration) time.Duration {
	return time.Duration(math.Ceil(work.Seconds()))*time.Second + time.Second
}

// add makes a function. It may do what is allowed, and log, and trace.
func (l *lambdas) add(id, summary string, timeout time.Duration, env map[string]string, allowed []statement) {
	scope := constructs.NewConstruct(l.scope, jsii.String(title(id)))
	logs := awslogs.NewCfnLogGroup(scope, jsii.String("Logs"), &awslogs.CfnLogGroupProps{
		LogGroupName: jsii.String("/aws/lambda/" + l.name(id)), RetentionInDays: &l.env.LogDays,
	})
	l.kept(logs)
	l.logs[id] = logs

	// Lambda names a log stream for each instance, so that the narrowest there is
	// are the streams of the function's own group: its ARN as CloudFormation
	// gives it, which ends in ":*".
	allowed = append(slices.Clone(allowed), statement{
		actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, resources: []string{*logs.AttrArn()},
	})
	tracing := "PassThrough"
	if l.env.Tracing {
		allowed, tracing = append(allowed, traces), "Active"
	}
	role := l.role(scope, "Role", "What function "+id+" may do", trust("lambda.amazonaws.com", nil), allowed...)

	code := awss3assets.NewAsset(scope, jsii.String("Code"), &awss3assets.AssetProps{Path: jsii.String(filepath.Join(l.zips, id+".zip"))})
	variables := map[string]*string{"ASCEND_ENVIRONMENT": &l.env.Name, "ASCEND_TABLE_PREFIX": jsii.String(l.name(""))}
	for name, value := range env {
		variables[name] = &value
	}
	l.byID[id] = awslambda.NewCfnFunction(scope, jsii.String("Function"), &awslambda.CfnFunctionProps{
		FunctionName: jsii.String(l.name(id)), Description: &summary,
		Runtime: jsii.String("provided.al2023"), Handler: jsii.String("bootstrap"),
		Architectures: jsii.Strings(map[string]string{"arm64": "arm64", "amd64": "x86_64"}[l.env.Architecture]),
		Code:          &awslambda.CfnFunction_CodeProperty{S3Bucket: code.S3BucketName(), S3Key: code.S3ObjectKey()},
		Role:          role.AttrArn(), MemorySize: &l.env.Memory, Timeout: jsii.Number(timeout.Seconds()),
		Environment:   &awslambda.CfnFunction_EnvironmentProperty{Variables: &variables},
		LoggingConfig: &awslambda.CfnFunction_LoggingConfigProperty{LogGroup: logs.Ref(), LogFormat: jsii.String("JSON")},
		TracingConfig: &awslambda.CfnFunction_TracingConfigProperty{Mode: &tracing},
	})
}

// permit lets a service of AWS call a function for one resource of this account.
func (l *lambdas) permit(id, service, source string) {
	awslambda.NewCfnPermission(l.scope, jsii.String(title(id)+"Permission"), &awslambda.CfnPermissionProps{
		Action: jsii.String("lambda:InvokeFunction"), FunctionName: l.byID[id].Ref(),
		Principal: &service, SourceArn: &source,
	})
}

// title returns an id as the name of a construct: stream-relay is StreamRelay.
func title(id string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(id, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// marshal returns the JSON of texts.
func marshal(texts map[string]string) (*string, error) {
	b, err := json.Marshal(texts, json.Deterministic(true))
	return jsii.String(string(b)), err
}
