// Package functions is what can be called: one table of every operation. API
// Gateway, the functions' policies, the API description, the local server, the
// test matrices and the README's list of endpoints all derive from it.
//
// # Words
//
//	action              what an agent asks permission for; submitted once, decided once
//	agent               a registered program, with a configuration and a status
//	approval, stage     the wait for people to decide an action, in one or more steps
//	plan                the stages that an action goes through, fixed when it is submitted
//	clock, execution    the Step Functions execution that ends a stage when its time is up
//	command             one request that changes something: who, when, with which Idempotency-Key
//	idempotency record  the answer to a command, written with its effect; a retry gets it again
//	admission           counting an action against its agent's rate limits, before the decision
//	mark, slot          what a counted command leaves in the counter item, so that its retry is not counted again
//	verdict             the outcome of governance.Decide, with every check explained
//	version, number     names one of an agent's configurations: as 1.2.0, and by counting from 1
//	revision            grows with every write of a record; the condition of the next write
//	serial              an agent's numeric id; a new one after it was deleted and registered again
//	audit entry         who did what, written in the same transaction as the change
//	change, feed        one committed write with its old and new image; all of them, in order per item
//	relay, consumer     reads the feed; one job done for each change, idempotent, at least once
//	dead letter         a change that a consumer could not handle, kept until it is redriven
//	outbox              audit entries stored with their change; the relay sends events from them
//	projection          the few attributes of a record that a list reads
//	principal, claim    who calls, as verified; the credential as presented, before that
package functions
