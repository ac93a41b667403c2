package catalog

// v begins every vector of the tables: all documented ones act over the
// network at low complexity (facts.md §6.3).
const v = "CVSS:3.1/AV:N/AC:L/"

// documented holds the 56 documented action types in their 12 groups
// (REF-act, facts.md §6.3). Columns: type, group, operation, risk, vector and
// its source, control and its source, tactic, technique and their source.
var documented = []row{
	// read: 5
	{"database_read", Reading, Read, 43, v + "PR:L/UI:N/S:U/C:L/I:N/A:N", refAct, "AC-3", cNIST, "TA0009", "T1005", cMITRE},
	{"file_read", Reading, Read, 43, v + "PR:L/UI:N/S:U/C:L/I:N/A:N", ccRisk, "AC-3", cNIST, "TA0009", "T1005", refActTactic},
	{"api_read", Reading, Read, 43, v + "PR:L/UI:N/S:U/C:L/I:N/A:N", ccRisk, "AC-3", refAct, "TA0009", "T1213", refActTactic},
	{"analytics_query", Reading, Read, 43, v + "PR:L/UI:N/S:U/C:L/I:N/A:N", ccRisk, "AC-3", refAct, "TA0009", "T1213", refActTactic},
	{"api_call", Reading, Execute, 64, v + "PR:L/UI:N/S:U/C:L/I:L/A:N", ccRisk, "AC-3", cNIST, "TA0009", "T1213", refActTactic},

	// write: 4
	{"database_write", Writing, Write, 92, v + "PR:L/UI:N/S:U/C:L/I:L/A:N", refAct, "AC-3", cNIST, "TA0003", "T1098", refAct},
	{"file_write", Writing, Write, 92, v + "PR:L/UI:N/S:U/C:N/I:H/A:N", ccRisk, "AC-3", cNIST, "TA0003", "T1098", refActTactic},
	{"api_write", Writing, Write, 92, v + "PR:L/UI:N/S:U/C:N/I:H/A:N", ccRisk, "AC-3", refAct, "TA0003", "T1098", refActTactic},
	{"record_update", Writing, Update, 84, v + "PR:L/UI:N/S:U/C:L/I:H/A:N", ccRisk, "AC-3", refAct, "TA0003", "T1098", refActTactic},

	// delete: 3
	{"database_delete", Deleting, Delete, 100, v + "PR:L/UI:N/S:U/C:N/I:H/A:H", refAct, "AC-6", cNIST, "TA0040", "T1485", refActTactic},
	{"file_delete", Deleting, Delete, 100, v + "PR:L/UI:N/S:U/C:N/I:H/A:H", ccRisk, "AC-6", cNIST, "TA0040", "T1485", refActCCRisk},
	{"record_delete", Deleting, Delete, 100, v + "PR:L/UI:N/S:U/C:N/I:H/A:H", byGroup, "AC-6", cNIST, "TA0040", "T1485", refActTactic},

	// movement: 3
	{"data_export", Movement, Transfer, 75, v + "PR:N/UI:N/S:U/C:H/I:N/A:N", ccRisk, "SI-12", cNIST, "TA0010", "T1041", cMITRE},
	{"data_exfiltration", Movement, Transfer, 90, v + "PR:L/UI:N/S:C/C:H/I:N/A:N", refAct, "AC-4", cNIST, "TA0010", "T1041", cMITRE},
	{"bulk_transfer", Movement, Transfer, 82, v + "PR:N/UI:N/S:U/C:H/I:L/A:N", ccRisk, "SI-12", cNIST, "TA0010", "T1048", cMITRE},

	// financial: 8
	{"execute_trade", Financial, Execute, 85, v + "PR:L/UI:N/S:U/C:L/I:H/A:L", ccRisk, "AC-3", refAct, "TA0040", "T1657", byGroup},
	{"payment_process", Financial, Transfer, 85, v + "PR:L/UI:N/S:U/C:H/I:H/A:L", ccRisk, "AC-3", refAct, "TA0040", "T1657", byGroup},
	{"limit_override", Financial, Modify, 85, v + "PR:L/UI:N/S:U/C:H/I:H/A:L", byGroup, "AC-6", cNIST, "TA0040", "T1657", byGroup},
	{"funds_transfer", Financial, Transfer, 90, v + "PR:H/UI:N/S:C/C:H/I:H/A:L", refAct, "AC-3", refAct, "TA0040", "T1657", byGroup},
	{"wire_transfer", Financial, Transfer, 90, v + "PR:H/UI:N/S:C/C:H/I:H/A:L", byGroup, "AC-3", refAct, "TA0040", "T1657", byGroup},
	{"account_modify", Financial, Modify, 76, v + "PR:L/UI:N/S:U/C:L/I:H/A:L", byGroup, "AC-3", refAct, "TA0040", "T1565", byGroup},
	{"transaction_void", Financial, Modify, 76, v + "PR:L/UI:N/S:U/C:L/I:H/A:L", byGroup, "AC-3", refAct, "TA0040", "T1565", byGroup},
	{"credit_approval", Financial, Modify, 81, v + "PR:L/UI:N/S:U/C:H/I:H/A:N", byGroup, "AC-3", refAct, "TA0040", "T1657", byGroup},

	// healthcare: 5
	{"phi_access", Healthcare, Read, 65, v + "PR:H/UI:N/S:U/C:H/I:N/A:N", refAct, "164.312(a)(1)", hipaa, "TA0009", "T1213", refActTactic},
	{"phi_modify", Healthcare, Modify, 81, v + "PR:L/UI:N/S:U/C:H/I:H/A:N", byGroup, "164.312(c)(1)", hipaa, "TA0040", "T1565", refActTactic},
	{"phi_export", Healthcare, Transfer, 85, v + "PR:L/UI:N/S:C/C:H/I:L/A:N", byGroup, "164.312(e)(1)", hipaa, "TA0010", "T1041", refActTactic},
	{"prescription_write", Healthcare, Write, 92, v + "PR:L/UI:N/S:C/C:L/I:H/A:N", byGroup, "164.312(c)(1)", hipaa, "TA0003", "T1098", refActTactic},
	{"diagnosis_modify", Healthcare, Modify, 85, v + "PR:L/UI:N/S:C/C:L/I:H/A:N", byGroup, "164.312(c)(1)", hipaa, "TA0040", "T1565", refActTactic},

	// PII: 4
	{"pii_access", PersonalData, Read, 65, v + "PR:L/UI:N/S:U/C:H/I:N/A:N", refAct, "AC-3", refAct, "TA0009", "T1213", refActTactic},
	{"consent_modify", PersonalData, Modify, 76, v + "PR:L/UI:N/S:U/C:N/I:H/A:N", byGroup, "AC-3", refAct, "TA0003", "T1098", refActTactic},
	{"pii_modify", PersonalData, Modify, 76, v + "PR:L/UI:N/S:U/C:L/I:H/A:L", byGroup, "AC-3", refAct, "TA0003", "T1098", refActTactic},
	{"pii_delete", PersonalData, Delete, 100, v + "PR:L/UI:N/S:U/C:N/I:H/A:H", byGroup, "SI-12", cNIST, "TA0040", "T1485", refActTactic},

	// system: 6
	{"system_modification", System, Modify, 98, v + "PR:N/UI:N/S:U/C:H/I:H/A:H", ccRisk, "CM-3", cNIST, "TA0003", "T1543", refActTactic},
	{"credential_access", System, Read, 90, v + "PR:H/UI:N/S:C/C:H/I:H/A:L", ccRisk, "IA-5", cNIST, "TA0006", "T1003", cMITRE},
	{"config_change", System, Modify, 85, v + "PR:L/UI:N/S:C/C:L/I:H/A:N", byGroup, "CM-3", cNIST, "TA0005", "T1562", refActTactic},
	{"schema_change", System, Modify, 85, v + "PR:L/UI:N/S:C/C:N/I:H/A:L", byGroup, "CM-3", cNIST, "TA0003", "T1098", refActTactic},
	{"privilege_escalation", System, Modify, 99, v + "PR:L/UI:N/S:C/C:H/I:H/A:H", refAct, "AC-6", cNIST, "TA0004", "T1078", cMITRE},
	{"service_restart", System, Execute, 77, v + "PR:L/UI:N/S:C/C:N/I:N/A:H", byGroup, "CM-3", cNIST, "TA0040", "T1489", refActTactic},

	// communication: 3
	{"email_send", Communication, Send, 35, v + "PR:L/UI:R/S:U/C:L/I:N/A:N", decided, "AC-3", decided, "TA0002", "T1566", decided},
	{"notification_send", Communication, Send, 35, v + "PR:L/UI:R/S:U/C:N/I:L/A:N", ccRiskRecipient, "AU-2", cNIST, "TA0011", "T1071", refActTactic},
	{"message_send", Communication, Send, 40, v + "PR:L/UI:R/S:U/C:N/I:L/A:N", byGroup, "AU-2", cNIST, "TA0011", "T1071", refActTactic},

	// HR: 4
	{"employee_record_access", HumanResources, Read, 65, v + "PR:L/UI:N/S:U/C:H/I:N/A:N", ccRisk, "AC-3", refAct, "TA0009", "T1213", byGroup},
	{"payroll_modify", HumanResources, Modify, 81, v + "PR:L/UI:N/S:U/C:H/I:H/A:N", byGroup, "AC-3", refAct, "TA0040", "T1565", byGroup},
	{"benefits_change", HumanResources, Modify, 76, v + "PR:L/UI:N/S:U/C:L/I:H/A:N", byGroup, "AC-3", refAct, "TA0040", "T1565", byGroup},
	{"termination_process", HumanResources, Modify, 76, v + "PR:L/UI:N/S:U/C:L/I:H/A:L", byGroup, "AC-2", cNIST, "TA0040", "T1531", byGroup},

	// legal: 3
	{"contract_sign", Legal, Modify, 76, v + "PR:L/UI:N/S:U/C:L/I:H/A:L", byGroup, "AC-3", refAct, "TA0040", "T1565", byGroup},
	{"contract_modify", Legal, Modify, 76, v + "PR:L/UI:N/S:U/C:L/I:H/A:L", byGroup, "AC-3", refAct, "TA0040", "T1565", byGroup},
	{"legal_hold", Legal, Modify, 76, v + "PR:L/UI:N/S:U/C:N/I:H/A:L", byGroup, "AU-9", cNIST, "TA0040", "T1565", byGroup},

	// MCP: 8
	{"execute_query", Tooling, Execute, 65, v + "PR:L/UI:N/S:U/C:H/I:N/A:N", byGroup, "AC-3", refAct, "TA0009", "T1213", refActTactic},
	{"execute_command", Tooling, Execute, 91, v + "PR:H/UI:N/S:C/C:H/I:H/A:H", byGroup, "AC-3", refAct, "TA0002", "T1059", refActTactic},
	{"shell_execute", Tooling, Execute, 99, v + "PR:L/UI:N/S:C/C:H/I:H/A:H", refAct, "AC-3", refAct, "TA0002", "T1059.004", cMITRE},
	{"code_execute", Tooling, Execute, 99, v + "PR:L/UI:N/S:C/C:H/I:H/A:H", byGroup, "AC-3", refAct, "TA0002", "T1059", cMITRE},
	{"file_system_access", Tooling, Read, 71, v + "PR:L/UI:N/S:U/C:H/I:L/A:N", byGroup, "AC-3", refAct, "TA0009", "T1005", refActTactic},
	{"network_request", Tooling, Execute, 65, v + "PR:L/UI:N/S:U/C:H/I:N/A:N", byGroup, "SC-7", cNIST, "TA0011", "T1071", refActTactic},
	{"process_spawn", Tooling, Execute, 85, v + "PR:L/UI:N/S:C/C:N/I:L/A:H", byGroup, "AC-3", refAct, "TA0002", "T1059", refActTactic},
	{"memory_access", Tooling, Read, 80, v + "PR:L/UI:N/S:C/C:H/I:N/A:N", byGroup, "AC-3", refAct, "TA0006", "T1003", refActTactic},
}
