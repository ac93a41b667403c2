package main

import (
	"net/http"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"ascend/functions"
	"ascend/shared/endpoint"
)

// newAPI makes the REST API of the route table, deployed as the stage called
// like the environment. Metrics of each method stay off: they are paid one by
// one, and those of each function say the same.
func newAPI(s stack, made *lambdas) (awsapigateway.SpecRestApi, error) {
	scope := s.concern("Api")
	routes := functions.Routes()
	credentials := ""
	if s.env.Gateway {
		credentials = *gatewayRole(s, scope, routes)
	}
	document, err := functions.Gateway(s.name("api"), routes, func(r endpoint.Route) functions.Integration {
		return functions.Integration{
			URI: "arn:" + *s.Partition() + ":apigateway:" + *s.Region() + ":lambda:path/2015-03-31/functions/" +
				*made.byID[r.ID].AttrArn() + "/invocations",
			Credentials: credentials,
			Timeout:     patience(r.Timeout) + 2*time.Second, // which a cold start may take
		}
	})
	if err != nil {
		return nil, err
	}
	stage := &awsapigateway.StageOptions{
		StageName: &s.env.Name, TracingEnabled: &s.env.Tracing,
		ThrottlingRateLimit: &s.env.Rate, ThrottlingBurstLimit: &s.env.Burst,
	}
	if s.env.Gateway {
		logs := awslogs.NewCfnLogGroup(scope, jsii.String("Logs"), &awslogs.CfnLogGroupProps{
			LogGroupName: jsii.String("/aws/apigateway/" + s.name("api")), RetentionInDays: &s.env.LogDays,
		})
		s.kept(logs)
		stage.AccessLogDestination = awsapigateway.NewLogGroupLogDestination(logs)
		line, err := marshal(accessLog)
		if err != nil {
			return nil, err
		}
		stage.AccessLogFormat = awsapigateway.AccessLogFormat_Custom(line)
	}
	api := awsapigateway.NewSpecRestApi(scope, jsii.String("Rest"), &awsapigateway.SpecRestApiProps{
		RestApiName: jsii.String(s.name("api")), Description: jsii.String("Ascend"),
		ApiDefinition: awsapigateway.ApiDefinition_FromInline(document), FailOnWarnings: jsii.Bool(true),
		EndpointTypes: &[]awsapigateway.EndpointType{awsapigateway.EndpointType_REGIONAL},
		// The role that lets API Gateway write logs is the account's (record 0021).
		CloudWatchRole: jsii.Bool(false), DeployOptions: stage,
	})
	api.Node().TryRemoveChild(jsii.String("Endpoint")) // an output that ApiUrl says better
	if s.env.Flood > 0 {
		newFirewall(s, scope, api)
	}
	return api, nil
}

// accessLog is a line of the access log: who asked for what, and how it went.
// It holds no header, body or query, where credentials and data could be, and
// nothing that a caller could break the line with: API Gateway does not escape.
var accessLog = map[string]string{
	"requestId": "$context.requestId", "time": "$context.requestTimeEpoch", "sourceIp": "$context.identity.sourceIp",
	"method": "$context.httpMethod", "resource": "$context.resourcePath", "status": "$context.status",
	"latency": "$context.responseLatency", "integrationLatency": "$context.integrationLatency", "integrationStatus": "$context.integrationStatus",
	"responseType": "$context.error.responseType", "trace": "$context.xrayTraceId",
}

// gatewayRole returns the role that API Gateway assumes to call functions. A permission of
// each function would have to name paths, with * for their parameters. (A role
// cannot be handed to a service of another account, so its trust needs no more.)
func gatewayRole(s stack, scope constructs.Construct, routes []endpoint.Route) *string {
	var targets []string
	for _, r := range routes {
		targets = append(targets, s.functionARN(r.ID))
	}
	role := s.role(scope, "Role", "API Gateway calls the functions of operations",
		trust("apigateway.amazonaws.com", nil),
		statement{actions: []string{"lambda:InvokeFunction"}, resources: targets})
	return role.AttrArn()
}

// newFirewall puts a limit on what one address may ask, and AWS's common rules,
// before the API. The rules that judge bodies and queries only count: what
// agents propose and people give as a reason is data here, and may well read
// like an attack; nor are their limits of size ours. So do those that look for
// endings in paths, because agents may be called etl.log, and for a User-Agent.
func newFirewall(s stack, scope constructs.Construct, api awsapigateway.SpecRestApi) {
	counted := []any{}
	for _, rule := range []string{
		"SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "EC2MetaDataSSRF_BODY",
		"SizeRestrictions_QUERYSTRING", "CrossSiteScripting_QUERYARGUMENTS", "GenericLFI_QUERYARGUMENTS", "GenericRFI_QUERYARGUMENTS",
		"EC2MetaDataSSRF_QUERYARGUMENTS", "RestrictedExtensions_QUERYARGUMENTS",
		"RestrictedExtensions_URIPATH", "NoUserAgent_HEADER",
	} {
		counted = append(counted, &awswafv2.CfnWebACL_RuleActionOverrideProperty{
			Name: jsii.String(rule), ActionToUse: &awswafv2.CfnWebACL_RuleActionProperty{Count: map[string]any{}},
		})
	}
	acl := awswafv2.NewCfnWebACL(scope, jsii.String("Firewall"), &awswafv2.CfnWebACLProps{
		Name: jsii.String(s.name("firewall")), Scope: jsii.String("REGIONAL"),
		DefaultAction:    &awswafv2.CfnWebACL_DefaultActionProperty{Allow: map[string]any{}},
		VisibilityConfig: visible(s.name("firewall")),
		CustomResponseBodies: map[string]any{"flood": &awswafv2.CfnWebACL_CustomResponseBodyProperty{
			ContentType: jsii.String("APPLICATION_JSON"), Content: jsii.String(floodProblem),
		}},
		Rules: []any{
			&awswafv2.CfnWebACL_RuleProperty{
				Name: jsii.String("flood"), Priority: jsii.Number(0), VisibilityConfig: visible("flood"),
				Action: &awswafv2.CfnWebACL_RuleActionProperty{Block: &awswafv2.CfnWebACL_BlockActionProperty{
					CustomResponse: &awswafv2.CfnWebACL_CustomResponseProperty{
						ResponseCode: jsii.Number(http.StatusTooManyRequests), CustomResponseBodyKey: jsii.String("flood"),
						ResponseHeaders: []any{
							header("Retry-After", "5"), // at most: published clients wait it out on each of their attempts
							header("Cache-Control", "no-store"),
							header("X-Content-Type-Options", "nosniff"),
							header("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
						},
					},
				}},
				Statement: &awswafv2.CfnWebACL_StatementProperty{RateBasedStatement: &awswafv2.CfnWebACL_RateBasedStatementProperty{
					AggregateKeyType: jsii.String("IP"), Limit: &s.env.Flood, EvaluationWindowSec: jsii.Number(300),
				}},
			},
			&awswafv2.CfnWebACL_RuleProperty{
				Name: jsii.String("common"), Priority: jsii.Number(1), VisibilityConfig: visible("common"),
				OverrideAction: &awswafv2.CfnWebACL_OverrideActionProperty{None: map[string]any{}},
				Statement: &awswafv2.CfnWebACL_StatementProperty{ManagedRuleGroupStatement: &awswafv2.CfnWebACL_ManagedRuleGroupStatementProperty{
					VendorName: jsii.String("AWS"), Name: jsii.String("AWSManagedRulesCommonRuleSet"), RuleActionOverrides: counted,
				}},
			},
		},
	})
	awswafv2.NewCfnWebACLAssociation(scope, jsii.String("FirewallOfTheApi"), &awswafv2.CfnWebACLAssociationProps{
		ResourceArn: api.DeploymentStage().StageArn(), WebAclArn: acl.AttrArn(),
	})
}

// floodProblem is what the gateway answers to too many requests, but for a
// correlation id, which WAF cannot fill in. WAF's own answer would be 403, which
// clients read as their credential failing.
const floodProblem = `{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"too many requests","error_code":"RATE_LIMIT_EXCEEDED"}`

func header(name, value string) *awswafv2.CfnWebACL_CustomHTTPHeaderProperty {
	return &awswafv2.CfnWebACL_CustomHTTPHeaderProperty{Name: &name, Value: &value}
}

func visible(metric string) *awswafv2.CfnWebACL_VisibilityConfigProperty {
	return &awswafv2.CfnWebACL_VisibilityConfigProperty{
		MetricName: &metric, CloudWatchMetricsEnabled: jsii.Bool(true), SampledRequestsEnabled: jsii.Bool(false),
	}
}
