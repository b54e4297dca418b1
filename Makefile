# Hydra: `make demo` shows the main job, `make test` proves it, `make` explains.
SHELL   := /bin/bash
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
MODULES := $(shell go list -m -f '{{.Dir}}' 2>/dev/null)
BUILD   := GOWORK=off go run -C tools/build . -version "$(VERSION)"
GO_TEST := go test -shuffle=on -timeout 40m
export HYDRA_BIN ?= $(CURDIR)/bin

## help: list the targets
.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST) | awk -F': ' '{ printf "  make %-18s %s\n", $$1, $$2 }'

## build: install what is missing and build every program into bin/
.PHONY: build
build:
	@$(BUILD)

## demo: build, start the platform and run the main job live
.PHONY: demo
demo: build
	@bin/hydra-demo

## stop: stop the platform that the demo left running
.PHONY: stop
stop:
	@bin/hydra down

## test: everything: unit, integration, node, journey, browser
.PHONY: test
test:
	@$(BUILD) -install test
	@test/run

## test-unit: what needs neither root nor other programs
.PHONY: test-unit
test-unit:
	$(GO_TEST) -short work

## bench: every benchmark; `make bench-main` for one group
.PHONY: bench bench-main
bench: bench-main
bench-main: build
	cd test && go run ./cmd/hydra-bench -group main -out ../bench/results.json -doc ../docs/benchmarks.md

## generate: rewrite what is generated: golden files, schemas, docs
.PHONY: generate
generate:
	go test ./events ./services/deployer/... ./services/gateway/... ./cmd/hydra/... ./test/policy -update

## lint: vet and lint every module
.PHONY: lint
lint: bin/golangci-lint
	bin/golangci-lint run $(addsuffix /...,$(MODULES))

bin/golangci-lint: tools/go.mod
	GOWORK=off GOBIN=$(CURDIR)/bin go -C tools install tool

## fmt: format every module
.PHONY: fmt
fmt: bin/golangci-lint
	bin/golangci-lint fmt

## tidy: tidy every go.mod
.PHONY: tidy
tidy:
	go work sync && for m in $(MODULES) node parts/* tools/*/; do GOWORK=off go -C $$m mod tidy || exit 1; done

## clean: remove what was built
.PHONY: clean
clean:
	rm -rf bin .cache
