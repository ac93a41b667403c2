package main

import (
	"fmt"

	"ascend/shared/store"
)

// dashboard returns the body of the one dashboard, from the callers inwards: the
// API, the functions, approvals, the relay, the tables.
func dashboard(s stack) map[string]any {
	api := []any{"ApiName", s.name("api"), "Stage", s.env.Name}
	machine := []any{"StateMachineArn", s.stateMachineARN()}
	relay := []any{"FunctionName", s.name("stream-relay")}
	graphs := []any{
		s.graph(0, 0, "Requests and failures", "Sum",
			line("AWS/ApiGateway", "Count", api), line("AWS/ApiGateway", "4XXError", api), line("AWS/ApiGateway", "5XXError", api)),
		s.graph(1, 0, "Latency of the API, p99", "p99",
			line("AWS/ApiGateway", "Latency", api), line("AWS/ApiGateway", "IntegrationLatency", api)),
		s.graph(0, 1, "Failures and throttles of functions", "Sum",
			s.search("Errors", "Sum"), s.search("Throttles", "Sum")),
		s.graph(1, 1, "Duration of functions, p99", "p99", s.search("Duration", "p99")),
		s.graph(0, 2, "Approvals", "Sum",
			line("AWS/States", "ExecutionsStarted", machine), line("AWS/States", "ExecutionsSucceeded", machine),
			line("AWS/States", "ExecutionsFailed", machine), line("AWS/States", "ExecutionsTimedOut", machine)),
		s.graph(1, 2, "Age of changes that wait for the relay (ms), and dead letters", "Maximum",
			line("AWS/Lambda", "IteratorAge", relay),
			line("Ascend/"+s.env.Name, "DeadLetters", nil),
			line("AWS/SQS", "ApproximateNumberOfMessagesVisible", []any{"QueueName", s.name(sweepDead)})),
	}
	var used, refused []any
	for _, def := range store.Tables() {
		table := []any{"TableName", s.name(string(def.Table))}
		used = append(used, line("AWS/DynamoDB", "ConsumedReadCapacityUnits", table), line("AWS/DynamoDB", "ConsumedWriteCapacityUnits", table))
		refused = append(refused, line("AWS/DynamoDB", "ReadThrottleEvents", table), line("AWS/DynamoDB", "WriteThrottleEvents", table))
	}
	graphs = append(graphs, s.graph(0, 3, "Capacity used", "Sum", used...), s.graph(1, 3, "Throttles of tables", "Sum", refused...))
	return map[string]any{"widgets": graphs}
}

// graph returns a widget in a column, 0 or 1, of a row.
func (s stack) graph(column, row int, title, statistic string, lines ...any) any {
	const width, height = 12, 6
	return map[string]any{
		"type": "metric", "x": column * width, "y": row * height, "width": width, "height": height,
		"properties": map[string]any{"title": title, "region": *s.Region(), "stat": statistic, "period": 300, "metrics": lines},
	}
}

// line returns a metric of a graph.
func line(namespace, name string, dimensions []any) any {
	return append([]any{namespace, name}, dimensions...)
}

// search returns a metric of each of the environment's functions: of those with both
// words in their names. In quotes they would be the whole of a name.
func (s stack) search(name, statistic string) any {
	return []any{map[string]any{"expression": fmt.Sprintf(
		`SEARCH('{AWS/Lambda,FunctionName} MetricName="%s" FunctionName=ascend FunctionName=%s', '%s', 300)`, name, s.env.Name, statistic)}}
}
