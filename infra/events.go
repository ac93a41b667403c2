package main

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"ascend/functions"
	"ascend/shared/store"
	"ascend/shared/worker"
)

// eventing connects changes and schedules to their workers, events to the bus,
// and what cannot be handled to dead letters.
type eventing struct {
	bus       awsevents.CfnEventBus
	sweep     awssqs.CfnQueue // dead letters of schedules
	mappings  []awslambda.CfnEventSourceMapping
	schedules map[string]awsevents.CfnRule
}

// sweepDead is the queue for calls of schedules that failed.
const sweepDead = "sweep-dead-letters"

func newEvents(s stack, d data, made *lambdas) eventing {
	scope := s.concern("Events")
	e := eventing{
		bus:       awsevents.NewCfnEventBus(scope, jsii.String("Bus"), &awsevents.CfnEventBusProps{Name: jsii.String(busName)}),
		sweep:     deadLetterQueue(s, scope, sweepDead),
		schedules: map[string]awsevents.CfnRule{},
	}
	if s.env.ArchiveDays > 0 {
		archive := awsevents.NewCfnArchive(scope, jsii.String("Archive"), &awsevents.CfnArchiveProps{
			ArchiveName: jsii.String(s.name("events")), SourceArn: e.bus.AttrArn(), RetentionDays: &s.env.ArchiveDays,
		})
		s.kept(archive)
	}
	for _, w := range functions.Workers() {
		for _, t := range w.Streams {
			e.mappings = append(e.mappings, follow(s, scope, made, w, t, *d.tables[t].AttrStreamArn(), d.letters))
		}
		if w.Every > 0 {
			e.schedules[w.ID] = schedule(s, scope, made, w, e.sweep)
		}
	}
	return e
}

// deadLetterQueue keeps what lies in it, and the alarm on it, for a day.
func deadLetterQueue(s stack, scope constructs.Construct, name string) awssqs.CfnQueue {
	queue := awssqs.NewCfnQueue(scope, jsii.String(title(name)), &awssqs.CfnQueueProps{
		QueueName: jsii.String(s.name(name)), SqsManagedSseEnabled: jsii.Bool(true),
		MessageRetentionPeriod: jsii.Number((24 * time.Hour).Seconds()),
	})
	s.kept(queue)
	return queue
}

// follow calls a worker with those changes of a table that pass its filters,
// from the oldest on. A change that fails is retried until it is an hour old;
// then Lambda writes the record to the bucket of dead letters. Attempts are
// counted only where the environment says so, because an outage of what the
// worker calls uses up any count early.
//
// Until then the later changes in the same lane, one of four in a shard, wait.
// So the worker itself keeps in the bucket, at once, what can never succeed.
func follow(s stack, scope constructs.Construct, made *lambdas, w worker.Worker, t store.Table, stream string, dead awss3.CfnBucket) awslambda.CfnEventSourceMapping {
	var filters any
	if patterns := w.Filters[t]; patterns != nil {
		list := make([]any, len(patterns))
		for i, pattern := range patterns {
			list[i] = &awslambda.CfnEventSourceMapping_FilterProperty{Pattern: &pattern}
		}
		filters = &awslambda.CfnEventSourceMapping_FilterCriteriaProperty{Filters: list}
	}
	retries := s.env.RelayRetries
	if retries == 0 {
		retries = -1 // as many as there is time for
	}
	return awslambda.NewCfnEventSourceMapping(scope, jsii.String("Changes"+title(string(t))), &awslambda.CfnEventSourceMappingProps{
		FunctionName: made.byID[w.ID].Ref(), EventSourceArn: &stream, StartingPosition: jsii.String("TRIM_HORIZON"),
		FilterCriteria: filters, BatchSize: jsii.Number(100), ParallelizationFactor: jsii.Number(4),
		FunctionResponseTypes:      jsii.Strings("ReportBatchItemFailures"),
		BisectBatchOnFunctionError: jsii.Bool(true),
		MaximumRetryAttempts:       &retries, MaximumRecordAgeInSeconds: jsii.Number(3600),
		DestinationConfig: &awslambda.CfnEventSourceMapping_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventSourceMapping_OnFailureProperty{Destination: dead.AttrArn()},
		},
		MetricsConfig: &awslambda.CfnEventSourceMapping_MetricsConfigProperty{Metrics: jsii.Strings("EventCount")},
	})
}

// schedule calls a worker at a rate. Lambda tries a call that failed once more,
// a minute later, and so has to keep it for longer than the call and that
// minute; calls that overlap are harmless. What EventBridge or Lambda gives up
// becomes a dead letter, for a day: the next call makes good for it, and nothing
// is to be done again.
func schedule(s stack, scope constructs.Construct, made *lambdas, w worker.Worker, dead awssqs.CfnQueue) awsevents.CfnRule {
	rate := "rate(1 minute)"
	if minutes := int(w.Every.Minutes()); minutes > 1 {
		rate = fmt.Sprintf("rate(%d minutes)", minutes)
	}
	rule := awsevents.NewCfnRule(scope, jsii.String(title(w.ID)), &awsevents.CfnRuleProps{
		Name: jsii.String(s.name(w.ID)), Description: jsii.String(w.Summary), ScheduleExpression: &rate, State: jsii.String("ENABLED"),
		Targets: []any{&awsevents.CfnRule_TargetProperty{
			Id: jsii.String("worker"), Arn: made.byID[w.ID].AttrArn(),
			DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: dead.AttrArn()},
			RetryPolicy:      &awsevents.CfnRule_RetryPolicyProperty{MaximumEventAgeInSeconds: jsii.Number(60), MaximumRetryAttempts: jsii.Number(1)},
		}},
	})
	made.permit(w.ID, "events.amazonaws.com", *rule.AttrArn())
	awssqs.NewCfnQueuePolicy(scope, jsii.String(title(w.ID)+"DeadLetters"), &awssqs.CfnQueuePolicyProps{
		Queues: &[]*string{dead.Ref()},
		PolicyDocument: document(statement{
			actions: []string{"sqs:SendMessage"}, resources: []string{*dead.AttrArn()}, service: "events.amazonaws.com",
			when: map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": *rule.AttrArn()}},
		}),
	})
	awslambda.NewCfnEventInvokeConfig(scope, jsii.String(title(w.ID)+"Calls"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName: made.byID[w.ID].Ref(), Qualifier: jsii.String("$LATEST"),
		MaximumEventAgeInSeconds: jsii.Number(180), MaximumRetryAttempts: jsii.Number(1),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: dead.AttrArn()},
		},
	})
	return rule
}
