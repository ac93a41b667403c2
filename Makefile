# Ascend. `make help` lists what there is to make.
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
LAMBDA      := CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -tags lambda.norpc -trimpath -ldflags '-s -w'

export ADDR ?= 127.0.0.1:8080
export DATA ?= .ascend

.PHONY: help run test vet unit cover functions generate bench soak clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run the whole API on ADDR (127.0.0.1:8080) over the store in DATA (.ascend)
	@go build -o .build/ascend ./localstack && exec .build/ascend serve

test: vet unit cover functions ## Everything that CI runs
	@echo "== all passed"

vet: ## Formatting, go vet, staticcheck
	@echo "== gofmt, vet, staticcheck"
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt'ed: $$unformatted"; exit 1; }
	@go vet ./...
	@go run $(STATICCHECK) ./...

unit: ## All tests under the race detector: unit, conformance, scripts, crashes, published clients
	@echo "== tests, with the race detector"
	@go test -race -timeout 20m ./...

cover: ## The decision core is covered to the last statement
	@echo "== coverage of the decision core"
	@go test -cover ./shared/domain/governance | tee /dev/stderr | grep -q 'coverage: 100.0% of statements'

functions: ## Build the Lambda binaries into .build/functions
	@echo "== Lambda binaries"
	@mkdir -p .build/functions && $(LAMBDA) -o .build/functions/ ./functions/cmd/...

generate: ## Write what follows from the table of operations
	@go generate ./functions

bench: ## Benchmarks; figures are ratios within one run
	@go test -run '^$$' -bench . -benchmem ./...

soak: ## Long runs: 100,000 generated requests, and a minute of fuzzing for every fuzz target
	@ASCEND_SOAK=1 go test -timeout 60m -run TestGeneratedRequests ./functions
	@go list ./... | while read -r pkg; do \
		for target in $$(go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' || true); do \
			echo "== $$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime 60s "$$pkg"; \
		done; done

clean: ## Remove what was built; data folders stay
	@rm -rf .build
