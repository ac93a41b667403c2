package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"ascend/functions"
	"ascend/shared/app/relay"
	"ascend/shared/store"
)

// relayID names the function that follows the change streams.
const relayID = "stream-relay"

// observed makes the alarms, the topic that they notify, and the dashboard.
type observed struct {
	stack
	scope constructs.Construct
	topic awssns.CfnTopic
}

// newObservability needs an environment with alarms.
func newObservability(s stack, made *lambdas, e eventing) {
	scope := s.concern("Observability")
	o := observed{stack: s, scope: scope, topic: alarmTopic(s, scope)}
	limits := s.env.Alarms
	for _, id := range made.ids() {
		name := s.name(id)
		of := series("AWS/Lambda", dimensions{"FunctionName": name})
		o.total("Fails"+title(id), "Function "+id+" fails or is throttled", limits.FunctionFailures, of("Errors"), of("Throttles"))
	}
	for _, def := range store.Tables() {
		o.total("Fails"+title(string(def.Table)), "Table "+string(def.Table)+" throttles or fails", limits.TableFailures, tableFailures(s.name(string(def.Table)))...)
	}
	clock := series("AWS/States", dimensions{"StateMachineArn": s.stateMachineARN()})
	o.total("FailsApproval", "Executions of the approval clock end without an outcome", 1,
		clock("ExecutionsFailed"), clock("ExecutionsTimedOut"), clock("ExecutionsAborted"), clock("ExecutionThrottled"))
	o.watch(watch{
		id: title(sweepDead), about: "A call of the sweep failed: see the queue " + sweepDead, threshold: 1, statistic: "Maximum", minutes: 1, periods: 1,
		metric: series("AWS/SQS", dimensions{"QueueName": s.name(sweepDead)})("ApproximateNumberOfMessagesVisible"),
	})
	letters := []metric{made.count(relayID, "DeadLetters", relay.LogDeadLetter)}
	for _, mapping := range e.mappings {
		letters = append(letters, series("AWS/Lambda", dimensions{"EventSourceMappingUUID": *mapping.Ref()})("OnFailureDestinationDeliveredEventCount"))
	}
	o.total("RelayDeadLetters", "Changes went to the relay's dead letters: run make redrive ENV="+s.env.Name, 1, letters...)
	o.total("ClocksNotStarted", "Approval clocks are not started: Step Functions has too many open executions", 1, made.count(relayID, "ClocksNotStarted", relay.LogNoClock))
	for _, w := range functions.Workers() {
		if len(w.Streams) > 0 {
			o.watch(watch{
				id: "Lags" + title(w.ID), about: "Changes wait too long for " + w.ID, threshold: limits.RelayLag, statistic: "Maximum", minutes: 1, periods: 3,
				metric: series("AWS/Lambda", dimensions{"FunctionName": s.name(w.ID)})("IteratorAge"),
			})
		}
		if rule := e.schedules[w.ID]; rule != nil {
			o.watch(watch{
				id: "Rests" + title(w.ID), about: "The schedule no longer calls " + w.ID, threshold: 1, below: true, statistic: "Sum", minutes: 5, periods: 1,
				metric: series("AWS/Events", dimensions{"RuleName": s.name(w.ID)})("Invocations"),
			})
		}
	}
	api := series("AWS/ApiGateway", dimensions{"ApiName": s.name("api"), "Stage": s.env.Name})
	o.watch(watch{
		id: "ServerErrors", about: "The API answers with server errors (5xx)", threshold: limits.ServerErrors, statistic: "Average", minutes: 5, periods: 2,
		metric: api("5XXError"),
	})
	o.watch(watch{
		id: "Latency", about: "The API answers slowly (99th percentile)", threshold: limits.Latency, statistic: "p99", minutes: 5, periods: 3,
		metric: api("Latency"),
	})
	awscloudwatch.NewCfnDashboard(scope, jsii.String("Dashboard"), &awscloudwatch.CfnDashboardProps{
		DashboardName: jsii.String("ascend-" + s.env.Name), DashboardBody: s.ToJsonString(dashboard(s), nil),
	})
}

// alarmTopic returns the topic that alarms notify. It is not encrypted by a key of KMS:
// that of the account does not let CloudWatch in, and a policy of a key of our
// own cannot name the key. Alarms hold names and figures, no data of tenants.
func alarmTopic(s stack, scope constructs.Construct) awssns.CfnTopic {
	topic := awssns.NewCfnTopic(scope, jsii.String("Alarms"), &awssns.CfnTopicProps{TopicName: jsii.String(s.name("alarms"))})
	awssns.NewCfnTopicPolicy(scope, jsii.String("AlarmsPolicy"), &awssns.CfnTopicPolicyProps{
		Topics: &[]*string{topic.Ref()},
		PolicyDocument: document(statement{
			actions: []string{"sns:Publish"}, resources: []string{*topic.Ref()}, service: "cloudwatch.amazonaws.com",
			when: equal("aws:SourceAccount", *s.Account()),
		}),
	})
	return topic
}

type dimensions map[string]string

// metric is one of CloudWatch.
type metric struct {
	namespace, name string
	of              dimensions
}

// series returns the metrics of a namespace with the same dimensions, by name.
func series(namespace string, of dimensions) func(name string) metric {
	return func(name string) metric { return metric{namespace: namespace, name: name, of: of} }
}

// dimensions returns those of the metric, sorted by name.
func (m metric) dimensions() []any {
	var list []any
	for _, name := range slices.Sorted(maps.Keys(m.of)) {
		list = append(list, &awscloudwatch.CfnAlarm_DimensionProperty{Name: &name, Value: jsii.String(m.of[name])})
	}
	return list
}

// tableFailures returns the metrics of a table's throttles and of DynamoDB's own
// failures, which it counts by operation.
func tableFailures(table string) []metric {
	of := series("AWS/DynamoDB", dimensions{"TableName": table})
	list := []metric{of("ReadThrottleEvents"), of("WriteThrottleEvents")}
	for _, operation := range []string{"BatchGetItem", "Query", "PutItem", "UpdateItem", "TransactWriteItems"} {
		list = append(list, series("AWS/DynamoDB", dimensions{"TableName": table, "Operation": operation})("SystemErrors"))
	}
	return list
}

// watch is an alarm on one metric.
type watch struct {
	id, about        string
	metric           metric
	statistic        string
	threshold        float64
	below            bool // alarm below the threshold, and when there is nothing; else at or above
	minutes, periods float64
}

func (o observed) watch(w watch) {
	props := o.alarm(w.id, w.about, w.threshold, w.periods)
	props.Namespace, props.MetricName, props.Dimensions = &w.metric.namespace, &w.metric.name, w.metric.dimensions()
	props.Period = jsii.Number(60 * w.minutes)
	if w.below {
		props.ComparisonOperator, props.TreatMissingData = jsii.String("LessThanThreshold"), jsii.String("breaching")
	}
	if w.statistic[0] == 'p' {
		props.ExtendedStatistic = &w.statistic
	} else {
		props.Statistic = &w.statistic
	}
	awscloudwatch.NewCfnAlarm(o.scope, &w.id, props)
}

// total makes an alarm on the sum of metrics in five minutes. METRICS leaves out
// those that were never reported, such as throttles, which an expression of
// their names would have no value without.
func (o observed) total(id, about string, threshold float64, metrics ...metric) {
	var queries []any
	for i, m := range metrics {
		name := fmt.Sprintf("m%d", i)
		queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
			Id: &name, ReturnData: jsii.Bool(false),
			MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
				Period: jsii.Number(300), Stat: jsii.String("Sum"),
				Metric: &awscloudwatch.CfnAlarm_MetricProperty{Namespace: &m.namespace, MetricName: &m.name, Dimensions: m.dimensions()},
			},
		})
	}
	props := o.alarm(id, about, threshold, 1)
	queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
		Id: jsii.String("total"), Expression: jsii.String("SUM(METRICS())"), Label: &about, ReturnData: jsii.Bool(true),
	})
	props.Metrics = queries
	awscloudwatch.NewCfnAlarm(o.scope, &id, props)
}

// alarm returns the properties that all alarms share.
func (o observed) alarm(id, about string, threshold, periods float64) *awscloudwatch.CfnAlarmProps {
	return &awscloudwatch.CfnAlarmProps{
		AlarmName: jsii.String(o.name(id)), AlarmDescription: &about, Threshold: &threshold, EvaluationPeriods: &periods,
		ComparisonOperator: jsii.String("GreaterThanOrEqualToThreshold"), TreatMissingData: jsii.String("notBreaching"),
		AlarmActions: &[]any{o.topic.Ref()}, OkActions: &[]any{o.topic.Ref()},
	}
}
