// Package infra will hold how the system is deployed (issue 4 brings the CDK
// app). Today it holds the decision records, in decisions/, and the tests that
// keep the layout of the source as the design says.
package infra
