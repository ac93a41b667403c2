package store

import "ascend/shared/domain/tenant"

// The key shapes of the directory, in table Directory:
//
//	<org>  organization        the organisation's record
//	<org>  key#<key hash>      an API key, by its keyed hash in hex
//
// A key's text names its organisation, so even this look-up starts with the tenant.

// OrganizationKey is where an organisation's record lives.
func OrganizationKey(org tenant.ID) Key {
	return Key{Table: Directory, PK: org.String(), SK: "organization"}
}

// APIKeyKey is where an API key's record lives.
func APIKeyKey(org tenant.ID, hash string) Key {
	return Key{Table: Directory, PK: org.String(), SK: "key#" + hash}
}
