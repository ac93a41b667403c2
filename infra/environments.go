package main

// Environment is what one deployment has of its own. Everything else is the
// same in all of them. Zero values leave a thing out.
type Environment struct {
	Name    string
	Account string // "": that of the credentials that deploy
	Region  string
	Tags    map[string]string

	Architecture string  // of the functions, as Go names it: arm64 or amd64
	Memory       float64 // of a function, MB; its share of a processor grows with it
	Tracing      bool    // X-Ray
	LogDays      float64 // how long logs are kept

	Retain   bool // tables, users, secrets and logs outlive the stack
	Protect  bool // refuse to delete tables, users and the stack
	Recovery bool // point-in-time recovery and encryption by a key of the account

	Users   string  // Cognito's tier: ESSENTIALS or PLUS; "": callers are trusted by parameters
	Rate    float64 // requests a second that the API takes
	Burst   float64
	Flood   float64 // requests in five minutes that the firewall takes from one address; 0: no firewall
	Gateway bool    // API Gateway takes on a role to call functions, and keeps access logs

	ArchiveDays  float64 // how long events can be replayed
	RelayRetries float64 // attempts on a batch of changes before it is a dead letter; 0: as many as an hour has
	Alarms       *Alarms // and the dashboard
}

// Alarms are thresholds; periods are five minutes where not said otherwise.
type Alarms struct {
	FunctionFailures float64 // errors and throttles of one function
	ServerErrors     float64 // share of API answers that are 5xx, 0 … 1
	Latency          float64 // p99 of API answers, ms
	RelayLag         float64 // age of the oldest change not relayed, ms, for three minutes
	TableFailures    float64 // throttles and system errors of one table
}

// Environments lists the deployments. host is the architecture of the machine
// that runs functions for local, where they are processes.
func Environments(host string) []Environment {
	return []Environment{
		{
			// LocalStack: without what it does not have (Cognito, WAF, X-Ray,
			// replay) and without what costs its time and shows nothing.
			Name: "local", Account: "000000000000", Region: "us-east-1", Tags: tags("local"),
			Architecture: host, Memory: 256, LogDays: 1,
			Rate: 1000, Burst: 1000, RelayRetries: 10,
		},
		{
			Name: "dev", Region: "us-east-1", Tags: tags("dev"),
			Architecture: "arm64", Memory: 256, Tracing: true, LogDays: 14,
			Protect: true, Recovery: true, Users: "ESSENTIALS", Rate: 100, Burst: 200, Gateway: true, ArchiveDays: 7,
			Alarms: &Alarms{FunctionFailures: 5, ServerErrors: 0.05, Latency: 4000, RelayLag: 300_000, TableFailures: 10},
		},
		{
			Name: "staging", Region: "us-east-1", Tags: tags("staging"),
			Architecture: "arm64", Memory: 512, Tracing: true, LogDays: 30,
			Retain: true, Protect: true, Recovery: true, Users: "ESSENTIALS", Rate: 500, Burst: 1000, Gateway: true, ArchiveDays: 14,
			Alarms: &Alarms{FunctionFailures: 3, ServerErrors: 0.01, Latency: 2000, RelayLag: 60_000, TableFailures: 5},
		},
		{
			Name: "prod", Region: "us-east-1", Tags: tags("prod"),
			Architecture: "arm64", Memory: 512, Tracing: true, LogDays: 365,
			Retain: true, Protect: true, Recovery: true, Users: "PLUS", Rate: 2000, Burst: 4000, Flood: 300_000, Gateway: true, ArchiveDays: 90,
			Alarms: &Alarms{FunctionFailures: 1, ServerErrors: 0.01, Latency: 1000, RelayLag: 60_000, TableFailures: 1},
		},
	}
}

func tags(env string) map[string]string {
	return map[string]string{"application": "ascend", "environment": env, "managed-by": "cdk"}
}
