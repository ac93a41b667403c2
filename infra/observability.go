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
	"ascend/shared/store"
)

// observed makes the alarms, the topic that they tell, and the dashboard.
type observed struct {
	stack
	scope constructs.Construct
	topic awssns.CfnTopic
}

// newObservability needs an environment with alarms.
func newObservability(s stack, made *lambdas, e eventing) {
	scope := s.concern("Observability")
	o := observed{s, scope, alarmTopic(s, scope)}
	limits := s.env.Alarms
	for _, id := range made.ids() {
		name := s.name(id)
		o.total("Fails"+title(id), "Function "+id+" fails or is throttled", limits.FunctionFailures,
			metric{"AWS/Lambda", "Errors", dimensions{"FunctionName": name}}, metric{"AWS/Lambda", "Throttles", dimensions{"FunctionName": name}})
	}
	for _, def := range store.Tables() {
		o.total("Fails"+title(string(def.Table)), "Table "+string(def.Table)+" throttles or fails", limits.TableFailures, tableFailures(s.name(string(def.Table)))...)
	}
	machine := dimensions{"StateMachineArn": s.stateMachineARN()}
	o.total("FailsApproval", "Executions of the approval clock end without an outcome", 1,
		metric{"AWS/States", "ExecutionsFailed", machine}, metric{"AWS/States", "ExecutionsTimedOut", machine},
		metric{"AWS/States", "ExecutionsAborted", machine}, metric{"AWS/States", "ExecutionThrottled", machine})
	for _, queue := range []string{relayDead, sweepDead} {
		o.watch(watch{
			id: title(queue), about: "Something lies in " + queue, threshold: 1, statistic: "Maximum", minutes: 1, periods: 1,
			metric: metric{"AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions{"QueueName": s.name(queue)}},
		})
	}
	for _, w := range functions.Workers() {
		if len(w.Streams) > 0 {
			o.watch(watch{
				id: "Lags" + title(w.ID), about: "Changes wait for " + w.ID, threshold: limits.RelayLag, statistic: "Maximum", minutes: 1, periods: 3,
				metric: metric{"AWS/Lambda", "IteratorAge", dimensions{"FunctionName": s.name(w.ID)}},
			})
		}
		if rule := e.schedules[w.ID]; rule != nil {
			o.watch(watch{
				id: "Rests" + title(w.ID), about: w.ID + " is not called", threshold: 1, below: true, statistic: "Sum", minutes: 5, periods: 1,
				metric: metric{"AWS/Events", "Invocations", dimensions{"RuleName": s.name(w.ID)}},
			})
		}
	}
	api := dimensions{"ApiName": s.name("api"), "Stage": s.env.Name}
	o.watch(watch{
		id: "ServerErrors", about: "The API answers 5xx", threshold: limits.ServerErrors, statistic: "Average", minutes: 5, periods: 2,
		metric: metric{"AWS/ApiGateway", "5XXError", api},
	})
	o.watch(watch{
		id: "Latency", about: "The API answers late (p99)", threshold: limits.Latency, statistic: "p99", minutes: 5, periods: 3,
		metric: metric{"AWS/ApiGateway", "Latency", api},
	})
	awscloudwatch.NewCfnDashboard(scope, jsii.String("Dashboard"), &awscloudwatch.CfnDashboardProps{
		DashboardName: jsii.String("ascend-" + s.env.Name), DashboardBody: s.ToJsonString(dashboard(s), nil),
	})
}

// alarmTopic tells whoever subscribes. It is not encrypted by a key of KMS:
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

// dimensions are those of the metric, by name.
func (m metric) dimensions() []any {
	var list []any
	for _, name := range slices.Sorted(maps.Keys(m.of)) {
		list = append(list, &awscloudwatch.CfnAlarm_DimensionProperty{Name: &name, Value: jsii.String(m.of[name])})
	}
	return list
}

// tableFailures are the metrics of a table's throttles and of DynamoDB's own
// failures, which it counts by operation.
func tableFailures(table string) []metric {
	list := []metric{
		{"AWS/DynamoDB", "ReadThrottleEvents", dimensions{"TableName": table}},
		{"AWS/DynamoDB", "WriteThrottleEvents", dimensions{"TableName": table}},
	}
	for _, operation := range []string{"BatchGetItem", "Query", "PutItem", "UpdateItem", "TransactWriteItems"} {
		list = append(list, metric{"AWS/DynamoDB", "SystemErrors", dimensions{"TableName": table, "Operation": operation}})
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

// total is an alarm on the sum of metrics in five minutes. METRICS leaves out
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
	props.Metrics = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
		Id: jsii.String("total"), Expression: jsii.String("SUM(METRICS())"), Label: &about, ReturnData: jsii.Bool(true),
	})
	awscloudwatch.NewCfnAlarm(o.scope, &id, props)
}

// alarm is what all alarms have in common.
func (o observed) alarm(id, about string, threshold, periods float64) *awscloudwatch.CfnAlarmProps {
	return &awscloudwatch.CfnAlarmProps{
		AlarmName: jsii.String(o.name(id)), AlarmDescription: &about, Threshold: &threshold, EvaluationPeriods: &periods,
		ComparisonOperator: jsii.String("GreaterThanOrEqualToThreshold"), TreatMissingData: jsii.String("notBreaching"),
		AlarmActions: &[]any{o.topic.Ref()}, OkActions: &[]any{o.topic.Ref()},
	}
}
