package catalog

// Recommendation returns one sentence for the reviewer of such an action.
func (e Entry) Recommendation() string {
	if e.Known {
		if text, ok := forType[e.Type]; ok {
			return text
		}
		return forGroup[e.Group]
	}
	return forOperation[e.Operation]
}

var forType = map[string]string{
	"email_send":           "Confirm that the sender is authorised and each recipient is expected before it is sent.",
	"data_exfiltration":    "Treat as an incident: stop it unless its owner has asked for it in writing.",
	"credential_access":    "Hand out short-lived credentials only, to a named purpose, and rotate what was read.",
	"privilege_escalation": "Grant the smallest right that does the work, for a limited time, and record who asked.",
	"schema_change":        "Check that the change was tested, can be undone and has a backup before it.",
	"service_restart":      "Check who depends on the service and restart it outside their hours.",
	"legal_hold":           "Confirm with counsel before anything under the hold is changed or released.",
	"termination_process":  "Confirm with HR and make sure that access ends at the same time.",
	"network_request":      "Check that the destination is on the list of allowed hosts and that no secrets leave with the request.",
	"memory_access":        "Check that no credentials or personal data can be read from the process.",
	"phi_export":           "Check the disclosure against the minimum necessary rule and encrypt it in transit.",
	"pii_delete":           "Check retention duties and legal holds before personal data are erased.",
}

var forGroup = map[Group]string{
	Reading:        "Check that the caller needs this information and asks for no more than it needs.",
	Writing:        "Check that the new values are validated and the old ones can be restored.",
	Deleting:       "Check that a backup exists and that the selection matches only what should go.",
	Movement:       "Check who receives the data, how much leaves, and that it is encrypted on the way.",
	Financial:      "Check amount, beneficiary and limits, and have a second person confirm.",
	Healthcare:     "Check the treatment relationship and limit access to the minimum necessary.",
	PersonalData:   "Check the legal basis and limit the action to the fields that the purpose needs.",
	System:         "Check that a change request approves it and that it can be rolled back.",
	Communication:  "Check the recipients and that the text holds no confidential data.",
	HumanResources: "Check that the request comes from HR and concerns only the person named.",
	Legal:          "Have the responsible lawyer confirm before it takes effect.",
	Tooling:        "Check the exact command or target and run it with the fewest rights in a contained place.",
}

var forOperation = map[Operation]string{
	List:     "Check that the caller may know of everything that is listed.",
	Read:     "Check that the caller needs this information and asks for no more than it needs.",
	Scan:     "Check that the target's owner knows of the scan.",
	Send:     "Check the recipients and that the text holds no confidential data.",
	Execute:  "Check the exact command or target and run it with the fewest rights in a contained place.",
	Transfer: "Check who receives it, how much moves, and that it is protected on the way.",
	Modify:   "Check that the new values are validated and the old ones can be restored.",
	Create:   "Check that what is created is wanted and has an owner.",
	Update:   "Check that the new values are validated and the old ones can be restored.",
	Write:    "Check that the new values are validated and the old ones can be restored.",
	Delete:   "Check that a backup exists and that the selection matches only what should go.",
	Unknown:  "The action type is not in the catalogue: find out what it does before approving it.",
}
