package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"ascend/shared/domain/tenant"
)

// trusts is whom an environment believes: the issuer of tokens, and the secret
// that API keys are hashed with.
type trusts struct {
	issuer, audience string
	keys, keysURL    string // the issuer's key set, or where it is
	pepper           string // hexadecimal
	pool             string // the user pool's id
}

// newIdentity makes the user pool and the pepper, or the parameters by which
// an environment without Cognito is told whom to believe.
func newIdentity(s stack, made *lambdas) trusts {
	if s.env.Users == "" {
		return trusts{
			issuer: s.parameter("Issuer", "Issuer of tokens", false), audience: s.parameter("Audience", "Audience of tokens", false),
			keys:   s.parameter("Jwks", "Key set of the issuer (RFC 7517)", false),
			pepper: s.parameter("Pepper", "Secret that API keys are hashed with, in hexadecimal", true),
		}
	}
	scope := s.concern("Identity")
	pool := userPool(s, scope, made)
	made.permit("token-claims", "cognito-idp.amazonaws.com", *pool.AttrArn())
	client := appClient(scope, pool)
	for i, role := range []tenant.Role{tenant.Admin, tenant.Manager, tenant.User, tenant.Viewer} {
		awscognito.NewCfnUserPoolGroup(scope, jsii.String("Group"+title(string(role))), &awscognito.CfnUserPoolGroupProps{
			UserPoolId: pool.Ref(), GroupName: jsii.String(string(role)), Precedence: jsii.Number(float64(i)),
		})
	}
	issuer := "https://cognito-idp." + *s.Region() + ".amazonaws.com/" + *pool.Ref()
	return trusts{
		issuer: issuer, audience: *client.Ref(), keysURL: issuer + "/.well-known/jwks.json",
		pepper: pepper(s, scope), pool: *pool.Ref(),
	}
}

// parameter returns a value that the deployment sets.
func (s stack) parameter(id, description string, secret bool) string {
	return *awscdk.NewCfnParameter(s.Stack, &id, &awscdk.CfnParameterProps{
		Type: jsii.String("String"), Description: &description, NoEcho: &secret, MinLength: jsii.Number(1),
	}).ValueAsString()
}

// userPool returns the pool where people sign in: invited by an administrator, with a second
// factor, in the organisation that the administrator wrote down.
func userPool(s stack, scope constructs.Construct, made *lambdas) awscognito.CfnUserPool {
	threats := &awscognito.CfnUserPool_UserPoolAddOnsProperty{AdvancedSecurityMode: jsii.String("OFF")}
	if s.env.Users == "PLUS" {
		threats.AdvancedSecurityMode = jsii.String("ENFORCED") // of stolen passwords and strange sign-ins
	}
	protection := "INACTIVE"
	if s.env.Protect {
		protection = "ACTIVE"
	}
	pool := awscognito.NewCfnUserPool(scope, jsii.String("Pool"), &awscognito.CfnUserPoolProps{
		UserPoolName: jsii.String("ascend-" + s.env.Name), UserPoolTier: &s.env.Users, UserPoolAddOns: threats,
		DeletionProtection: &protection,
		UsernameAttributes: jsii.Strings("email"), AutoVerifiedAttributes: jsii.Strings("email"),
		UsernameConfiguration: &awscognito.CfnUserPool_UsernameConfigurationProperty{CaseSensitive: jsii.Bool(false)},
		// A new address counts only once it is proven, because workflows name
		// approvers by it.
		UserAttributeUpdateSettings: &awscognito.CfnUserPool_UserAttributeUpdateSettingsProperty{AttributesRequireVerificationBeforeUpdate: jsii.Strings("email")},
		AdminCreateUserConfig:       &awscognito.CfnUserPool_AdminCreateUserConfigProperty{AllowAdminCreateUserOnly: jsii.Bool(true)},
		MfaConfiguration:            jsii.String("ON"), EnabledMfas: jsii.Strings("SOFTWARE_TOKEN_MFA"),
		Policies: &awscognito.CfnUserPool_PoliciesProperty{PasswordPolicy: &awscognito.CfnUserPool_PasswordPolicyProperty{
			MinimumLength: jsii.Number(14), PasswordHistorySize: jsii.Number(5), TemporaryPasswordValidityDays: jsii.Number(1),
			RequireLowercase: jsii.Bool(true), RequireUppercase: jsii.Bool(true), RequireNumbers: jsii.Bool(true), RequireSymbols: jsii.Bool(true),
		}},
		AccountRecoverySetting: &awscognito.CfnUserPool_AccountRecoverySettingProperty{RecoveryMechanisms: []any{
			&awscognito.CfnUserPool_RecoveryOptionProperty{Name: jsii.String("verified_email"), Priority: jsii.Number(1)},
		}},
		Schema: []any{
			&awscognito.CfnUserPool_SchemaAttributeProperty{
				Name: jsii.String("organization_id"), AttributeDataType: jsii.String("Number"), Mutable: jsii.Bool(true),
				NumberAttributeConstraints: &awscognito.CfnUserPool_NumberAttributeConstraintsProperty{MinValue: jsii.String("1")},
			},
		},
		LambdaConfig: &awscognito.CfnUserPool_LambdaConfigProperty{PreTokenGenerationConfig: &awscognito.CfnUserPool_PreTokenGenerationConfigProperty{
			LambdaArn: made.byID["token-claims"].AttrArn(), LambdaVersion: jsii.String("V2_0"),
		}},
	})
	s.kept(pool)
	return pool
}

// appClient returns the application that people sign in to. It can write nobody's
// organisation, and holds no secret, because browsers cannot keep one.
func appClient(scope constructs.Construct, pool awscognito.CfnUserPool) awscognito.CfnUserPoolClient {
	return awscognito.NewCfnUserPoolClient(scope, jsii.String("Client"), &awscognito.CfnUserPoolClientProps{
		UserPoolId: pool.Ref(), ClientName: jsii.String("ascend"), GenerateSecret: jsii.Bool(false),
		ExplicitAuthFlows:          jsii.Strings("ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"),
		PreventUserExistenceErrors: jsii.String("ENABLED"), EnableTokenRevocation: jsii.Bool(true),
		ReadAttributes: jsii.Strings("email", "email_verified", "name", "custom:organization_id"), WriteAttributes: jsii.Strings("email", "name"),
		AccessTokenValidity: jsii.Number(15), IdTokenValidity: jsii.Number(15), RefreshTokenValidity: jsii.Number(12),
		TokenValidityUnits: &awscognito.CfnUserPoolClient_TokenValidityUnitsProperty{
			AccessToken: jsii.String("minutes"), IdToken: jsii.String("minutes"), RefreshToken: jsii.String("hours"),
		},
	})
}

// pepper returns 32 random bytes, made at the first deployment. CloudFormation puts
// the value into the functions' variables (decision record 0021).
func pepper(s stack, scope constructs.Construct) string {
	secret := awssecretsmanager.NewCfnSecret(scope, jsii.String("Pepper"), &awssecretsmanager.CfnSecretProps{
		Name: jsii.String(s.name("key-pepper")), Description: jsii.String("Secret that API keys are hashed with, in hexadecimal"),
		GenerateSecretString: &awssecretsmanager.CfnSecret_GenerateSecretStringProperty{
			PasswordLength: jsii.Number(64), ExcludeUppercase: jsii.Bool(true), ExcludePunctuation: jsii.Bool(true),
			ExcludeCharacters: jsii.String("ghijklmnopqrstuvwxyz"),
		},
	})
	s.kept(secret)
	return "{{resolve:secretsmanager:" + *secret.Ref() + ":SecretString:::}}"
}

// variables tell a function whom to believe (package wire).
func (t trusts) variables() map[string]string {
	v := map[string]string{"ASCEND_ISSUER": t.issuer, "ASCEND_AUDIENCE": t.audience, "ASCEND_KEY_PEPPER": t.pepper}
	if t.keysURL != "" {
		v["ASCEND_JWKS_URL"] = t.keysURL
	} else {
		v["ASCEND_JWKS"] = t.keys
	}
	return v
}
