package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ascend/functions"
	"ascend/shared/store"
)

func TestEveryQueueHasDeadLettersOrIsOneWithAnAlarm(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		dead := map[string]bool{} // queues that something sends its failures to
		for _, r := range stack.Resources {
			for _, v := range []any{
				at(r.Properties, "DestinationConfig", "OnFailure", "Destination"), at(r.Properties, "DeadLetterConfig", "TargetArn"),
				at(r.Properties, "RedrivePolicy", "deadLetterTargetArn"),
			} {
				dead[target(v)] = true
			}
			list, _ := r.Properties["Targets"].([]any)
			for _, one := range list {
				dead[target(at(one, "DeadLetterConfig", "Arn"))] = true
			}
		}
		queues := stack.of("AWS::SQS::Queue")
		if len(queues) == 0 {
			t.Error("there are no queues")
		}
		for _, id := range queues {
			q := stack.Resources[id].Properties
			if !dead[id] && q["RedrivePolicy"] == nil {
				t.Errorf("%s is no queue of dead letters and has none", id)
			}
			const keeps = 24 * time.Hour // the next sweep has made good for them
			if q["SqsManagedSseEnabled"] != true || q["MessageRetentionPeriod"] != keeps.Seconds() {
				t.Errorf("%s: encrypted %v, kept %v s", id, q["SqsManagedSseEnabled"], q["MessageRetentionPeriod"])
			}
			if stack.env.Alarms != nil && !alarmed(stack, "ApproximateNumberOfMessagesVisible", "QueueName", text(q["QueueName"])) {
				t.Errorf("%s has no alarm", id)
			}
		}
	})
}

// alarmed reports whether an alarm that tells somebody watches a metric.
func alarmed(stack *template, metric, dimension, value string) bool {
	for _, id := range stack.of("AWS::CloudWatch::Alarm") {
		p := stack.Resources[id].Properties
		if len(texts(p["AlarmActions"])) == 0 {
			continue
		}
		watched := []any{p}
		queries, _ := p["Metrics"].([]any)
		for _, q := range queries {
			watched = append(watched, at(q, "MetricStat", "Metric"))
		}
		for _, w := range watched {
			if at(w, "MetricName") != metric {
				continue
			}
			list, _ := at(w, "Dimensions").([]any)
			for _, d := range list {
				if at(d, "Name") == dimension && text(at(d, "Value")) == value {
					return true
				}
			}
		}
	}
	return false
}

func TestWhatCanFailHasAnAlarm(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		if stack.env.Name == "local" {
			if n := len(stack.of("AWS::CloudWatch::Alarm")) + len(stack.of("AWS::CloudWatch::Dashboard")); n != 0 {
				t.Errorf("%d alarms and dashboards, which LocalStack does not show", n)
			}
			return
		}
		want := func(metric, dimension, value string) {
			t.Helper()
			if !alarmed(stack, metric, dimension, value) {
				t.Errorf("no alarm watches %s of %s", metric, value)
			}
		}
		prefix := "ascend-" + stack.env.Name + "-"
		for _, id := range allIDs() {
			want("Errors", "FunctionName", prefix+id)
			want("Throttles", "FunctionName", prefix+id)
		}
		for _, def := range store.Tables() {
			want("SystemErrors", "TableName", prefix+string(def.Table))
			want("WriteThrottleEvents", "TableName", prefix+string(def.Table))
		}
		want("IteratorAge", "FunctionName", prefix+"stream-relay")
		want("Invocations", "RuleName", prefix+"approval-sweep")
		want("5XXError", "ApiName", prefix+"api")
		want("Latency", "ApiName", prefix+"api")
		machine := stack.Outputs["StateMachineArn"]["Value"]
		arn := strings.Replace(text(stack.Resources[target(machine)].Properties["StateMachineName"]), "ascend-", "arn:${AWS::Partition}:states:us-east-1:${AWS::AccountId}:stateMachine:ascend-", 1)
		for _, metric := range []string{"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"} {
			want(metric, "StateMachineArn", arn)
		}
		if len(stack.of("AWS::CloudWatch::Dashboard")) != 1 {
			t.Error("there is not one dashboard")
		}
	})
}

func TestStreamsLoseNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		mappings := stack.of("AWS::Lambda::EventSourceMapping")
		streams, filters := 0, []string{}
		for _, w := range functions.Workers() {
			streams += len(w.Streams)
			for _, table := range w.Streams {
				filters = append(filters, w.Filters[table]...)
			}
		}
		if len(mappings) != streams || streams == 0 {
			t.Errorf("%d streams are followed, not %d", len(mappings), streams)
		}
		retries := -1.0 // so that age alone decides
		if stack.env.Name == "local" {
			retries = 10 // LocalStack ignores age
		}
		for _, id := range mappings {
			p := stack.Resources[id].Properties
			switch {
			case p["BisectBatchOnFunctionError"] != true, text(p["FunctionResponseTypes"]) != `["ReportBatchItemFailures"]`:
				t.Errorf("%s: a bad change takes others with it", id)
			case p["StartingPosition"] != "TRIM_HORIZON":
				t.Errorf("%s begins at %v", id, p["StartingPosition"])
			case p["MaximumRecordAgeInSeconds"] != 3600.0 || p["MaximumRetryAttempts"] != retries:
				t.Errorf("%s gives up after %v s and %v attempts", id, p["MaximumRecordAgeInSeconds"], p["MaximumRetryAttempts"])
			case p["ParallelizationFactor"] != 4.0:
				t.Errorf("%s has %v callers for each shard", id, p["ParallelizationFactor"])
			}
			list, _ := at(p, "FilterCriteria", "Filters").([]any)
			for _, filter := range list {
				pattern := text(at(filter, "Pattern"))
				if i := slices.Index(filters, pattern); i < 0 {
					t.Errorf("%s lets through %s, which no worker says", id, pattern)
				} else {
					filters = slices.Delete(filters, i, i+1)
				}
			}
			dead := at(p, "DestinationConfig", "OnFailure", "Destination")
			if q := stack.Resources[target(dead)]; q == nil || q.Type != "AWS::S3::Bucket" {
				t.Errorf("%s: failures go to %s", id, text(dead))
			}
			if stack.env.Alarms != nil && !alarmed(stack, "OnFailureDestinationDeliveredEventCount", "EventSourceMappingUUID", "${"+id+"}") {
				t.Errorf("%s: nobody learns of failures", id)
			}
		}
		if len(filters) > 0 {
			t.Errorf("no stream has the filters %v", filters)
		}
	})
}

func TestSchedulesCallTheirWorkers(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		for _, w := range functions.Workers() {
			if w.Every == 0 {
				continue
			}
			id, rule := stack.named("AWS::Events::Rule", "Name", "ascend-"+stack.env.Name+"-"+w.ID)
			if rule == nil || rule.Properties["ScheduleExpression"] != "rate(1 minute)" || rule.Properties["State"] != "ENABLED" || w.Every != time.Minute {
				t.Errorf("%s is not called each %v", w.ID, w.Every)
				continue
			}
			goal := at(rule.Properties["Targets"].([]any)[0], "Arn")
			if target(goal) != functionOf(stack, w.ID) {
				t.Errorf("%s calls %s", id, text(goal))
			}
			_, permission := stack.named("AWS::Lambda::Permission", "SourceArn", "${"+id+".Arn}")
			if permission == nil || target(permission.Properties["FunctionName"]) != functionOf(stack, w.ID) {
				t.Errorf("%s may not call %s", id, w.ID)
			}
			// Lambda waits a minute before it tries a call again.
			_, calls := stack.named("AWS::Lambda::EventInvokeConfig", "FunctionName", "${"+functionOf(stack, w.ID)+"}")
			if calls == nil {
				t.Errorf("calls of %s are tried again for hours", w.ID)
				continue
			}
			took, _ := stack.function(w.ID).Properties["Timeout"].(float64)
			if age, _ := at(calls.Properties, "MaximumEventAgeInSeconds").(float64); age <= took+60 || at(calls.Properties, "MaximumRetryAttempts") != 1.0 {
				t.Errorf("a call of %s that failed after %v s is kept for %v s", w.ID, took, age)
			}
		}
	})
}
