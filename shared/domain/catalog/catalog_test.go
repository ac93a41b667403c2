package catalog_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"ascend/shared/domain/catalog"
	"ascend/shared/domain/cvss"
)

// printed is REF-act's score table (facts.md §6.3): the 56 documented types.
var printed = map[string]float64{
	"database_read": 2.5, "file_read": 2.5, "api_read": 2.5, "analytics_query": 2.5, "api_call": 3.0,
	"database_write": 5.0, "file_write": 5.0, "api_write": 5.0, "record_update": 4.5,
	"database_delete": 7.5, "file_delete": 7.5, "record_delete": 7.0,
	"data_export": 7.5, "data_exfiltration": 9.0, "bulk_transfer": 8.0,
	"execute_trade": 8.5, "payment_process": 8.5, "limit_override": 8.5, "funds_transfer": 9.0, "wire_transfer": 9.0,
	"account_modify": 7.5, "transaction_void": 7.5, "credit_approval": 8.0,
	"phi_access": 6.5, "phi_modify": 8.1, "phi_export": 8.5, "prescription_write": 8.5, "diagnosis_modify": 8.5,
	"pii_access": 6.5, "consent_modify": 6.5, "pii_modify": 7.5, "pii_delete": 7.5,
	"system_modification": 9.0, "credential_access": 9.0, "config_change": 8.5, "schema_change": 8.5,
	"privilege_escalation": 9.5, "service_restart": 7.5,
	"email_send": 4.5, "notification_send": 3.5, "message_send": 4.0,
	"employee_record_access": 6.5, "payroll_modify": 8.0, "benefits_change": 7.0, "termination_process": 7.5,
	"contract_sign": 7.5, "contract_modify": 7.5, "legal_hold": 7.0,
	"execute_query": 6.5, "execute_command": 9.0, "shell_execute": 9.5, "code_execute": 9.5,
	"file_system_access": 7.0, "network_request": 6.5, "process_spawn": 8.5, "memory_access": 8.0,
}

// verbPoints are R1's action points of 25 (facts.md §6.1).
var verbPoints = map[catalog.Operation]int{
	catalog.List: 7, catalog.Read: 10, catalog.Scan: 12, catalog.Execute: 16, catalog.Modify: 19,
	catalog.Create: 21, catalog.Update: 21, catalog.Write: 23, catalog.Delete: 25, catalog.Unknown: 19,
}

func TestTheFiftySixDocumentedTypesStandInTheirTwelveGroups(t *testing.T) {
	groups := map[catalog.Group]int{}
	count := 0
	for _, e := range catalog.All() {
		if !e.Documented {
			continue
		}
		count++
		groups[e.Group]++
		if _, ok := printed[e.Type]; !ok {
			t.Errorf("%s is marked as documented and is not in REF-act's table", e.Type)
		}
	}
	if count != 56 || len(printed) != 56 {
		t.Errorf("%d documented types of %d printed, want 56", count, len(printed))
	}
	want := map[catalog.Group]int{
		catalog.Reading: 5, catalog.Writing: 4, catalog.Deleting: 3, catalog.Movement: 3, catalog.Financial: 8, catalog.Healthcare: 5,
		catalog.PersonalData: 4, catalog.System: 6, catalog.Communication: 3, catalog.HumanResources: 4, catalog.Legal: 3, catalog.Tooling: 8,
	}
	if fmt.Sprint(groups) != fmt.Sprint(want) {
		t.Errorf("groups %v, want %v", groups, want)
	}
}

func TestEveryTypeIsMappedInFull(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range catalog.All() {
		if seen[e.Type] || e.Type != strings.ToLower(e.Type) {
			t.Errorf("%q stands twice or not in lower case", e.Type)
		}
		seen[e.Type] = true
		checkMapped(t, e)
		if got := catalog.Lookup(e.Type); got != e || !got.Known {
			t.Errorf("Lookup(%s) = %+v, want %+v", e.Type, got, e)
		}
	}
	for _, name := range []string{"delete_x", "list_x", "scan_x", "x", "send_x", "copy_x", "modify_x", "create_x", "update_x", "write_x", "run_x", "read_x"} {
		checkMapped(t, catalog.Lookup(name))
	}
}

func checkMapped(t *testing.T, e catalog.Entry) {
	t.Helper()
	score, err := cvss.Score(e.Vector)
	if err != nil || score.Score == 0 {
		t.Errorf("%s: vector %s: %v, %v", e.Type, e.Vector, score, err)
	}
	if !catalog.ValidControl(e.Control) || !catalog.ValidTactic(e.Tactic) || !strings.HasPrefix(e.Technique, "T1") {
		t.Errorf("%s: %s, %s, %s", e.Type, e.Control, e.Tactic, e.Technique)
	}
	if e.VectorFrom == "" || e.ControlFrom == "" || e.TechniqueFrom == "" || e.Group == "" || e.Operation == "" {
		t.Errorf("%s: a source, group or operation is missing: %+v", e.Type, e)
	}
	if text := e.Recommendation(); !strings.HasSuffix(text, ".") {
		t.Errorf("%s: recommendation %q", e.Type, text)
	}
	if (e.Control[0] == '1') != (e.Group == catalog.Healthcare) {
		t.Errorf("%s: %s in group %s; HIPAA is for healthcare", e.Type, e.Control, e.Group)
	}
}

func TestRiskFollowsItsRule(t *testing.T) {
	fixed := map[string]int{"email_send": 35, "data_access": 15}
	names := []string{"list_x", "read_x", "scan_x", "send_x", "run_x", "copy_x", "modify_x", "create_x", "update_x", "write_x", "delete_x", "x"}
	entries := catalog.All()
	for _, name := range names {
		entries = append(entries, catalog.Lookup(name))
	}
	for _, e := range entries {
		score, _ := cvss.Score(e.Vector)
		want := max(verbPoints[e.Operation]*4, int(math.Round(score.Score*10)), int(math.Round(printed[e.Type]*10)))
		if points, ok := fixed[e.Type]; ok {
			want = points
		}
		if e.Risk != want {
			t.Errorf("%s: risk %d, want %d", e.Type, e.Risk, want)
		}
	}
}

func TestDocumentedVectorsAndMappings(t *testing.T) {
	for _, want := range []struct {
		name, metrics, control, tactic, technique string
		score                                     float64
	}{
		// decisions.md 18 and 19
		{"email_send", "PR:L/UI:R/S:U/C:L/I:N/A:N", "AC-3", "TA0002", "T1566", 3.5},
		// facts.md §6.3: REF-act's vectors; §6.4, §6.5
		{"database_read", "PR:L/UI:N/S:U/C:L/I:N/A:N", "AC-3", "TA0009", "T1005", 4.3},
		{"database_write", "PR:L/UI:N/S:U/C:L/I:L/A:N", "AC-3", "TA0003", "T1098", 5.4},
		{"database_delete", "PR:L/UI:N/S:U/C:N/I:H/A:H", "AC-6", "TA0040", "T1485", 8.1},
		{"data_exfiltration", "PR:L/UI:N/S:C/C:H/I:N/A:N", "AC-4", "TA0010", "T1041", 7.7},
		{"funds_transfer", "PR:H/UI:N/S:C/C:H/I:H/A:L", "AC-3", "TA0040", "T1657", 9.0},
		{"phi_access", "PR:H/UI:N/S:U/C:H/I:N/A:N", "164.312(a)(1)", "TA0009", "T1213", 4.9},
		{"pii_access", "PR:L/UI:N/S:U/C:H/I:N/A:N", "AC-3", "TA0009", "T1213", 6.5},
		{"privilege_escalation", "PR:L/UI:N/S:C/C:H/I:H/A:H", "AC-6", "TA0004", "T1078", 9.9},
		{"shell_execute", "PR:L/UI:N/S:C/C:H/I:H/A:H", "AC-3", "TA0002", "T1059.004", 9.9},
		// CC-risk's impacts
		{"data_export", "PR:N/UI:N/S:U/C:H/I:N/A:N", "SI-12", "TA0010", "T1041", 7.5},
		{"record_update", "PR:L/UI:N/S:U/C:L/I:H/A:N", "AC-3", "TA0003", "T1098", 7.1},
		{"credential_access", "PR:H/UI:N/S:C/C:H/I:H/A:L", "IA-5", "TA0006", "T1003", 9.0},
	} {
		e := catalog.Lookup(want.name)
		score, _ := cvss.Score(e.Vector)
		got := fmt.Sprint(strings.TrimPrefix(e.Vector, "CVSS:3.1/AV:N/AC:L/"), e.Control, e.Tactic, e.Technique, score.Score)
		if expected := fmt.Sprint(want.metrics, want.control, want.tactic, want.technique, want.score); got != expected {
			t.Errorf("%s: got %s, want %s", want.name, got, expected)
		}
	}
	if got := catalog.NISTTitle(catalog.Lookup("email_send").Control); got != "Access Enforcement" {
		t.Errorf("email_send's control is called %q", got)
	}
}

func TestUnknownTypesAreJudgedByTheirVerbs(t *testing.T) {
	for name, want := range map[string]catalog.Operation{
		"delete_customer":            catalog.Delete,
		"s3.delete_object":           catalog.Delete,
		"rds.DeleteDBInstance":       catalog.Delete,
		"langchain.tool.drop_table":  catalog.Delete,
		"langchain.tool.x":           catalog.Unknown,
		"langchain.llm.call":         catalog.Execute,
		"delete.get_preview":         catalog.Read,
		"vault.delete.everything":    catalog.Delete,
		"read_and_delete":            catalog.Delete,
		"get-or-create":              catalog.Create,
		"list_deleted_files":         catalog.List,
		"ec2.DescribeInstances":      catalog.List,
		"HTTPGet":                    catalog.Read,
		"read":                       catalog.Read,
		"update":                     catalog.Update,
		"slack:send message":         catalog.Send,
		"export_customers":           catalog.Transfer,
		"frobnicate":                 catalog.Unknown,
		"":                           catalog.Unknown,
		"...":                        catalog.Unknown,
		"löschen":                    catalog.Unknown,
		strings.Repeat("read.", 400): catalog.Unknown,
	} {
		e := catalog.Lookup(name)
		if e.Operation != want || e.Known || e.Documented || e.Type != name {
			t.Errorf("Lookup(%.40q) = %s, known %t, type %.40q; want %s", name, e.Operation, e.Known, e.Type, want)
		}
	}
}

func TestLetterCaseAndBlanksDoNotHideAType(t *testing.T) {
	for _, name := range []string{"SHELL_EXECUTE", " shell_execute\n"} {
		if e := catalog.Lookup(name); !e.Known || e.Type != "shell_execute" {
			t.Errorf("Lookup(%q) = %+v", name, e)
		}
	}
}

func TestTypesThatMeanPersonalData(t *testing.T) {
	for name, want := range map[string]bool{
		"phi_access": true, "consent_modify": true, "payroll_modify": true, "fetch_patient_record": true, "x.pii.read": true,
		"email_send": false, "database_read": false, "data_access": false, "frobnicate": false,
	} {
		if got := catalog.Lookup(name).PersonalData(); got != want {
			t.Errorf("%s: personal data %t, want %t", name, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"database":                "database",
		"customer_database.Users": "customer database users",
		"DeleteDBInstance":        "delete db instance",
		"__a--b__":                "a b",
		"s3://bucket/KEY_1":       "s3 bucket key 1",
		"creditCardNumber":        "credit card number",
		"naïve":                   "naïve",
		"A":                       "a",
		"-A":                      "a",
		"aB":                      "a b",
	} {
		if got := catalog.Words(text); got != want {
			t.Errorf("Words(%q) = %q, want %q", text, got, want)
		}
	}
	if got := catalog.Words(strings.Repeat("a", 5000)); len(got) != 1024 {
		t.Errorf("read %d bytes, want 1024", len(got))
	}
}

func TestControls(t *testing.T) {
	for control, want := range map[string]string{
		"AC-3": "Access Enforcement", "AC-6": "Least Privilege", "AC-6(9)": "Least Privilege", "SI-12": "Information Handling and Retention",
		"CM-3": "Configuration Change Control", "IA-5": "Authenticator Management", "AC-2": "Account Management", "AU-2": "Audit Events",
		"SI-4": "System Monitoring", "PE-3": "Physical and Environmental Protection", "PE-3(1)": "Physical and Environmental Protection",
		"164.312(a)(1)": "Access Control", "164.312(a)(2)(iv)": "HIPAA Security Rule", "164.308": "HIPAA Security Rule",
		"": "", "AC": "", "AC-": "", "AC-0": "", "AC-03": "", "AC-100": "", "ac-3": "", " AC-3": "", "AC-3 ": "", "ZZ-3": "", "AC-6()": "", "AC-6(0)": "",
		"AC-6(9": "", "164.313": "", "164.312(": "", "164.312(a)(1)(i)(b)": "", "AC-3\n": "", "TA0001": "", strings.Repeat("A", 1<<16): "",
	} {
		if got := catalog.NISTTitle(control); got != want || catalog.ValidControl(control) != (want != "") {
			t.Errorf("NISTTitle(%.30q) = %q, want %q", control, got, want)
		}
	}
}

func TestTactics(t *testing.T) {
	count := 0
	for n := range 100 {
		if catalog.ValidTactic(fmt.Sprintf("TA%04d", n)) {
			count++
		}
	}
	if count != 14 {
		t.Errorf("%d tactics, want 14", count)
	}
	for tactic, want := range map[string]string{"TA0001": "Initial Access", "TA0011": "Command and Control", "TA0040": "Impact", "TA0012": "", "ta0001": "", "": ""} {
		if got := catalog.TacticName(tactic); got != want {
			t.Errorf("TacticName(%q) = %q, want %q", tactic, got, want)
		}
	}
}

func FuzzLookup(f *testing.F) {
	for _, name := range []string{"email_send", "database.delete", "langchain.tool.x", "\xff.\x00", "ÄÖ.read"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		e := catalog.Lookup(name)
		if _, err := cvss.Score(e.Vector); err != nil || e.Risk < 0 || e.Risk > 100 || e.Recommendation() == "" {
			t.Fatalf("Lookup(%q) = %+v, %v", name, e, err)
		}
		if !e.Known && e.Type != name {
			t.Fatalf("Lookup(%q) is called %q", name, e.Type)
		}
		catalog.ValidControl(name)
	})
}

func ExampleLookup() {
	for _, name := range []string{"email_send", "s3.delete_object"} {
		e := catalog.Lookup(name)
		fmt.Println(e.Type, e.Known, e.Operation, e.Risk, e.Control, catalog.NISTTitle(e.Control), e.Tactic, e.Technique)
	}
	// Output:
	// email_send true send 35 AC-3 Access Enforcement TA0002 T1566
	// s3.delete_object false delete 100 AC-6 Least Privilege TA0040 T1485
}

func BenchmarkLookup(b *testing.B) {
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			catalog.Lookup("email_send")
		}
	})
	b.Run("by verb", func(b *testing.B) {
		for b.Loop() {
			catalog.Lookup("langchain.tool.delete_file")
		}
	})
}
