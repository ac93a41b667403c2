package main

import (
	_ "embed"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"
)

// clock is the state machine as every environment runs it; only the ARNs of
// its two functions are filled in.
//
//go:embed approval.asl.json
var clock string

// newApproval makes the approval clock. Its history is kept by Step Functions
// for 90 days; logs of it would need a role with permissions on every log of
// the account, and traces permissions of X-Ray beyond the two (record 0021).
func newApproval(s stack) awsstepfunctions.CfnStateMachine {
	scope := s.concern("Approval")
	open, escalate := s.functionARN("approval-open"), s.functionARN("approval-escalate")
	role := s.role(scope, "Role", "The approval clock calls its two functions",
		trust("states.amazonaws.com", equal("aws:SourceAccount", *s.Account())),
		statement{actions: []string{"lambda:InvokeFunction"}, resources: []string{open, escalate}})
	machine := awsstepfunctions.NewCfnStateMachine(scope, jsii.String("Clock"), &awsstepfunctions.CfnStateMachineProps{
		StateMachineName: jsii.String(s.name("approval")), StateMachineType: jsii.String("STANDARD"),
		RoleArn: role.AttrArn(), DefinitionString: &clock,
		DefinitionSubstitutions: map[string]any{"ApprovalOpenArn": open, "ApprovalEscalateArn": escalate},
	})
	s.kept(machine) // executions under way end with their state machine
	return machine
}
