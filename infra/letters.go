package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

// letterDays is how long a dead letter is kept.
const letterDays = 90

// newLetters returns the bucket of the relay's dead letters: records that Lambda
// gave up, and changes that the relay can never handle. Its name has the
// account in it, because names of buckets are the world's.
func newLetters(s stack) awss3.CfnBucket {
	scope := s.concern("DeadLetters")
	bucket := awss3.NewCfnBucket(scope, jsii.String("Bucket"), &awss3.CfnBucketProps{
		BucketName: jsii.String(s.name("relay-dead-letters-") + *s.Account()),
		BucketEncryption: &awss3.CfnBucket_BucketEncryptionProperty{ServerSideEncryptionConfiguration: []any{
			&awss3.CfnBucket_ServerSideEncryptionRuleProperty{
				ServerSideEncryptionByDefault: &awss3.CfnBucket_ServerSideEncryptionByDefaultProperty{SseAlgorithm: jsii.String("AES256")},
			},
		}},
		PublicAccessBlockConfiguration: &awss3.CfnBucket_PublicAccessBlockConfigurationProperty{
			BlockPublicAcls: jsii.Bool(true), BlockPublicPolicy: jsii.Bool(true), IgnorePublicAcls: jsii.Bool(true), RestrictPublicBuckets: jsii.Bool(true),
		},
		OwnershipControls: &awss3.CfnBucket_OwnershipControlsProperty{Rules: []any{
			&awss3.CfnBucket_OwnershipControlsRuleProperty{ObjectOwnership: jsii.String("BucketOwnerEnforced")},
		}},
		LifecycleConfiguration: &awss3.CfnBucket_LifecycleConfigurationProperty{Rules: []any{
			&awss3.CfnBucket_RuleProperty{Id: jsii.String("expire"), Status: jsii.String("Enabled"), ExpirationInDays: jsii.Number(letterDays)},
		}},
	})
	s.kept(bucket)
	policy := document(statement{actions: []string{"s3:*"}, resources: []string{*bucket.AttrArn(), *bucket.AttrArn() + "/*"}})
	refuse := policy["Statement"].([]any)[0].(map[string]any)
	refuse["Effect"], refuse["Principal"] = "Deny", "*"
	refuse["Condition"] = map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}
	awss3.NewCfnBucketPolicy(scope, jsii.String("TLSOnly"), &awss3.CfnBucketPolicyProps{Bucket: bucket.Ref(), PolicyDocument: policy})
	return bucket
}

// count adds a metric of the log lines with a message, which alarms watch.
func (l *lambdas) count(id, name, message string) metric {
	m := metric{namespace: "Ascend/" + l.env.Name, name: name}
	awslogs.NewCfnMetricFilter(l.scope, jsii.String(title(id)+name), &awslogs.CfnMetricFilterProps{
		LogGroupName: l.logs[id].Ref(), FilterPattern: jsii.String(`{ $.msg = "` + message + `" }`),
		MetricTransformations: []any{&awslogs.CfnMetricFilter_MetricTransformationProperty{
			MetricNamespace: &m.namespace, MetricName: &m.name, MetricValue: jsii.String("1"),
		}},
	})
	return m
}
