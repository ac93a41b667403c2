package risk

import (
	"strings"

	"ascend/shared/domain/catalog"
)

// The sensitivities of R1's S of 30, normalised (S/30·100, whole points).
const (
	allThree       = 100           // 30: PII flag, high keyword and pattern
	piiAndPattern  = 93            // 28
	piiAndKeyword  = 90            // 27
	piiOnly        = 83            // 25
	patternOnly    = 73            // 22
	highKeyword    = 67            // 20
	customerData   = 60            // 18
	businessData   = 40            // 12
	namedResource  = 50            // a resource of no known type: R1's multiplier 1.0, see resourceTypes
	noResource     = 25            // fixed by the documented email_send sample (R1's 5 of 30 would be 17)
	unknownClass   = 67            // a classification we do not know counts as a high keyword
	tooLongToJudge = piiAndPattern // ours

	maxText = 1024 // bytes of a text that are looked at
)

// sensitivityOf returns the gravest finding on the resource. R1's
// "declared test data" is left out: it would let a client lower the score.
func sensitivityOf(in Input) finding {
	gravest := points(noResource, "no resource named")
	if in.Resource != "" || in.ResourceType != "" || in.ResourceID != "" {
		gravest = points(namedResource, "a resource of no known type")
	}
	class := classificationOf(in.DataClassification)
	gravest = higher(gravest, class)
	gravest = higher(gravest, dataSensitivityOf(in.DataSensitivity))

	var seen evidence
	for _, text := range []string{in.Resource, in.ResourceType, in.ResourceID, in.TargetSystem, in.DataClassification} {
		seen.read(text)
	}
	if in.Financial || class.tenths >= highKeyword*10 {
		seen.keyword = max(seen.keyword, highKeyword)
	}
	gravest = higher(gravest, seen.kind)
	return higher(gravest, seen.combined(holdsPersonalData(in)))
}

// evidence is what the texts about a resource show.
type evidence struct {
	keyword int     // points of the gravest keyword, 0 for none
	kind    finding // the gravest resource type
	pattern bool
	tooLong bool
}

// read adds the words of a text, the phrases that they open and its patterns.
func (e *evidence) read(text string) {
	if len(text) > maxText {
		e.tooLong = true
		return
	}
	words := catalog.Words(text)
	for start := 0; start < len(words); {
		end := wordEnd(words, start)
		next := end + 1
		if e.match(words[start:end]) {
			for n := 1; n < longestPhrase && end < len(words); n++ {
				end = wordEnd(words, end+1)
				e.match(words[start:end])
			}
		}
		start = next
	}
	e.pattern = e.pattern || hasPattern(text)
}

func wordEnd(words string, from int) int {
	if i := strings.IndexByte(words[from:], ' '); i >= 0 {
		return from + i
	}
	return len(words)
}

// match adds the meaning of a word or phrase, as it is or else in the singular
// and without a number at its end, and reports whether it opens a phrase.
func (e *evidence) match(phrase string) (opens bool) {
	found, ok := lexicon()[phrase]
	if singular := strings.TrimSuffix(strings.TrimRight(phrase, "0123456789"), "s"); !ok && singular != phrase {
		found = lexicon()[singular]
	}
	e.keyword = max(e.keyword, found.keyword)
	if found.kind > 0 {
		e.kind = higher(e.kind, points(found.kind, "a resource of a sensitive type"))
	}
	return found.opens
}

// combined returns the finding of R1's table of PII flag, keywords and patterns.
func (e *evidence) combined(pii bool) finding {
	high := e.keyword == highKeyword
	switch {
	case pii && high && e.pattern:
		return points(allThree, "personal data, a sensitive keyword and a pattern of personal data")
	case e.tooLong:
		return points(tooLongToJudge, "a text too long to judge")
	case pii && e.pattern:
		return points(piiAndPattern, "personal data and a pattern of personal data")
	case pii && high:
		return points(piiAndKeyword, "personal data and a sensitive keyword")
	case pii:
		return points(piiOnly, "personal data")
	case e.pattern:
		return points(patternOnly, "a pattern of personal data in the resource")
	case high:
		return points(highKeyword, "a sensitive keyword")
	case e.keyword == customerData:
		return points(customerData, "a customer-data keyword")
	case e.keyword == businessData:
		return points(businessData, "a business-data keyword")
	}
	return finding{}
}

// classificationOf returns the points of a data classification (the classes of facts.md §5):
// PCI, PHI and PII as R3's data term, financial and secret as R1's high
// keywords, confidential and internal as its business keywords. Public is no
// less than saying nothing. top_secret and unknown classes are ours.
func classificationOf(class string) finding {
	switch normal(class) {
	case "", "public":
		return finding{}
	case "pci", "top_secret":
		return points(100, "classified as PCI or top secret")
	case "phi", "healthcare":
		return points(95, "classified as health data")
	case "pii":
		return points(90, "classified as personal data")
	case "financial", "secret":
		return points(highKeyword, "classified as financial or secret")
	case "internal", "confidential":
		return points(businessData, "classified as internal or confidential")
	}
	return points(unknownClass, "an unknown classification")
}

// dataSensitivityOf returns the points of the documented data_sensitivity members, R4's
// points of 30 (high 30, medium 20, low 10), normalised. A word that is not
// known counts as high.
func dataSensitivityOf(word string) finding {
	switch sensitivityLevel(word) {
	case 0:
		return finding{}
	case 1:
		return points(33, "data sensitivity low")
	case 2:
		return points(67, "data sensitivity medium")
	}
	return points(100, "data sensitivity high")
}

// sensitivityLevel returns 0 for none, and 1 to 3 for low, medium and high.
func sensitivityLevel(word string) int {
	switch normal(word) {
	case "", "none":
		return 0
	case "low", "low_sensitivity":
		return 1
	case "medium", "medium_sensitivity":
		return 2
	}
	return 3
}

// holdsPersonalData reports whether data about people are declared, by the flag
// or by the classification.
func holdsPersonalData(in Input) bool {
	return in.PII || isPersonalClass(in.DataClassification)
}

func isPersonalClass(class string) bool {
	switch normal(class) {
	case "pii", "phi", "healthcare", "pci":
		return true
	}
	return false
}

// normal returns a word in the spelling of the closed lists: lower case, trimmed,
// underscores between its parts.
func normal(word string) string {
	word = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(word)), "-", "_")
	return strings.ReplaceAll(word, " ", "_")
}
