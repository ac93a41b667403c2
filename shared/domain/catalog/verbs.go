package catalog

import "strings"

// maxName is the longest text, in bytes, that is read as a name. A longer
// action type is an unknown one.
const maxName = 1024

// verbs of R1's action score (facts.md §6.1) and, below them, ours.
var verbs = map[string]Operation{
	"delete": Delete, "drop": Delete, "destroy": Delete, "terminate": Delete,
	"write": Write, "put": Write,
	"create": Create, "post": Create, "update": Update,
	"modify": Modify, "patch": Modify,
	"execute": Execute, "run": Execute, "invoke": Execute,
	"scan": Scan,
	"read": Read, "get": Read, "query": Read,
	"list": List, "describe": List,

	"remove": Delete, "purge": Delete, "truncate": Delete, "wipe": Delete, "erase": Delete,
	"insert": Write, "save": Write, "upload": Write, "overwrite": Write,
	"add": Create, "change": Modify, "edit": Modify, "set": Modify, "grant": Modify, "revoke": Modify,
	"exec": Execute, "call": Execute, "start": Execute, "stop": Execute, "restart": Execute, "deploy": Execute,
	"send": Send, "publish": Send, "notify": Send,
	"transfer": Transfer, "export": Transfer, "download": Transfer, "copy": Transfer, "pay": Transfer, "refund": Transfer, "withdraw": Transfer,
	"search": Read, "fetch": Read, "view": Read, "select": Read,
}

// defaults of types that the catalogue does not name, one per operation, from
// the mildest to the gravest: the gravest verb of a name decides. Risk follows
// the rule of Entry.Risk; an unknown verb's is R1's 19 of 25. Unknown stands last
// because it is taken only where no verb is found.
var defaults = []row{
	{"", Reading, List, 43, v + "PR:L/UI:N/S:U/C:L/I:N/A:N", byVerb, "AC-3", byVerb, "TA0009", "T1213", byVerb},
	{"", Reading, Read, 43, v + "PR:L/UI:N/S:U/C:L/I:N/A:N", byVerb, "AC-3", byVerb, "TA0009", "T1213", byVerb},
	{"", System, Scan, 48, v + "PR:L/UI:N/S:U/C:L/I:N/A:N", byVerb, "SI-4", byVerb, "TA0007", "T1046", byVerb},
	{"", Communication, Send, 54, v + "PR:L/UI:N/S:U/C:L/I:L/A:N", byVerb, "AU-2", byVerb, "TA0011", "T1071", byVerb},
	{"", Tooling, Execute, 64, v + "PR:L/UI:N/S:U/C:L/I:L/A:L", byVerb, "AC-3", byVerb, "TA0002", "T1059", byVerb},
	{"", Movement, Transfer, 75, v + "PR:N/UI:N/S:U/C:H/I:N/A:N", byVerb, "SI-12", byVerb, "TA0010", "T1041", byVerb},
	{"", Writing, Modify, 76, v + "PR:L/UI:N/S:U/C:L/I:H/A:N", byVerb, "AC-3", byVerb, "TA0003", "T1098", byVerb},
	{"", Writing, Create, 84, v + "PR:L/UI:N/S:U/C:L/I:L/A:N", byVerb, "AC-3", byVerb, "TA0003", "T1098", byVerb},
	{"", Writing, Update, 84, v + "PR:L/UI:N/S:U/C:L/I:H/A:N", byVerb, "AC-3", byVerb, "TA0003", "T1098", byVerb},
	{"", Writing, Write, 92, v + "PR:L/UI:N/S:U/C:L/I:H/A:N", byVerb, "AC-3", byVerb, "TA0003", "T1098", byVerb},
	{"", Deleting, Delete, 100, v + "PR:L/UI:N/S:U/C:N/I:H/A:H", byVerb, "AC-6", byVerb, "TA0040", "T1485", byVerb},
	{"", Tooling, Unknown, 76, v + "PR:L/UI:N/S:U/C:L/I:L/A:L", byVerb, "AC-3", byVerb, "TA0002", "T1059", byVerb},
}

// personalWords in the name of an unknown type mean data about people.
var personalWords = map[string]bool{"pii": true, "phi": true, "ssn": true, "patient": true, "personal": true}

// byName returns the entry of a type by its words. Dotted names are a path to an operation
// ("database.delete", "langchain.tool.delete_file", "s3.DeleteObject"): the
// last part that holds a verb counts, and in it the most dangerous verb.
func byName(actionType string) Entry {
	found := row{}
	personal := false
	if len(actionType) <= maxName {
		for part := range strings.FieldsFuncSeq(actionType, isPathSeparator) {
			gravest := -1
			for word := range strings.FieldsSeq(Words(part)) {
				personal = personal || personalWords[word]
				if operation, ok := verbs[word]; ok {
					gravest = max(gravest, rank(operation))
				}
			}
			if gravest >= 0 {
				found = defaults[gravest]
			}
		}
	}
	if found.operation == "" {
		found = defaults[rank(Unknown)]
	}
	e := found.entry()
	e.Type, e.personal = actionType, personal
	return e
}

func isPathSeparator(r rune) bool { return r == '.' || r == '/' || r == ':' }

// rank returns the index of an operation in defaults.
func rank(operation Operation) int {
	last := len(defaults) - 1
	for i := range last {
		if defaults[i].operation == operation {
			return i
		}
	}
	return last
}

// Words returns the words of an identifier in lower case, separated by one blank. Anything but ASCII letters and digits separates, and so does a
// capital after a small letter or before one ("DeleteDBInstance" is "delete db
// instance"). Bytes beyond ASCII belong to words and stay as they are. It reads
// the first 1,024 bytes.
func Words(text string) string {
	text = text[:min(len(text), maxName)]
	var short [96]byte
	buffer := short[:0]
	inWord := false
	for i := range len(text) {
		c := text[i]
		switch {
		case isUpper(c):
			startsWord := i > 0 && (!isUpper(text[i-1]) || i+1 < len(text) && isLower(text[i+1]))
			if len(buffer) > 0 && (!inWord || startsWord) {
				buffer = append(buffer, ' ')
			}
			buffer = append(buffer, c+'a'-'A')
			inWord = true
		case isLower(c), '0' <= c && c <= '9', c >= 0x80:
			if !inWord && len(buffer) > 0 {
				buffer = append(buffer, ' ')
			}
			buffer = append(buffer, c)
			inWord = true
		default:
			inWord = false
		}
	}
	return string(buffer)
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
