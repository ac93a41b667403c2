package catalog

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A control of NIST SP 800-53 ("AC-3", "AC-6(9)") or a paragraph of the HIPAA
// Security Rule ("164.312(a)(1)").
var controlPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[A-Z]{2}-[1-9][0-9]?(?:\([1-9][0-9]?\))?|164\.3(?:0[2468]|1[02468])(?:\([a-z0-9]{1,4}\)){0,3})$`)
})

// MaxControl is how many characters the name of a control may have.
const MaxControl = 24

// The control families of NIST SP 800-53 revision 5.
var families = map[string]string{
	"AC": "Access Control", "AT": "Awareness and Training", "AU": "Audit and Accountability",
	"CA": "Assessment, Authorization, and Monitoring", "CM": "Configuration Management", "CP": "Contingency Planning",
	"IA": "Identification and Authentication", "IR": "Incident Response", "MA": "Maintenance", "MP": "Media Protection",
	"PE": "Physical and Environmental Protection", "PL": "Planning", "PM": "Program Management", "PS": "Personnel Security",
	"PT": "Personally Identifiable Information Processing and Transparency", "RA": "Risk Assessment",
	"SA": "System and Services Acquisition", "SC": "System and Communications Protection",
	"SI": "System and Information Integrity", "SR": "Supply Chain Risk Management",
}

// Titles of single controls: as the documentation prints them (facts.md §6.4:
// AU-2 and SI-12 bear revision 4's), the others from revision 5 and, for 164,
// from 45 CFR 164.312.
var titles = map[string]string{
	"AC-2": "Account Management", "AC-3": "Access Enforcement", "AC-4": "Information Flow Enforcement",
	"AC-5": "Separation of Duties", "AC-6": "Least Privilege", "AC-7": "Unsuccessful Logon Attempts",
	"AC-17": "Remote Access", "AC-20": "Use of External Systems", "AC-21": "Information Sharing",
	"AU-2": "Audit Events", "AU-3": "Content of Audit Records", "AU-6": "Audit Record Review, Analysis, and Reporting",
	"AU-9": "Protection of Audit Information", "AU-10": "Non-repudiation", "AU-11": "Audit Record Retention",
	"AU-12": "Audit Record Generation",
	"CM-2":  "Baseline Configuration", "CM-3": "Configuration Change Control", "CM-5": "Access Restrictions for Change",
	"CM-6": "Configuration Settings", "CM-7": "Least Functionality",
	"IA-2": "Identification and Authentication (Organizational Users)", "IA-5": "Authenticator Management",
	"MP-6": "Media Sanitization",
	"SC-7": "Boundary Protection", "SC-8": "Transmission Confidentiality and Integrity",
	"SC-12": "Cryptographic Key Establishment and Management", "SC-13": "Cryptographic Protection",
	"SC-28": "Protection of Information at Rest",
	"SI-4":  "System Monitoring", "SI-7": "Software, Firmware, and Information Integrity",
	"SI-10": "Information Input Validation", "SI-12": "Information Handling and Retention",

	"164.312(a)(1)": "Access Control", "164.312(b)": "Audit Controls", "164.312(c)(1)": "Integrity",
	"164.312(d)": "Person or Entity Authentication", "164.312(e)(1)": "Transmission Security",
}

// The tactics of MITRE ATT&CK for Enterprise.
var tactics = map[string]string{
	"TA0001": "Initial Access", "TA0002": "Execution", "TA0003": "Persistence", "TA0004": "Privilege Escalation",
	"TA0005": "Defense Evasion", "TA0006": "Credential Access", "TA0007": "Discovery", "TA0008": "Lateral Movement",
	"TA0009": "Collection", "TA0010": "Exfiltration", "TA0011": "Command and Control", "TA0040": "Impact",
	"TA0042": "Resource Development", "TA0043": "Reconnaissance",
}

// ValidControl reports whether a text is a NIST SP 800-53 control of a family
// that exists ("AC-3", "SI-12", "AC-6(9)") or a HIPAA Security Rule paragraph
// ("164.312(a)(1)").
func ValidControl(control string) bool { return NISTTitle(control) != "" }

// NISTTitle returns the title of a control: for an enhancement that of its
// control, for a control that is not listed that of its family, and "" for any
// other text.
func NISTTitle(control string) string {
	if title, ok := titles[control]; ok {
		return title
	}
	if len(control) > MaxControl || !controlPattern().MatchString(control) {
		return ""
	}
	if strings.HasPrefix(control, "164.") {
		return "HIPAA Security Rule"
	}
	base, _, _ := strings.Cut(control, "(")
	if title, ok := titles[base]; ok {
		return title
	}
	return families[control[:2]]
}

// ControlPattern returns a regular expression of the texts that ValidControl
// accepts and that have at most MaxControl characters, and of the empty text.
func ControlPattern() string {
	return `^((` + strings.Join(slices.Sorted(maps.Keys(families)), "|") + `)-[1-9][0-9]?([(][1-9][0-9]?[)])?|164[.]3(0[2468]|1[02468])([(][a-z0-9]{1,4}[)]){0,3})?$`
}

// ValidTactic reports whether a text is the id of a MITRE ATT&CK tactic, TA0001
// to TA0011, TA0040, TA0042 or TA0043.
func ValidTactic(tactic string) bool { return TacticName(tactic) != "" }

// TacticName returns the name of a MITRE ATT&CK tactic, "" for any other text.
func TacticName(tactic string) string { return tactics[tactic] }
