package risk_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/catalog"
	"ascend/shared/domain/cvss"
	"ascend/shared/domain/risk"
)

// input is a submission of the catalogue's action type, with its CVSS score.
func input(actionType string, set func(*risk.Input)) risk.Input {
	scored, err := cvss.Score(catalog.Lookup(actionType).Vector)
	if err != nil {
		panic(err)
	}
	in := risk.Input{ActionType: actionType, CVSSScore: scored.Score}
	if set != nil {
		set(&in)
	}
	return in
}

func TestDocumentedSamples(t *testing.T) {
	for _, test := range []struct {
		name          string
		in            risk.Input
		score         float64
		level         string
		contributions string
	}{
		{"risk/evaluate of data_access on database (S3)", input("data_access", func(in *risk.Input) { in.Resource = "database" }), 45, "medium", "[17.5 22.5 3.75 1.25]"},
		{"submit of email_send with no resource (S4)", input("email_send", nil), 35, "low", "[17.5 7.5 8.75 1.25]"},
		{"the same with the target system its details show (S4)", input("email_send", func(in *risk.Input) { in.TargetSystem = "smtp.company.com" }), 35, "low", "[17.5 7.5 8.75 1.25]"},
	} {
		got := risk.Evaluate(test.in)
		var contributions []float64
		for _, f := range got.Factors {
			contributions = append(contributions, f.Contribution)
		}
		if got.Score != test.score || got.Level != test.level || got.BeforeFloors != test.score || fmt.Sprint(contributions) != test.contributions ||
			got.Model != "ascend-risk/1" || len(got.Floors) != 0 || got.Floors == nil {
			t.Errorf("%s: got %+v", test.name, got)
		}
	}
}

func TestFactorsComeInOrderWithTheirWeights(t *testing.T) {
	got := ""
	for _, f := range risk.Evaluate(risk.Input{}).Factors {
		got += fmt.Sprintf("%s %.2f; ", f.Name, f.Weight)
		if f.Why == "" {
			t.Errorf("%s does not say why", f.Name)
		}
	}
	if want := "environment 0.35; resource_sensitivity 0.30; action_type 0.25; context 0.10; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// value evaluates one factor of an otherwise empty email_send.
func value(factor int, set func(*risk.Input)) float64 {
	return risk.Evaluate(input("email_send", set)).Factors[factor].Value
}

func TestEnvironment(t *testing.T) {
	for name, want := range map[string]float64{
		"": 50, " ": 50, "production": 100, "PROD": 100, " Production ": 100, "staging": 51, "stage": 51, "development": 14, "dev": 14,
		"test": 9, "sandbox": 6, "qa": 100, "sandbox2": 100, "\xff": 100,
	} {
		if got := value(0, func(in *risk.Input) { in.Environment = name }); got != want {
			t.Errorf("%q is %v, want %v", name, got, want)
		}
	}
}

func TestResourceSensitivity(t *testing.T) {
	long := strings.Repeat("x", 1025)
	for name, test := range map[string]struct {
		in   risk.Input
		want float64
	}{
		"nothing":                            {risk.Input{}, 25},
		"a target system alone":              {risk.Input{TargetSystem: "smtp.example"}, 25},
		"an unknown resource":                {risk.Input{Resource: "ledger"}, 50},
		"an unknown resource type":           {risk.Input{ResourceType: "ledger"}, 50},
		"a resource id":                      {risk.Input{ResourceID: "7"}, 50},
		"a type of low weight":               {risk.Input{ResourceType: "lambda"}, 50},
		"a database":                         {risk.Input{Resource: "Databases"}, 75},
		"a database by the target":           {risk.Input{TargetSystem: "orders-db2"}, 75},
		"redshift":                           {risk.Input{ResourceType: "redshift"}, 69},
		"security group in three spellings":  {risk.Input{Resource: "SecurityGroup/web"}, 69},
		"vpc":                                {risk.Input{ResourceType: "vpc"}, 63},
		"a volume":                           {risk.Input{ResourceType: "ebs"}, 56},
		"customers":                          {risk.Input{Resource: "customers"}, 60},
		"addresses":                          {risk.Input{Resource: "addresses"}, 60},
		"the documented customer database":   {risk.Input{Resource: "customer_database.profiles"}, 75},
		"a customer is not a custom":         {risk.Input{Resource: "customise"}, 50},
		"revenue in another place":           {risk.Input{TargetSystem: "revenue-report"}, 40},
		"a password":                         {risk.Input{Resource: "app/passwords"}, 67},
		"an api key in camel case":           {risk.Input{Resource: "theApiKeyStore"}, 67},
		"three words":                        {risk.Input{Resource: "x date of birth y"}, 60},
		"a phrase of which a word is plural": {risk.Input{Resource: "credit cards 2"}, 67},
		"a phrase cut short":                 {risk.Input{Resource: "the social"}, 50},
		"a word that holds another":          {risk.Input{Resource: "tokenizer"}, 50},
		"an SSN":                             {risk.Input{ResourceID: "user 123-45-6789"}, 73},
		"PII":                                {risk.Input{PII: true}, 83},
		"PII and a password":                 {risk.Input{PII: true, Resource: "password"}, 90},
		"PII and a pattern":                  {risk.Input{PII: true, Resource: "a@example.org"}, 93},
		"PII, a pattern and a password":      {risk.Input{PII: true, Resource: "password of a@example.org"}, 100},
		"financial data":                     {risk.Input{Financial: true}, 67},
		"public data":                        {risk.Input{DataClassification: "public"}, 25},
		"public data of a database":          {risk.Input{DataClassification: "public", Resource: "database"}, 75},
		"internal data":                      {risk.Input{DataClassification: "Internal"}, 40},
		"confidential data":                  {risk.Input{DataClassification: "confidential"}, 40},
		"financial class":                    {risk.Input{DataClassification: "financial"}, 67},
		"secret":                             {risk.Input{DataClassification: "secret"}, 67},
		"top secret":                         {risk.Input{DataClassification: "top-secret"}, 100},
		"pii class":                          {risk.Input{DataClassification: "PII"}, 90},
		"phi class":                          {risk.Input{DataClassification: "phi"}, 95},
		"pci class":                          {risk.Input{DataClassification: "pci"}, 100},
		"a class we do not know":             {risk.Input{DataClassification: "plutonium"}, 67},
		"PII of a class we do not know":      {risk.Input{DataClassification: "plutonium", PII: true}, 90},
		"no sensitivity":                     {risk.Input{DataSensitivity: "none"}, 25},
		"low sensitivity":                    {risk.Input{DataSensitivity: "low_sensitivity"}, 33},
		"medium sensitivity":                 {risk.Input{DataSensitivity: "medium"}, 67},
		"high sensitivity":                   {risk.Input{DataSensitivity: "high_sensitivity"}, 100},
		"a sensitivity we do not know":       {risk.Input{DataSensitivity: "?"}, 100},
		"a text too long":                    {risk.Input{Resource: long}, 93},
		"a password hidden behind long text": {risk.Input{PII: true, Resource: long + " password"}, 93},
		"a long text of the allowed length":  {risk.Input{Resource: long[:1024]}, 50},
		"a healthcare action type":           {risk.Input{ActionType: "phi_access"}, 83},
		"blanks and dots":                    {risk.Input{Resource: " .. "}, 50},
	} {
		if got := risk.Evaluate(test.in).Factors[1]; got.Value != test.want {
			t.Errorf("%s: %v (%s), want %v", name, got.Value, got.Why, test.want)
		}
	}
}

func TestPatternsOfPersonalData(t *testing.T) {
	for _, text := range []string{
		"123-45-6789", "id:123 45 6789;", "2024-123-45-6789", "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111",
		"212-555-0100", "(212) 555-0100", "+1 212.555.0100", "1-212-555-0100", "10.0.0.1", "http://192.168.1.254/x", "é10.0.0.1",
		"a@example.org", "mail to a.b+c@mail.example.co.uk.", "@ x@example.org", "user_123-45-6789",
	} {
		if got := value(1, func(in *risk.Input) { in.ResourceID = text }); got != 73 {
			t.Errorf("%q: %v, want 73", text, got)
		}
	}
	for _, text := range []string{
		"", "123456789", "123-45-678", "x123-45-6789", "123-45-6789x", "123--45-6789", "411111111111111", "41111111111111111", "4111.1111.1111.1111",
		"2125550100", "212-555-010", "212/555/0100", "10.0.0", "10.0.0.256", "10.0.0.1000", "10-0-0-1", "1.2.3.x4", "v1.2.3",
		"a@b", "@example.org", "a@.org", "a@example.o", "a@example.o1g", "a@", "a b @example.org", "2026-01-02", "2026-01-02T03:04:05Z",
		"7c9e6679-7425-40de-944b-e07fc1f90ae7",
	} {
		if got := value(1, func(in *risk.Input) { in.TargetSystem = text }); got != 25 {
			t.Errorf("%q: %v, want 25", text, got)
		}
	}
}

func TestActionType(t *testing.T) {
	for name, want := range map[string]float64{
		"email_send": 35, "data_access": 15, "database_read": 43, "database_delete": 100, "database_write": 92, "shell_execute": 99,
		"something_else": 76, "s3.delete_object": 100, "": 76,
	} {
		if got := risk.Evaluate(risk.Input{ActionType: name}).Factors[2]; got.Value != want {
			t.Errorf("%q: %v (%s), want %v", name, got.Value, got.Why, want)
		}
	}
}

func TestContext(t *testing.T) {
	for name, test := range map[string]struct {
		in   risk.Input
		want float64
		why  string
	}{
		"nothing":                 {risk.Input{}, 12.5, "nothing unusual stated"},
		"business hours":          {risk.Input{TimeContext: "business_hours"}, 12.5, "nothing unusual stated"},
		"a maintenance window":    {risk.Input{TimeContext: "maintenance window"}, 12.5, "nothing unusual stated"},
		"after hours":             {risk.Input{TimeContext: "after_hours"}, 37.5, "time"},
		"peak hours":              {risk.Input{TimeContext: "peak_hours"}, 37.5, "time"},
		"a holiday":               {risk.Input{TimeContext: "holiday"}, 50, "time"},
		"personal data":           {risk.Input{PII: true}, 50, "data"},
		"financial data":          {risk.Input{Financial: true}, 62.5, "data"},
		"sensitive data":          {risk.Input{DataSensitivity: "high"}, 50, "data"},
		"slightly sensitive data": {risk.Input{DataSensitivity: "low"}, 25, "data"},
		"outside":                 {risk.Input{ExternalTransfer: true}, 37.5, "external transfer"},
		"nine records":            {risk.Input{RecordCount: 9}, 12.5, "nothing unusual stated"},
		"ten records":             {risk.Input{RecordCount: 10}, 25, "volume"},
		"a hundred records":       {risk.Input{RecordCount: 100}, 37.5, "volume"},
		"a thousand records":      {risk.Input{RecordCount: 1000}, 50, "volume"},
		"999":                     {risk.Input{Amount: 999.99}, 12.5, "nothing unusual stated"},
		"1,000":                   {risk.Input{Amount: 1000}, 25, "amount"},
		"a refund of 10,000":      {risk.Input{Amount: -10000}, 37.5, "amount"},
		"100,000":                 {risk.Input{Amount: 1e5}, 50, "amount"},
		"no number":               {risk.Input{Amount: math.NaN()}, 50, "amount"},
		"at the threshold":        {risk.Input{Amount: 20, AmountThreshold: 20}, 12.5, "nothing unusual stated"},
		"above the threshold":     {risk.Input{Amount: 21, AmountThreshold: 20}, 50, "amount"},
		"compliance flags":        {risk.Input{ComplianceFlags: 2}, 37.5, "compliance flags"},
		"two of them":             {risk.Input{ExternalTransfer: true, RecordCount: 10}, 50, "external transfer, volume"},
		"everything": {risk.Input{TimeContext: "holiday", Financial: true, ExternalTransfer: true, RecordCount: 1e9, Amount: 1e9, ComplianceFlags: 9}, 100,
			"time, data, external transfer, volume, amount, compliance flags"},
	} {
		if got := risk.Evaluate(test.in).Factors[3]; got.Value != test.want || got.Why != test.why {
			t.Errorf("%s: %v (%s), want %v (%s)", name, got.Value, got.Why, test.want, test.why)
		}
	}
}

func TestFloors(t *testing.T) {
	for name, test := range map[string]struct {
		in     risk.Input
		score  float64
		floors string
	}{
		"a critical CVSS score":               {risk.Input{ActionType: "email_send", CVSSScore: 9}, 85, "[cvss_critical]"},
		"a CVSS score just below":             {risk.Input{ActionType: "email_send", CVSSScore: 8.9}, 35, "[]"},
		"a CVSS score that is none":           {risk.Input{ActionType: "email_send", CVSSScore: math.NaN()}, 85, "[cvss_critical]"},
		"personal data in production":         {risk.Input{ActionType: "data_access", PII: true, Environment: "prod"}, 70, "[pii_in_production]"},
		"the same by class":                   {risk.Input{ActionType: "data_access", DataClassification: "pii", Environment: "prod"}, 70.75, "[pii_in_production]"},
		"the same by action type":             {risk.Input{ActionType: "phi_access", Environment: "production"}, 81.15, "[pii_in_production]"},
		"an environment that is not known":    {risk.Input{ActionType: "data_access", PII: true, Environment: "qa"}, 70, "[pii_in_production]"},
		"personal data, environment not said": {risk.Input{ActionType: "data_access", PII: true}, 51.15, "[]"},
		"personal data in staging":            {risk.Input{ActionType: "data_access", PII: true, Environment: "staging"}, 51.5, "[]"},
		"both":                                {risk.Input{ActionType: "data_access", PII: true, Environment: "prod", CVSSScore: 9.9}, 85, "[cvss_critical pii_in_production]"},
		"a floor below the score": {risk.Input{ActionType: "database_delete", Resource: "database", PII: true, Environment: "prod", Financial: true, DataSensitivity: "high", CVSSScore: 9.9},
			96.25, "[cvss_critical pii_in_production]"},
	} {
		got := risk.Evaluate(test.in)
		names := []string{}
		for _, f := range got.Floors {
			names = append(names, f.Name)
			if got.Score < f.Minimum || f.Why == "" {
				t.Errorf("%s: %+v under the score %v", name, f, got.Score)
			}
		}
		if got.Score != test.score || fmt.Sprint(names) != test.floors {
			t.Errorf("%s: score %v (before %v), floors %v; want %v, %s", name, got.Score, got.BeforeFloors, names, test.score, test.floors)
		}
	}
}

func TestLevels(t *testing.T) {
	for score, want := range map[float64]string{0: "low", 39.99: "low", 40: "medium", 69.99: "medium", 70: "high", 89.99: "high", 90: "critical", 100: "critical"} {
		if got := risk.Level(score); got != want {
			t.Errorf("Level(%v) = %s, want %s", score, got, want)
		}
	}
}

// A stored answer of this model: a change here needs another model name.
func TestGoldenSamples(t *testing.T) {
	for _, test := range []struct {
		in     risk.Input
		golden string
	}{
		{input("database_delete", func(in *risk.Input) { in.Resource, in.Environment = "database", "production" }), "83.75 high"},
		{input("funds_transfer", func(in *risk.Input) { in.Amount, in.ExternalTransfer = 250000, true }), "85 high"},
		{input("shell_execute", func(in *risk.Input) { in.Environment = "sandbox" }), "85 high"},
		{input("database_read", func(in *risk.Input) { in.Resource = "customer_database.profiles" }), "52 medium"},
		{input("file_read", func(in *risk.Input) { in.Resource, in.Environment = "readme", "development" }), "31.9 low"},
		{input("pii_modify", func(in *risk.Input) {
			in.Resource, in.Environment, in.RecordCount = "users/a@example.org", "production", 5000
		}), "90.65 critical"},
		{input("data_exfiltration", func(in *risk.Input) { in.Resource, in.Environment = "database", "production" }), "81.25 high"},
		{input("phi_access", nil), "63.65 medium"},
		{input("api_call", nil), "42.25 medium"},
	} {
		got := risk.Evaluate(test.in)
		if text := fmt.Sprint(got.Score, " ", got.Level); text != test.golden {
			t.Errorf("%+v: %s, want %s; %+v", test.in, text, test.golden, got.Factors)
		}
	}
}

func TestAnInputStoredAsJSONIsDecidedTheSame(t *testing.T) {
	for _, in := range []risk.Input{
		{},
		input("email_send", nil),
		{ActionType: "x", Resource: "r", ResourceType: "t", ResourceID: "1", TargetSystem: "s", Environment: "dev", DataClassification: "pii", DataSensitivity: "low",
			TimeContext: "holiday", PII: true, Financial: true, ExternalTransfer: true, ComplianceFlags: 3, Amount: 12.34, AmountThreshold: math.SmallestNonzeroFloat64,
			RecordCount: math.MaxFloat64, CVSSScore: 9.1},
	} {
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var again risk.Input
		if err := json.Unmarshal(text, &again, json.RejectUnknownMembers(true)); err != nil || again != in {
			t.Errorf("%s became %+v, %v", text, again, err)
		}
		if fmt.Sprint(risk.Evaluate(again)) != fmt.Sprint(risk.Evaluate(in)) {
			t.Errorf("%s is decided otherwise", text)
		}
	}
}

func TestAResultIsPlainJSON(t *testing.T) {
	text, err := json.Marshal(risk.Evaluate(input("data_access", func(in *risk.Input) { in.Resource = "database" })))
	want := `{"model":"ascend-risk/1","score":45,"level":"medium","before_floors":45,"factors":[` +
		`{"name":"environment","value":50,"weight":0.35,"contribution":17.5,"why":"no environment stated"},` +
		`{"name":"resource_sensitivity","value":75,"weight":0.3,"contribution":22.5,"why":"a resource of a sensitive type"},` +
		`{"name":"action_type","value":15,"weight":0.25,"contribution":3.75,"why":"action type of the catalogue, read"},` +
		`{"name":"context","value":12.5,"weight":0.1,"contribution":1.25,"why":"nothing unusual stated"}],"floors":[]}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v\nwant %s", text, err, want)
	}
}

func ExampleEvaluate() {
	result := risk.Evaluate(risk.Input{ActionType: "data_access", Resource: "database"})
	fmt.Println(result.Score, result.Level)
	for _, f := range result.Factors {
		fmt.Println(f.Name, f.Contribution)
	}
	// Output:
	// 45 medium
	// environment 17.5
	// resource_sensitivity 22.5
	// action_type 3.75
	// context 1.25
}

func BenchmarkEvaluate(b *testing.B) {
	for name, in := range map[string]risk.Input{
		"bare":    input("email_send", nil),
		"typical": {ActionType: "data_access", Resource: "customer_database.profiles", ResourceType: "database", ResourceID: "cust_12345", TargetSystem: "crm.example.com", Environment: "production", DataClassification: "confidential", Amount: 1200},
		"custom":  {ActionType: "langchain.tool.delete_file", Resource: "reports/2026/q3.pdf"},
		"longest": {ActionType: "data_access", Resource: strings.Repeat("1a ", 341), ResourceID: strings.Repeat("1.1@", 256)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				risk.Evaluate(in)
			}
		})
	}
}
