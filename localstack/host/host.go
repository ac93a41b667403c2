// Package host runs LocalStack 4.14.0 as a process of this machine, for where
// there is no Docker. It needs Python 3.13 with venv, a JDK of 17 or later and
// Maven, on Linux on amd64, and the first time the Python package index and
// Maven Central; all is pinned, Python packages by their hashes.
//
// LocalStack runs functions in Docker only, so a plugin of ours (folder python)
// runs provided.* functions as child processes, and repairs two faults of this
// version. DynamoDB Local is started by a class of ours (folder java) because
// its own listens on all interfaces.
package host

import (
	"embed"
	"errors"
)

// Version is the one version of LocalStack that this package runs: the last
// that needs no account.
const Version = "4.14.0"

// files are what is installed, and the plugin, which every start takes along.
//
//go:embed build.lock localstack.lock pom.xml java/*.java python/process_executor/*.py python/*/METADATA python/*/entry_points.txt
var files embed.FS

// ErrAbsent says that this machine is of another kind, lacks a program, or
// cannot reach what is to be fetched.
var ErrAbsent = errors.New("LocalStack cannot run on this machine without Docker")
