# Tombstone. `make` lists the targets.

BINARY   := bin/tombstone
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 1m
BENCH    ?= -compare -expired 1000000
IMAGE    ?= tombstone

.DEFAULT_GOAL := help
.PHONY: help build run test race lint linter fuzz integration bench mutate attack docker docker-prebuilt check

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the static binary bin/tombstone
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(BINARY) ./cmd/server

run: ## start the server on 127.0.0.1:9000 with its data in ./data
	go run ./cmd/server

test: ## run all tests
	go test ./...

race: ## run the short tests under the race detector
	go test -race -short ./...

lint: ## check form, import order, sizes, documentation and common mistakes
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	go test -count=1 ./internal/lint
	go run $(GOLANGCI) run ./...

linter: ## compile what lint runs, which takes minutes the first time
	go run $(GOLANGCI) version

fuzz: ## run every fuzz target for FUZZTIME (1m)
	scripts/fuzz.sh $(FUZZTIME)

integration: ## play real clients against the real binary
	go test -count=1 ./integration/...

bench: ## measure this server beside versitygw; BENCH holds other flags
	go run ./integration/bench $(BENCH)

attack: ## let random principals try to destroy what they may not, for ten minutes
	go test -count=1 -timeout 30m -run '^TestAttack$$' ./internal/attack -for 10m

mutate: ## invert every branch of the rule book and see a test fail each time
	go run ./internal/mutate ./versioning

docker: ## build the image IMAGE (tombstone)
	docker build -t $(IMAGE) .

docker-prebuilt: build ## build the image from bin/tombstone, without a toolchain image
	docker build --target prebuilt -t $(IMAGE) .

check: test race lint ## what a change has to pass
