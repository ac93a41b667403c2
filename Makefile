# Ascend. `make help` lists what there is to make.
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
HOST        := $(shell go env GOARCH)
ENV         ?=
CDK         := .build/cdk/$(or $(ENV),all)

# In CI node must be there; elsewhere the tests that need it are left out, and say so.
ifneq ($(filter true,$(CI))$(shell command -v node),)
STACK_TESTS := stack test-stack
else
STACK_TESTS := without-node
endif

# CDK looks at these before our code runs: without them a synthesis takes 12 s in place of 4.
export CDK_VALIDATION := false
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

export ADDR ?= 127.0.0.1:8080
export DATA ?= .ascend

.PHONY: help run check test lint short unit cover stack without-node zips synth lint-templates test-stack up down deploy-local smoke redrive generate bench soak prose clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run the whole API on ADDR (127.0.0.1:8080) over the store in DATA (.ascend)
	@go build -o .build/ascend ./localstack && exec .build/ascend serve

check: lint short ## What to run before each commit: linters and short tests, no race detector
	@echo "== all passed; CI runs make test"

test: lint unit cover $(STACK_TESTS) ## Everything that CI runs
	@echo "== all passed"

lint: ## gofmt; golangci-lint, with go vet and staticcheck in it
	@echo "== gofmt, golangci-lint"
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt'ed: $$unformatted"; exit 1; }
	@go run $(GOLANGCI) run ./...

short: ## The tests that take no more than a few seconds
	@echo "== short tests"
	@go test -short $$(go list ./... | grep -vx ascend/infra)

unit: ## All tests under the race detector: unit, conformance, scripts, crashes, published clients
	@echo "== tests, with the race detector"
	@go test -race -timeout 20m $$(go list ./... | grep -vx ascend/infra)

cover: ## The decision core is covered to the last statement
	@echo "== coverage of the decision core"
	@go test -cover ./shared/domain/governance | tee /dev/stderr | grep -q 'coverage: 100.0% of statements'

stack: lint-templates ## The stacks of all environments: synthesis, template linter, template tests
	@echo "== tests of the stacks"
	@go test ./infra

without-node:
	@echo "== skipped, for want of node: synthesis and tests of the stacks, tests of the deployed stack"

zips: ## Build the functions into .build/functions, for Lambda and for this machine
	@echo "== functions"
	@go run ./infra/pack -out .build/functions $(sort arm64 $(HOST))

synth: zips ## Synthesise the stack of ENV (all when empty) into .build/cdk, offline
	@echo "== synthesis of $(or $(ENV),all environments)"
	@rm -rf $(CDK) && CDK_OUTDIR=$(CURDIR)/$(CDK) ENV=$(ENV) go run ./infra && ls $(CDK)/*.template.json

lint-templates: synth
	@echo "== template linter"
	@mkdir -p .build/lint && cp infra/lint/* .build/lint/ && cd .build/lint \
		&& { cmp -s package-lock.json node_modules/.ours || { npm ci --silent --ignore-scripts --no-audit --no-fund && cp package-lock.json node_modules/.ours; }; } \
		&& node lint.mjs $(CURDIR)/$(CDK)/*.template.json

test-stack: ## Deploy on a LocalStack of its own: scripts, approval scenarios, relay
	@$(MAKE) --no-print-directory synth ENV=local
	@echo "== tests of the deployed stack"
	@ASCEND_STACK=$(CURDIR)/.build/cdk/local go test -count=1 -timeout 15m -run Deploy ./localstack

up: ## Start LocalStack: by Docker where there is an engine, else as a process
	@go run ./localstack up

down: ## Stop LocalStack
	@go run ./localstack down

deploy-local: up ## Deploy the stack on LocalStack and print how to call it
	@go run ./localstack deploy

smoke: ## See that the stack deployed on LocalStack does its main job
	@go run ./localstack smoke

redrive: ## Give the relay of ENV again what it gave up (ARGS=-dry-run lists it)
	@go run ./infra/redrive -env "$(ENV)" $(ARGS)

generate: ## Write what follows from the table of operations: mains, API description, README, the stacks' snapshots
	@go generate ./functions
	@go test ./infra -run TestStacksAreAsReviewed -update

bench: ## Benchmarks; figures are ratios within one run
	@go test -run '^$$' -bench . -benchmem ./...

soak: ## Long runs: 100,000 generated requests, and a minute of fuzzing for every fuzz target
	@ASCEND_SOAK=1 go test -timeout 60m -run TestGeneratedRequests ./functions
	@go list ./... | while read -r pkg; do \
		for target in $$(go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' || true); do \
			echo "== $$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime 60s "$$pkg"; \
		done; done

prose: ## Count the verbs of function comments: "is" against "returns" and "reports"
	@git ls-files '*.go' | grep -v _test.go | xargs awk -f .ci/prose.awk

clean: ## Remove what was built; data folders stay
	@rm -rf .build
