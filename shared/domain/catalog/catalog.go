// Package catalog describes the kinds of actions: what each does, its CVSS 3.1
// vector, its NIST SP 800-53 (or HIPAA) control, its MITRE ATT&CK tactic and
// technique, its own share of risk, and what a reviewer should look at.
//
// # Where the entries come from
//
// Every entry names the source of its vector and of its mappings. Where pages
// disagree, decisions.md 18 and 19 decide; then, for vectors, REF-act's, then
// CC-risk's impacts with PR:L and S:U unless facts.md §6.3 prints a score that
// needs another privilege or scope; for controls C-nist, then REF-act (the
// first control it names); for tactics REF-act and C-mitre, which agree, with
// C-mitre's or CC-risk's technique. What no page lists is ours: chosen by
// group, for vectors one whose score comes close to REF-act's printed score.
//
// email_send is as decided (UI:R, 3.5 low). The two other types of its group
// take UI:R for the same reason: a person must open the message.
package catalog

import (
	"strings"
	"sync"
)

// Group is the kind of work an action type belongs to. REF-act sorts its 56
// types into these 12.
type Group string

// The groups of REF-act (facts.md §6.3).
const (
	Reading        Group = "read"
	Writing        Group = "write"
	Deleting       Group = "delete"
	Movement       Group = "movement"
	Financial      Group = "financial"
	Healthcare     Group = "healthcare"
	PersonalData   Group = "pii"
	System         Group = "system"
	Communication  Group = "communication"
	HumanResources Group = "hr"
	Legal          Group = "legal"
	Tooling        Group = "mcp"
)

// Operation is what an action does to what it touches. All but the last three
// are the verb classes of R1's action score (facts.md §6.1).
type Operation string

// The operations. Send and Transfer are ours: R1 has no verbs for them. R1 puts
// create and update in one class.
const (
	List     Operation = "list"
	Read     Operation = "read"
	Scan     Operation = "scan"
	Execute  Operation = "execute"
	Modify   Operation = "modify"
	Create   Operation = "create"
	Update   Operation = "update"
	Write    Operation = "write"
	Delete   Operation = "delete"
	Send     Operation = "send"     // a message leaves
	Transfer Operation = "transfer" // data or money moves
	Unknown  Operation = "unknown"
)

// Source names where a value was found (facts.md §6.3–6.5).
type Source string

// The sources in use.
const (
	decided         Source = "decisions.md 18-19"
	refAct          Source = "REF-act"
	refActTactic    Source = "REF-act; technique ours, by group"
	refActCCRisk    Source = "REF-act; technique CC-risk"
	ccRisk          Source = "CC-risk"
	ccRiskRecipient Source = "CC-risk; UI:R as email_send in decisions.md 18"
	cNIST           Source = "C-nist"
	cMITRE          Source = "C-mitre"
	hipaa           Source = "REF-act (HIPAA 164.312); paragraph ours, by group"
	byGroup         Source = "ours, by group"
	byVerb          Source = "ours, by verb"
)

// Entry is what is known of one action type.
type Entry struct {
	Type       string    `json:"action_type"` // the catalogue's spelling; an unknown type as asked for
	Known      bool      `json:"known"`       // named by the documents; otherwise judged by its verb
	Documented bool      `json:"documented"`  // one of the 56
	Group      Group     `json:"category"`
	Operation  Operation `json:"operation"`

	// Risk is the type's own share of risk, 0–100: the action_type factor of
	// ascend-risk/1. It is the greatest of R1's points for the operation
	// (facts.md §6.1, A/25·100: list 28, read 40, scan 48, execute 64, modify
	// 76, create and update 84, write 92, delete 100), R1's replacement by the CVSS score
	// (cvss·10) and REF-act's printed score (·10). The seeds fix two below
	// that: email_send 35 (S4) and data_access 15 (S3).
	Risk int `json:"default_risk_score"`

	Vector        string `json:"cvss_vector"` // a CVSS 3.1 base vector
	VectorFrom    Source `json:"cvss_source"`
	Control       string `json:"nist_control"` // NIST SP 800-53, or HIPAA 164.312 in healthcare
	ControlFrom   Source `json:"nist_source"`
	Tactic        string `json:"mitre_tactic"`
	Technique     string `json:"mitre_technique"`
	TechniqueFrom Source `json:"mitre_source"` // of tactic and technique

	personal bool
}

// PersonalData reports whether the type implies data about people: the groups
// healthcare, PII and HR, and unknown types by their names.
func (e Entry) PersonalData() bool {
	return e.personal || e.Group == Healthcare || e.Group == PersonalData || e.Group == HumanResources
}

// A row is an entry as the tables hold it.
type row struct {
	name          string
	group         Group
	operation     Operation
	risk          int
	vector        string
	vectorFrom    Source
	control       string
	controlFrom   Source
	tactic        string
	technique     string
	techniqueFrom Source
}

func (r row) entry() Entry {
	return Entry{
		Type: r.name, Group: r.group, Operation: r.operation, Risk: r.risk,
		Vector: r.vector, VectorFrom: r.vectorFrom, Control: r.control, ControlFrom: r.controlFrom,
		Tactic: r.tactic, Technique: r.technique, TechniqueFrom: r.techniqueFrom,
	}
}

var index = sync.OnceValue(func() map[string]Entry {
	known := make(map[string]Entry, len(documented)+len(further))
	for _, e := range All() {
		known[e.Type] = e
	}
	return known
})

// All returns the catalogue: the 56 documented types group by group, then the
// others that the documents name.
func All() []Entry {
	all := make([]Entry, 0, len(documented)+len(further))
	for i, r := range documented {
		all = append(all, r.entry())
		all[i].Known, all[i].Documented = true, true
	}
	for _, r := range further {
		e := r.entry()
		e.Known = true
		all = append(all, e)
	}
	return all
}

// Lookup returns the entry of an action type, ignoring case and surrounding
// blanks. A type that the documents do not name is classified by the verbs in its
// name, and Known is false.
func Lookup(actionType string) Entry {
	if len(actionType) <= maxName {
		if e, ok := index()[strings.ToLower(strings.TrimSpace(actionType))]; ok {
			return e
		}
	}
	return byName(actionType)
}
