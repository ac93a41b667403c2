// Package workers serves what nobody calls over HTTP: the stream relay, the
// steps of the approval clock, and Cognito's trigger.
package workers
