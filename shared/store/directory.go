package store

import "ascend/shared/domain/tenant"

// The key shapes of the directory, in table Directory:
//
//	<org>  organization        the organisation's record
//	<org>  key#<key hash>      an API key, by its keyed hash in hex
//	<org>  change#<audit id>   the audit body of each change of the organisation's record
//
// A key's text names its organisation, so even this look-up starts with the tenant.

// OrganizationKey returns the key of an organisation's record.
func OrganizationKey(org tenant.ID) Key {
	return Key{Table: Directory, PK: org.String(), SK: "organization"}
}

// APIKeyKey returns the key of an API key's record.
func APIKeyKey(org tenant.ID, hash string) Key {
	return Key{Table: Directory, PK: org.String(), SK: "key#" + hash}
}

// OrganizationChangeKey returns the key of the audit body of one change of an organisation's record.
func OrganizationChangeKey(org tenant.ID, audit string) Key {
	return Key{Table: Directory, PK: org.String(), SK: "change#" + audit}
}
