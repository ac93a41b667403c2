package risk

import (
	"strings"
	"sync"
)

// A term is what a word or a phrase of words says about a resource.
type term struct {
	keyword int  // points of its keyword class, 0 for none
	kind    int  // points of the resource type it names, 0 for none
	opens   bool // a phrase of the lexicon begins with it
}

// longestPhrase is the number of words in the longest phrase of the lexicon.
const longestPhrase = 3

// lexicon joins the two tables below, so that a word is looked up once.
var lexicon = sync.OnceValue(func() map[string]term {
	terms := make(map[string]term, len(keywords)+len(resourceTypes))
	enter := func(phrase string, add term) {
		known := terms[phrase]
		terms[phrase] = term{
			keyword: max(known.keyword, add.keyword), kind: max(known.kind, add.kind), opens: known.opens || add.opens,
		}
		if first, _, isPhrase := strings.Cut(phrase, " "); isPhrase {
			opener := terms[first]
			opener.opens = true
			terms[first] = opener
		}
	}
	for phrase, value := range keywords {
		enter(phrase, term{keyword: value})
	}
	for phrase, value := range resourceTypes {
		enter(phrase, term{kind: value})
	}
	return terms
})

// resourceTypes are R1's resource multipliers (facts.md §6.1, 0.8–1.2) made
// sensitivities by the straight line that puts 1.2 on the documented 75 of
// "database" and 0.8 on the 25 of no resource: 125·R − 75. R1's "unknown" 1.0 is
// then 50. A type below 50 stays at 50 where a resource is named.
var resourceTypes = map[string]int{
	"rds": 75, "database": 75, "aurora": 75, "iam": 75, "kms": 75, // 1.2
	"dynamodb": 69, "redshift": 69, "security group": 69, "securitygroup": 69, // 1.15
	"vpc": 63,            // 1.1
	"ebs": 56, "efs": 56, // 1.05
	"s3": 50, "ec2": 50, // 1.0
	"db": 75, "postgres": 75, "postgresql": 75, "mysql": 75, "mongodb": 75, "oracle": 75, // ours: databases by other names
}

// keywords are R1's (facts.md §6.1), as whole words with blanks between and
// also written together.
var keywords = map[string]int{
	"ssn": highKeyword, "social security": highKeyword, "socialsecurity": highKeyword,
	"credit card": highKeyword, "creditcard": highKeyword, "card number": highKeyword, "cardnumber": highKeyword,
	"cvv": highKeyword, "cvc": highKeyword, "password": highKeyword, "credential": highKeyword, "secret": highKeyword,
	"api key": highKeyword, "apikey": highKeyword, "private key": highKeyword, "privatekey": highKeyword, "token": highKeyword,
	"financial": highKeyword, "payment": highKeyword, "billing": highKeyword, "bank account": highKeyword, "bankaccount": highKeyword,
	"routing number": highKeyword, "routingnumber": highKeyword, "passport": highKeyword,
	"drivers license": highKeyword, "driver license": highKeyword, "driverslicense": highKeyword,
	"national id": highKeyword, "nationalid": highKeyword, "tax id": highKeyword, "taxid": highKeyword, "ein": highKeyword,

	"email": customerData, "phone": customerData, "address": customerData, "addresse": customerData, "name": customerData,
	"dob": customerData, "date of birth": customerData, "dateofbirth": customerData, "birthdate": customerData,
	"customer": customerData, "user": customerData, "patient": customerData, "employee": customerData, "personal": customerData,
	"pii": customerData, "zip": customerData, "zip code": customerData, "zipcode": customerData,
	"postal code": customerData, "postalcode": customerData, "ip address": customerData, "ipaddress": customerData,

	"proprietary": businessData, "confidential": businessData, "internal": businessData, "strategic": businessData,
	"revenue": businessData, "profit": businessData, "contract": businessData, "trade secret": businessData, "tradesecret": businessData,
	"competitive": businessData, "acquisition": businessData, "merger": businessData, "salary": businessData, "salarie": businessData,
	"compensation": businessData,
}
