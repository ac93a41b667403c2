package identity

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// claims is what we read of a token: RFC 7519 §4.1, Cognito's own claims, and
// the names under which the documentation carries organisation, role and user
// (facts.md §2.1). Other claims are ignored.
type claims struct {
	Issuer    string         `json:"iss"`
	Subject   jsontext.Value `json:"sub"` // text or integer
	Audience  jsontext.Value `json:"aud"` // text or array
	ClientID  string         `json:"client_id"`
	TokenUse  string         `json:"token_use"`
	Expires   *float64       `json:"exp"`
	NotBefore *float64       `json:"nbf"`
	IssuedAt  *float64       `json:"iat"`

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
	AddedMethods  jsontext.Value `json:"ascend:amr"`     // the same, from our trigger: Cognito keeps amr for itself
}

func parseClaims(payload []byte) (claims, error) {
	var c claims
	err := json.Unmarshal(payload, &c)
	return c, err
}

// check holds the token against the verifier's configuration and the time.
// Expiry comes last: who learns that a token has expired may renew it, so it
// must have been good otherwise.
func (c claims) check(issuer, audience string, now time.Time) error {
	if c.Issuer != issuer {
		return invalid("the token is from another issuer", nil)
	}
	if !c.isFor(audience) {
		return invalid("the token is for another audience", nil)
	}
	seconds := float64(now.UnixMilli()) / 1000
	early := seconds + leeway.Seconds()
	if (c.NotBefore != nil && *c.NotBefore > early) || (c.IssuedAt != nil && *c.IssuedAt > early) {
		return invalid("the token is not valid yet", nil)
	}
	if c.Expires == nil {
		return invalid("the token has no expiry", nil)
	}
	if seconds >= *c.Expires {
		return problem.Unauthenticated(problem.CodeExpiredToken, "the token has expired")
	}
	return nil
}

// isFor reports whether the token is meant for the audience. A Cognito access
// token has no aud and names the app client in client_id.
func (c claims) isFor(audience string) bool {
	switch c.TokenUse {
	case "access":
		if c.ClientID == audience {
			return true
		}
	case "", "id":
	default:
		return false
	}
	named, err := texts(c.Audience)
	return err == nil && slices.Contains(named, audience)
}

func (c claims) principal() (tenant.Principal, error) {
	subject, number, err := c.subject()
	if err != nil {
		return tenant.Principal{}, invalid("the token names no usable subject", err)
	}
	org, err := c.organization()
	if err != nil {
		return tenant.Principal{}, invalid("the token names no usable organisation", err)
	}
	role, err := c.role()
	if err != nil {
		return tenant.Principal{}, invalid("the token names no usable role", err)
	}
	if len(c.Email) > 254 || !plain(c.Email) {
		return tenant.Principal{}, invalid("the token names no usable e-mail address", nil)
	}
	p := tenant.Principal{
		Org:     org,
		Kind:    tenant.Person,
		Subject: subject,
		UserID:  c.userID(subject, number),
		Role:    role,
		MFA:     c.secondFactor(),
	}
	// Workflows name approvers by e-mail, so an address counts as none unless
	// the issuer says that it is proven.
	if verified := string(c.EmailVerified); verified == `true` || verified == `"true"` {
		p.Email = c.Email
	}
	return p, nil
}

// subject is the issuer's name for the person, and its number if it is one.
func (c claims) subject() (text string, number int64, err error) {
	if c.Subject.Kind() == '0' {
		number, err = integer(c.Subject)
		return strconv.FormatInt(number, 10), number, err
	}
	if err := json.Unmarshal(c.Subject, &text); err != nil {
		return "", 0, err
	}
	switch {
	case text == "" || len(text) > 255 || !plain(text):
		return "", 0, errors.New("sub has no usable text")
	case strings.HasPrefix(text, "key:"):
		return "", 0, errors.New("sub reads like an API key's")
	}
	number, _ = integer(c.Subject)
	return text, number, nil
}

// organization is the one organisation the token names. Claims that disagree
// are not settled by a guess.
func (c claims) organization() (tenant.ID, error) {
	var org int64
	for _, v := range []jsontext.Value{c.Organization, c.CustomOrganization, c.StoredOrganization} {
		if absent(v) {
			continue
		}
		n, err := integer(v)
		if err != nil {
			return 0, err
		}
		if org != 0 && n != org {
			return 0, errors.New("it names more than one")
		}
		org = n
	}
	if org == 0 {
		return 0, errors.New("it names none")
	}
	return tenant.ID(org), nil
}

// role is the token's own role, else the most trusted of its groups that is a
// role. An unknown role is kept, and has no rights.
func (c claims) role() (tenant.Role, error) {
	role := c.Role
	if role == "" {
		role = c.CustomRole
	}
	if role == "" {
		for _, r := range []tenant.Role{tenant.Admin, tenant.Manager, tenant.User, tenant.Viewer} {
			if slices.Contains(c.Groups, string(r)) {
				return r, nil
			}
		}
		if len(c.Groups) > 0 {
			role = c.Groups[0]
		}
	}
	if len(role) > 128 || !plain(role) {
		return "", errors.New("its text is not usable")
	}
	return tenant.Role(role), nil
}

// userID is the person's integer id. Where the token has none it is the first
// 48 bits of SHA-256(iss ‖ 0 ‖ sub): stable, and below 2^53.
func (c claims) userID(subject string, number int64) int64 {
	for _, v := range []jsontext.Value{c.UserID, c.StoredUserID} {
		if n, err := integer(v); err == nil {
			return n
		}
	}
	if number > 0 {
		return number
	}
	sum := sha256.Sum256([]byte(c.Issuer + "\x00" + subject))
	return max(1, int64(binary.BigEndian.Uint64(sum[:8])>>16))
}

// factor is what kind of thing an authentication method shows.
type factor int

const (
	knowledge factor = iota + 1
	possession
	inherence
)

// factorOf is the factor that an authentication method of RFC 8176 §2 shows,
// and pop of the IANA registry it founded; 0 for those that show none of the
// three: mca (channels), user (presence), geo, rba, wia and what is not registered.
func factorOf(method string) factor {
	switch method {
	case "pwd", "pin", "kba":
		return knowledge
	case "otp", "sms", "tel", "hwk", "swk", "sc", "pop":
		return possession
	case "face", "fpt", "iris", "retina", "vbm":
		return inherence
	}
	return 0
}

// secondFactor reports whether the sign-in showed more than one factor: the
// issuer says mfa, or names methods of two kinds. One method alone is one
// factor, also where it is not a password.
func (c claims) secondFactor() bool {
	var shown factor
	for _, claim := range []jsontext.Value{c.Methods, c.AddedMethods} {
		methods, err := texts(claim)
		if err != nil {
			continue
		}
		for _, method := range methods {
			f := factorOf(method)
			if method == "mfa" || f != 0 && shown != 0 && f != shown {
				return true
			}
			shown = max(shown, f)
		}
	}
	return false
}

func absent(v jsontext.Value) bool { return v == nil || v.Kind() == 'n' }

// texts reads a text or an array of texts.
func texts(v jsontext.Value) (list []string, err error) {
	switch {
	case absent(v):
		return nil, nil
	case v.Kind() == '"':
		list = make([]string, 1)
		err = json.Unmarshal(v, &list[0])
	default:
		err = json.Unmarshal(v, &list)
	}
	return list, err
}

// integer reads a positive integer below 2^53, written as a number or as a text
// of digits.
func integer(v jsontext.Value) (int64, error) {
	digits := string(v)
	if v.Kind() == '"' {
		if err := json.Unmarshal(v, &digits); err != nil {
			return 0, err
		}
	}
	if digits == "" || digits[0] < '1' || digits[0] > '9' {
		return 0, errors.New("not a positive integer")
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n >= 1<<53 {
		return 0, fmt.Errorf("not a positive integer below %.0f", math.Exp2(53))
	}
	return n, nil
}

// plain reports whether s has no control characters, which could break a line
// of a log or a mail.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || (r >= 0x7f && r < 0xa0) || r == '\u2028' || r == '\u2029' })
}
