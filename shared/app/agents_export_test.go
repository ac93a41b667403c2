package app

// PutAgent lets tests place an agent in a state that no use case of theirs makes.
var PutAgent = putAgent
