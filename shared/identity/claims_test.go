package identity_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

const derivedUserID = 42795383993895

func TestATokenIsHeldAgainstIssuerAudienceAndTime(t *testing.T) {
	v := newVerifier(t)
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	access := func(c jwt.MapClaims) jwt.MapClaims { c["token_use"] = "access"; return c }
	const ok = ""
	tests := map[string]struct {
		change jwt.MapClaims
		code   string
	}{
		"good":                              {nil, ok},
		"another issuer":                    {jwt.MapClaims{"iss": "https://evil.example"}, problem.CodeInvalidToken},
		"the issuer with a slash":           {jwt.MapClaims{"iss": issuer + "/"}, problem.CodeInvalidToken},
		"no issuer":                         {jwt.MapClaims{"iss": nil}, problem.CodeInvalidToken},
		"another audience":                  {jwt.MapClaims{"aud": "client-2"}, problem.CodeInvalidToken},
		"no audience":                       {jwt.MapClaims{"aud": nil}, problem.CodeInvalidToken},
		"an empty audience":                 {jwt.MapClaims{"aud": ""}, problem.CodeInvalidToken},
		"our audience among others":         {jwt.MapClaims{"aud": []string{"x", audience}}, ok},
		"an array of other audiences":       {jwt.MapClaims{"aud": []string{"x", audience + "0"}}, problem.CodeInvalidToken},
		"an empty array of audiences":       {jwt.MapClaims{"aud": []string{}}, problem.CodeInvalidToken},
		"an audience that is a number":      {jwt.MapClaims{"aud": 1}, problem.CodeInvalidToken},
		"a client id beside no audience":    {jwt.MapClaims{"aud": nil, "client_id": audience}, problem.CodeInvalidToken},
		"an id token":                       {jwt.MapClaims{"token_use": "id"}, ok},
		"an id token by client id":          {jwt.MapClaims{"token_use": "id", "aud": nil, "client_id": audience}, problem.CodeInvalidToken},
		"an access token by client id":      {access(jwt.MapClaims{"aud": nil, "client_id": audience}), ok},
		"an access token by audience":       {access(jwt.MapClaims{}), ok},
		"an access token of another client": {access(jwt.MapClaims{"aud": nil, "client_id": "client-2"}), problem.CodeInvalidToken},
		"an access token of no client":      {access(jwt.MapClaims{"aud": nil}), problem.CodeInvalidToken},
		"a refresh token":                   {jwt.MapClaims{"token_use": "refresh"}, problem.CodeInvalidToken},
		"no expiry":                         {jwt.MapClaims{"exp": nil}, problem.CodeInvalidToken},
		"an expiry that is a text":          {jwt.MapClaims{"exp": "9999999999"}, problem.CodeInvalidToken},
		"expired long ago":                  {jwt.MapClaims{"exp": at(-time.Hour)}, problem.CodeExpiredToken},
		"expired a second ago":              {jwt.MapClaims{"exp": at(-time.Second)}, problem.CodeExpiredToken},
		"expiring this instant":             {jwt.MapClaims{"exp": at(0)}, problem.CodeExpiredToken},
		"expiring in a second":              {jwt.MapClaims{"exp": at(time.Second)}, ok},
		"an expiry before time began":       {jwt.MapClaims{"exp": -1e300}, problem.CodeExpiredToken},
		"expired and of another issuer":     {jwt.MapClaims{"exp": at(-time.Hour), "iss": "x"}, problem.CodeInvalidToken},
		"expired and for another audience":  {jwt.MapClaims{"exp": at(-time.Hour), "aud": "x"}, problem.CodeInvalidToken},
		"not before in 30 s":                {jwt.MapClaims{"nbf": at(30 * time.Second)}, ok},
		"not before in 31 s":                {jwt.MapClaims{"nbf": at(31 * time.Second)}, problem.CodeInvalidToken},
		"issued in 30 s":                    {jwt.MapClaims{"iat": at(30 * time.Second)}, ok},
		"issued in 31 s":                    {jwt.MapClaims{"iat": at(31 * time.Second)}, problem.CodeInvalidToken},
		"neither nbf nor iat":               {jwt.MapClaims{"nbf": nil, "iat": nil}, ok},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := v.Verify(context.Background(), goodToken(t, test.change))
			if test.code == ok {
				if err != nil || p.Org != 42 {
					t.Errorf("got %+v, %v", p, err)
				}
				return
			}
			wantCode(t, err, problem.KindUnauthenticated, test.code)
		})
	}
}

func TestClaimsSayWhoIsAsking(t *testing.T) {
	v := newVerifier(t)
	type is = func(tenant.Principal) bool
	org := func(want tenant.ID) is { return func(p tenant.Principal) bool { return p.Org == want } }
	role := func(want tenant.Role) is { return func(p tenant.Principal) bool { return p.Role == want } }
	user := func(want int64) is { return func(p tenant.Principal) bool { return p.UserID == want } }
	mfa := func(want bool) is { return func(p tenant.Principal) bool { return p.MFA == want } }
	email := func(want string) is { return func(p tenant.Principal) bool { return p.Email == want } }
	refused := is(nil)
	tests := map[string]struct {
		change jwt.MapClaims
		holds  is
	}{
		"organisation as digits":                  {jwt.MapClaims{"organization_id": "42"}, org(42)},
		"organisation as a custom attribute":      {jwt.MapClaims{"organization_id": nil, "custom:organization_id": "7"}, org(7)},
		"organisation of the internal token":      {jwt.MapClaims{"organization_id": nil, "db_org_id": 9}, org(9)},
		"the same organisation twice":             {jwt.MapClaims{"custom:organization_id": "42"}, org(42)},
		"the largest organisation":                {jwt.MapClaims{"organization_id": 1<<53 - 1}, org(1<<53 - 1)},
		"two organisations":                       {jwt.MapClaims{"custom:organization_id": "43"}, refused},
		"no organisation":                         {jwt.MapClaims{"organization_id": nil}, refused},
		"organisation 0":                          {jwt.MapClaims{"organization_id": 0}, refused},
		"a negative organisation":                 {jwt.MapClaims{"organization_id": -42}, refused},
		"a fractional organisation":               {jwt.MapClaims{"organization_id": 42.5}, refused},
		"an organisation with leading zeros":      {jwt.MapClaims{"organization_id": "042"}, refused},
		"an organisation with a sign":             {jwt.MapClaims{"organization_id": "+42"}, refused},
		"an organisation beyond 2^53":             {jwt.MapClaims{"organization_id": 1 << 53}, refused},
		"an organisation beyond 2^64":             {jwt.MapClaims{"organization_id": "99999999999999999999"}, refused},
		"an organisation that is a list":          {jwt.MapClaims{"organization_id": []int{42}}, refused},
		"an organisation that is a path":          {jwt.MapClaims{"organization_id": "42#x"}, refused},
		"an empty organisation":                   {jwt.MapClaims{"organization_id": ""}, refused},
		"a bad organisation beside a good one":    {jwt.MapClaims{"custom:organization_id": "x"}, refused},
		"role admin":                              {jwt.MapClaims{"role": "admin"}, role(tenant.Admin)},
		"role as a custom attribute":              {jwt.MapClaims{"role": nil, "custom:role": "viewer"}, role(tenant.Viewer)},
		"role before groups":                      {jwt.MapClaims{"role": "user", "cognito:groups": []string{"admin"}}, role(tenant.User)},
		"the highest of the groups":               {jwt.MapClaims{"role": nil, "cognito:groups": []string{"viewer", "x", "manager", "user"}}, role(tenant.Manager)},
		"an unknown role":                         {jwt.MapClaims{"role": "super_admin"}, role("super_admin")},
		"an unknown role beside an admin's group": {jwt.MapClaims{"role": "guest", "cognito:groups": []string{"admin"}}, role("guest")},
		"a role in another case":                  {jwt.MapClaims{"role": "Admin"}, role("Admin")},
		"unknown groups":                          {jwt.MapClaims{"role": nil, "cognito:groups": []string{"staff"}}, role("staff")},
		"no role at all":                          {jwt.MapClaims{"role": nil}, role("")},
		"a role with a line break":                {jwt.MapClaims{"role": "admin\n"}, refused},
		"a role that is a list":                   {jwt.MapClaims{"role": []string{"admin"}}, refused},
		"a very long role":                        {jwt.MapClaims{"role": strings.Repeat("a", 129)}, refused},
		"user id":                                 {jwt.MapClaims{"user_id": 17}, user(17)},
		"user id of the internal token":           {jwt.MapClaims{"db_user_id": "18"}, user(18)},
		"user id by an integer subject":           {jwt.MapClaims{"sub": 19}, user(19)},
		// The value was computed with Python's hashlib over issuer + NUL + subject.
		"user id derived of the subject":  {nil, user(derivedUserID)},
		"no subject":                      {jwt.MapClaims{"sub": nil}, refused},
		"an empty subject":                {jwt.MapClaims{"sub": ""}, refused},
		"a subject that is an object":     {jwt.MapClaims{"sub": map[string]int{}}, refused},
		"a fractional subject":            {jwt.MapClaims{"sub": 1.5}, refused},
		"a very long subject":             {jwt.MapClaims{"sub": strings.Repeat("a", 256)}, refused},
		"a subject with a line break":     {jwt.MapClaims{"sub": "a\nb"}, refused},
		"a subject that reads like a key": {jwt.MapClaims{"sub": "key:17"}, refused},
		"no second factor":                {nil, mfa(false)},
		"a password alone":                {jwt.MapClaims{"amr": []string{"pwd"}}, mfa(false)},
		"knowledge of three kinds":        {jwt.MapClaims{"amr": []string{"pwd", "pin", "kba"}}, mfa(false)},
		"mfa in a list":                   {jwt.MapClaims{"amr": []string{"pwd", "mfa"}}, mfa(true)},
		"mfa as a text":                   {jwt.MapClaims{"amr": "mfa"}, mfa(true)},
		"a one-time password alone":       {jwt.MapClaims{"amr": []string{"otp"}}, mfa(false)},
		"a hardware key alone":            {jwt.MapClaims{"amr": []string{"hwk"}}, mfa(false)},
		"a fingerprint alone, as a text":  {jwt.MapClaims{"amr": "fpt"}, mfa(false)},
		"one method twice":                {jwt.MapClaims{"amr": []string{"otp", "otp"}}, mfa(false)},
		"possession of three kinds":       {jwt.MapClaims{"amr": []string{"sms", "otp", "swk"}}, mfa(false)},
		"two parts of the body":           {jwt.MapClaims{"amr": []string{"face", "fpt"}}, mfa(false)},
		"a password and an unknown word":  {jwt.MapClaims{"amr": []string{"pwd", "magic"}}, mfa(false)},
		"a password and presence":         {jwt.MapClaims{"amr": []string{"pwd", "user", "geo", "rba", "wia", "mca"}}, mfa(false)},
		"a password and a text message":   {jwt.MapClaims{"amr": []string{"pwd", "sms"}}, mfa(true)},
		"a smart card and its PIN":        {jwt.MapClaims{"amr": []string{"pin", "sc"}}, mfa(true)},
		"a key unlocked by a finger":      {jwt.MapClaims{"amr": []string{"hwk", "user", "fpt"}}, mfa(true)},
		"an answer and a voice":           {jwt.MapClaims{"amr": []string{"kba", "vbm"}}, mfa(true)},
		"a method that only contains mfa": {jwt.MapClaims{"amr": "nomfa"}, mfa(false)},
		"methods that are an object":      {jwt.MapClaims{"amr": map[string]bool{"mfa": true}}, mfa(false)},
		"methods that are true":           {jwt.MapClaims{"amr": true}, mfa(false)},
		"mfa from our trigger":            {jwt.MapClaims{"ascend:amr": []string{"mfa"}}, mfa(true)},
		"nothing new from our trigger":    {jwt.MapClaims{"amr": "pwd", "ascend:amr": []string{"pwd"}}, mfa(false)},
		"another kind from our trigger":   {jwt.MapClaims{"amr": "pwd", "ascend:amr": []string{"otp"}}, mfa(true)},
		"a verified e-mail address":       {nil, email("alice@example.com")},
		"one verified by its text":        {jwt.MapClaims{"email_verified": "true"}, email("alice@example.com")},
		"no e-mail address":               {jwt.MapClaims{"email": nil}, email("")},
		"an unverified e-mail address":    {jwt.MapClaims{"email_verified": false}, email("")},
		"one unverified by its text":      {jwt.MapClaims{"email_verified": "false"}, email("")},
		"one of which nothing is said":    {jwt.MapClaims{"email_verified": nil}, email("")},
		"one of which null is said":       {jwt.MapClaims{"email_verified": (*bool)(nil)}, email("")},
		"one verified by another word":    {jwt.MapClaims{"email_verified": "yes"}, email("")},
		"one verified by a number":        {jwt.MapClaims{"email_verified": 1}, email("")},
		"one verified by a list":          {jwt.MapClaims{"email_verified": []bool{true}}, email("")},
		"an e-mail with a line break":     {jwt.MapClaims{"email": "a@b.c\r\nBcc: d"}, refused},
		"a very long e-mail address":      {jwt.MapClaims{"email": strings.Repeat("a", 255)}, refused},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := v.Verify(context.Background(), goodToken(t, test.change))
			if test.holds == nil {
				wantCode(t, err, problem.KindUnauthenticated, problem.CodeInvalidToken)
				return
			}
			if err != nil || !test.holds(p) || p.Kind != tenant.Person {
				t.Errorf("got %+v, %v", p, err)
			}
		})
	}
}

func TestOnlyDocumentedRolesAreKnown(t *testing.T) {
	p, err := newVerifier(t).Verify(context.Background(), goodToken(t, jwt.MapClaims{"role": "super_admin"}))
	if err != nil || p.Role.Known() {
		t.Errorf("role %q, known %v, %v", p.Role, p.Role.Known(), err)
	}
}
