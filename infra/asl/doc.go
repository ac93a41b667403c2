// Package asl lints the state machines of the stack, without AWS: LocalStack
// deploys what AWS refuses, such as a Next that leads nowhere.
package asl
