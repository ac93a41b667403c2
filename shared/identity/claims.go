package identity

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// claims holds the claims that we read: those of RFC 7519 §4.1, Cognito's own,
// and the documented names of organisation, role and user (facts.md §2.1).
type claims struct {
	Issuer    string           `json:"iss"`
	Subject   jsontext.Value   `json:"sub"` // text or integer
	Audience  jwt.ClaimStrings `json:"aud"`
	ClientID  string           `json:"client_id"`
	TokenUse  string           `json:"token_use"`
	Expires   *float64         `json:"exp"`
	NotBefore float64          `json:"nbf"`
	IssuedAt  float64          `json:"iat"`

	Organization       jsontext.Value `json:"organization_id"`
	CustomOrganization jsontext.Value `json:"custom:organization_id"`
	StoredOrganization jsontext.Value `json:"db_org_id"`

	Role       string   `json:"role"`
	CustomRole string   `json:"custom:role"`
	Groups     []string `json:"cognito:groups"`

	UserID       jsontext.Value `json:"user_id"`
	StoredUserID jsontext.Value `json:"db_user_id"`

	Email         string         `json:"email"`
	EmailVerified jsontext.Value `json:"email_verified"` // a boolean, or its text
	Methods       jsontext.Value `json:"amr"`            // text or array
	AddedMethods  jsontext.Value `json:"ascend:amr"`     // the same, from our trigger: Cognito reserves amr
}

// check compares the token with the verifier's configuration and the time. It
// checks the expiry last: a client that learns of it may renew the token, so
// everything else must be right. jwt.Validator reports errors in no such order,
// allows the leeway for exp as well, and knows no client_id.
func (c claims) check(issuer, audience string, now time.Time) error {
	seconds := float64(now.UnixMilli()) / 1000
	switch {
	case c.Issuer != issuer:
		return invalid("the token is from another issuer", nil)
	case !c.isFor(audience):
		return invalid("the token is for another audience", nil)
	case max(c.NotBefore, c.IssuedAt) > seconds+leeway.Seconds():
		return invalid("the token is not valid yet", nil)
	case c.Expires == nil:
		return invalid("the token has no expiry", nil)
	case seconds >= *c.Expires:
		return problem.Unauthenticated(problem.CodeExpiredToken, "the token has expired")
	}
	return nil
}

// isFor reports whether the token is meant for the audience. A Cognito access
// token has no aud and names the app client in client_id.
func (c claims) isFor(audience string) bool {
	switch c.TokenUse {
	case "access":
		return c.ClientID == audience || slices.Contains(c.Audience, audience)
	case "", "id":
		return slices.Contains(c.Audience, audience)
	}
	return false
}

func (c claims) principal() (tenant.Principal, error) {
	subject, err := c.subject()
	if err != nil {
		return tenant.Principal{}, invalid("the token names no usable subject", err)
	}
	org, err := c.organization()
	if err != nil {
		return tenant.Principal{}, invalid("the token names no usable organisation", err)
	}
	role := c.role()
	if !plain(role, 128) {
		return tenant.Principal{}, invalid("the token names no usable role", nil)
	}
	if !plain(c.Email, 254) {
		return tenant.Principal{}, invalid("the token names no usable e-mail address", nil)
	}
	p := tenant.Principal{
		Org:     org,
		Kind:    tenant.Person,
		Subject: subject,
		UserID:  c.userID(subject),
		Role:    tenant.Role(role),
		MFA:     c.secondFactor(),
	}
	// Workflows name approvers by e-mail, so use only an address that the issuer
	// has verified.
	if verified := string(c.EmailVerified); verified == `true` || verified == `"true"` {
		p.Email = c.Email
	}
	return p, nil
}

// subject returns the issuer's name for the person.
func (c claims) subject() (text string, err error) {
	if c.Subject.Kind() == '0' {
		_, err := integer(c.Subject)
		return string(c.Subject), err
	}
	if err := json.Unmarshal(c.Subject, &text); err != nil {
		return "", err
	}
	if text == "" || !plain(text, 255) || strings.HasPrefix(text, "key:") {
		return "", errors.New("sub is empty, too long, has control characters, or begins like the subject of an API key")
	}
	return text, nil
}

// organization returns the one organisation that the token names. It refuses
// claims that disagree.
func (c claims) organization() (tenant.ID, error) {
	var org int64
	for _, v := range []jsontext.Value{c.Organization, c.CustomOrganization, c.StoredOrganization} {
		if v == nil || v.Kind() == 'n' {
			continue
		}
		n, err := integer(v)
		if err != nil {
			return 0, err
		}
		if org != 0 && n != org {
			return 0, errors.New("it names more than one organisation")
		}
		org = n
	}
	if org == 0 {
		return 0, errors.New("it names no organisation")
	}
	return tenant.ID(org), nil
}

// role returns the token's own role, else the most trusted of its groups that is
// a role. It keeps an unknown role, which has no rights.
func (c claims) role() string {
	if role := cmp.Or(c.Role, c.CustomRole); role != "" || len(c.Groups) == 0 {
		return role
	}
	for _, r := range []tenant.Role{tenant.Admin, tenant.Manager, tenant.User, tenant.Viewer} {
		if slices.Contains(c.Groups, string(r)) {
			return string(r)
		}
	}
	return c.Groups[0]
}

// userID returns the person's integer id. Where the token has none, it returns
// the first 48 bits of SHA-256(iss ‖ 0 ‖ sub): stable, and below 2^53.
func (c claims) userID(subject string) int64 {
	for _, v := range []jsontext.Value{c.UserID, c.StoredUserID, c.Subject} {
		if n, err := integer(v); err == nil {
			return n
		}
	}
	sum := sha256.Sum256([]byte(c.Issuer + "\x00" + subject))
	return max(1, int64(binary.BigEndian.Uint64(sum[:8])>>16))
}

// factorOf returns the kind of factor that an authentication method of the IANA
// registry proves (RFC 8176 §2), or "" for one that proves none: mca (channels),
// user (presence), geo, rba, wia and unregistered methods.
func factorOf(method string) string {
	switch method {
	case "pwd", "pin", "kba":
		return "knowledge"
	case "otp", "sms", "tel", "hwk", "swk", "sc", "pop":
		return "possession"
	case "face", "fpt", "iris", "retina", "vbm":
		return "inherence"
	}
	return ""
}

// secondFactor reports whether the sign-in proved more than one factor: the
// issuer says mfa, or names methods of two kinds. One method alone is one
// factor, even where it is no password.
func (c claims) secondFactor() bool {
	proved := ""
	for _, claim := range []jsontext.Value{c.Methods, c.AddedMethods} {
		var methods jwt.ClaimStrings
		if err := json.Unmarshal(claim, &methods); err != nil {
			continue // absent, or of a form that proves nothing
		}
		for _, method := range methods {
			factor := factorOf(method)
			if method == "mfa" || factor != "" && proved != "" && factor != proved {
				return true
			}
			proved = cmp.Or(proved, factor)
		}
	}
	return false
}

// integer returns the positive integer below 2^53 that v holds as a number or as
// a text of digits.
func integer(v jsontext.Value) (int64, error) {
	digits := strings.Trim(string(v), `"`)
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n >= 1<<53 || strconv.FormatInt(n, 10) != digits {
		return 0, errors.New("not a positive integer below 2^53")
	}
	return n, nil
}

// plain reports whether s has at most limit bytes and no control characters or
// line separators, which could break a line of a log or a mail.
func plain(s string, limit int) bool {
	return len(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}
