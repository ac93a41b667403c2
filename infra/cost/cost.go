// Package cost is the cost model: what one million decisions cost, by counted
// calls and a stated price list. Decision record 0024 holds its table, and a
// test holds the record against this code.
package cost

// Prices are those of us-east-1 in US dollars, per million of each but where
// said otherwise: AWS's public price pages as known on 2026-11-22, beyond free
// tiers and first tiers.
type Prices struct {
	APICalls      float64 // API Gateway, REST (aws.amazon.com/api-gateway/pricing)
	Invocations   float64 // Lambda requests (aws.amazon.com/lambda/pricing)
	GBSeconds     float64 // Lambda on arm64, of one GB-second
	WriteUnits    float64 // DynamoDB on demand (aws.amazon.com/dynamodb/pricing/on-demand)
	ReadUnits     float64 //
	Transitions   float64 // Step Functions, standard (aws.amazon.com/step-functions/pricing)
	Events        float64 // EventBridge, custom (aws.amazon.com/eventbridge/pricing)
	LogGB         float64 // CloudWatch Logs, ingestion of one GB (aws.amazon.com/cloudwatch/pricing)
	Traces        float64 // X-Ray, recorded (aws.amazon.com/xray/pricing)
	FirewallCalls float64 // WAF (aws.amazon.com/waf/pricing)
}

// USEast1 is the price list of the table.
var USEast1 = Prices{
	APICalls: 3.50, Invocations: 0.20, GBSeconds: 0.0000133334, WriteUnits: 0.625, ReadUnits: 0.125,
	Transitions: 25, Events: 1, LogGB: 0.50, Traces: 5, FirewallCalls: 0.60,
}

// Usage is what one decision uses. The counts are held by tests; see the fields
// of each in Usages.
type Usage struct {
	Name        string
	APICalls    float64
	Invocations float64
	WriteUnits  float64
	ReadUnits   float64
	Transitions float64
	Events      float64
}

// Usages are the ways of a decision. Capacity units: app's
// TestWhatASubmissionAndAnApprovalConsume, with one item more read for the
// caller's API key. Transitions: record 0020, and the histories on LocalStack.
// Events: the relay's tests. A relay's call takes many records; a tenth of a
// call for each record is assumed.
func Usages() []Usage {
	const relayed = 0.1
	submit := Usage{Name: "decided at once", APICalls: 1, Invocations: 1 + relayed, WriteUnits: 4, ReadUnits: 3, Events: 2}
	// A pending submission, its opening, and the relay of both.
	pending := Usage{APICalls: 1, Invocations: 1 + 1 + relayed, WriteUnits: 6 + 1, ReadUnits: 3 + 1, Events: 3}
	approved := pending
	approved.Name = "approved by one person"
	approved.APICalls++ // without polling, see Poll
	approved.Invocations += 1 + relayed
	approved.WriteUnits += 16
	approved.ReadUnits += 3 + 2
	approved.Transitions, approved.Events = 1, pending.Events+2
	unanswered := pending
	unanswered.Name = "unanswered, one stage"
	unanswered.Invocations += 1 + relayed // approval-escalate
	unanswered.WriteUnits += 3 + 3        // the action, 3 KB, and its three indexes
	unanswered.ReadUnits += 1 + 2
	unanswered.Transitions, unanswered.Events = 4, pending.Events+2
	return []Usage{submit, approved, unanswered, Poll()}
}

// Poll is one look at an action's status by a client that waits.
func Poll() Usage {
	return Usage{Name: "one poll of a status", APICalls: 1, Invocations: 1, ReadUnits: 2}
}

// Deployment is what of an environment changes the price.
type Deployment struct {
	Name     string
	MemoryGB float64
	Traced   float64 // share of calls that X-Ray records
	Firewall bool
}

// Deployments are the environments of package infra that cost something.
func Deployments() []Deployment {
	return []Deployment{
		{Name: "dev", MemoryGB: 0.25, Traced: sampled},
		{Name: "staging", MemoryGB: 0.5, Traced: sampled},
		{Name: "prod", MemoryGB: 0.5, Traced: sampled, Firewall: true},
	}
}

// Assumptions, which nobody has measured on AWS: billed seconds of a call, GB
// of logs for each call (two lines of Lambda's, one of ours, one of the
// gateway's), and the share of calls that X-Ray's default rule records.
const (
	billedSeconds = 0.015
	logGB         = 1e-6
	sampled       = 0.05
)

// Item is one line of a bill, in US dollars.
type Item struct {
	Name string
	USD  float64
}

// PerMillion is what one million decisions cost in a deployment, by item.
func PerMillion(p Prices, d Deployment, u Usage) []Item {
	items := []Item{
		{"API Gateway", u.APICalls * p.APICalls},
		{"Lambda", u.Invocations * (p.Invocations + billedSeconds*d.MemoryGB*p.GBSeconds*1e6)},
		{"DynamoDB", u.WriteUnits*p.WriteUnits + u.ReadUnits*p.ReadUnits},
		{"Step Functions", u.Transitions * p.Transitions},
		{"EventBridge", u.Events * p.Events},
		{"Logs", u.Invocations * logGB * p.LogGB * 1e6},
		{"X-Ray", u.Invocations * d.Traced * p.Traces},
		{"WAF", 0},
	}
	if d.Firewall {
		items[len(items)-1].USD = u.APICalls * p.FirewallCalls
	}
	return items
}

// Total sums a bill up.
func Total(items []Item) (usd float64) {
	for _, i := range items {
		usd += i.USD
	}
	return usd
}
