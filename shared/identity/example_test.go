package identity_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"ascend/shared/domain/tenant"
	"ascend/shared/identity"
)

// A person with a token of the development issuer, as on a developer's machine.
func ExampleCredentials_Claim() {
	issuer := must(identity.NewDevIssuer())
	credentials := identity.Credentials{Tokens: must(issuer.Verifier(nil))}
	token := must(issuer.Token(tenant.Principal{Org: 42, Subject: "alice", Role: tenant.Admin}, time.Hour, time.Now()))

	request := httptest.NewRequest(http.MethodGet, "/api/v1/actions", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	claim, err := credentials.Claim(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	person, err := claim.Confirm(nil, time.Now())
	fmt.Println(person.Org, person.Subject, person.Role, err)
	// Output: 42 alice admin <nil>
}
