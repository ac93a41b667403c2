package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"ascend/functions"
)

// stack is the stack of one environment. Its things have names that are known
// beforehand, so that ARNs can be made of them where a reference would go in a
// circle: the state machine calls functions that answer to the state machine.
type stack struct {
	awscdk.Stack
	env Environment
}

// newStack adds the stack of an environment to an app. zips is the folder of
// the functions' zips.
func newStack(app awscdk.App, env Environment, zips string) error {
	if err := check(zips, env); err != nil {
		return err
	}
	name := "ascend-" + env.Name
	place := &awscdk.Environment{Region: &env.Region}
	if env.Account != "" {
		place.Account = &env.Account
	}
	s := stack{awscdk.NewStack(app, &name, &awscdk.StackProps{
		StackName: &name, Description: jsii.String("Ascend, governance for AI agents: " + env.Name),
		Env: place, TerminationProtection: &env.Protect, SuppressTemplateIndentation: jsii.Bool(true),
	}), env}
	for key, value := range env.Tags {
		awscdk.Tags_Of(s.Stack).Add(&key, &value, nil)
	}

	data := newData(s)
	made := newFunctions(s, data, zips)
	for _, w := range functions.Workers() {
		made.worker(w)
	}
	trusted := newIdentity(s, made)
	for _, r := range functions.Routes() {
		if err := r.Err(); err != nil {
			return err
		}
		made.operation(r, trusted)
	}
	api, err := newAPI(s, made)
	if err != nil {
		return err
	}
	approval := newApproval(s)
	events := newEvents(s, data, made)
	if env.Alarms != nil {
		newObservability(s, made, events)
	}

	s.output("ApiUrl", *api.DeploymentStage().UrlForPath(nil))
	s.output("ApiId", *api.RestApiId())
	s.output("TablePrefix", s.name(""))
	s.output("StateMachineArn", *approval.Ref())
	s.output("BusName", *events.bus.Ref())
	s.output("RelayDeadLetterBucket", *data.letters.Ref())
	s.output("SweepDeadLetterQueueUrl", *events.sweep.Ref())
	if env.Users != "" {
		s.output("UserPoolId", trusted.pool)
		s.output("ClientId", trusted.audience)
	}
	return nil
}

func (s stack) output(id, value string) {
	awscdk.NewCfnOutput(s.Stack, &id, &awscdk.CfnOutputProps{Value: &value})
}

// name returns the physical name of a thing.
func (s stack) name(thing string) string { return "ascend-" + s.env.Name + "-" + thing }

// arn returns the ARN of a thing in this account and region.
func (s stack) arn(service, resource string) string {
	return "arn:" + *s.Partition() + ":" + service + ":" + *s.Region() + ":" + *s.Account() + ":" + resource
}

func (s stack) functionARN(id string) string { return s.arn("lambda", "function:"+s.name(id)) }
func (s stack) queueARN(thing string) string { return s.arn("sqs", s.name(thing)) }

// The state machine and the bus. Rules and consumers know the bus as "ascend",
// so an account and region hold one environment (decision record 0021).
const busName = "ascend"

func (s stack) stateMachineARN() string { return s.arn("states", "stateMachine:"+s.name("approval")) }
func (s stack) busARN() string          { return s.arn("events", "event-bus/"+busName) }

// concern returns the scope of one concern's constructs.
func (s stack) concern(name string) constructs.Construct {
	return constructs.NewConstruct(s.Stack, &name)
}

// role makes a role with one inline policy. A role takes no further policies.
func (s stack) role(scope constructs.Construct, id, description string, trusted map[string]any, allowed ...statement) awsiam.CfnRole {
	return awsiam.NewCfnRole(scope, &id, &awsiam.CfnRoleProps{
		Description: &description, AssumeRolePolicyDocument: trusted,
		Policies: []any{&awsiam.CfnRole_PolicyProperty{PolicyName: jsii.String("exactly"), PolicyDocument: document(allowed...)}},
	})
}

// kept keeps a thing when the stack goes, where the environment says so. (Not
// when its creation is rolled back: its name would be taken for good.)
func (s stack) kept(r awscdk.CfnResource) {
	policy := awscdk.RemovalPolicy_DESTROY
	if s.env.Retain {
		policy = awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	}
	r.ApplyRemovalPolicy(policy, nil)
}
