# Ringway. `make help` lists the targets; each installs the Debian packages it needs if they are missing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

GO ?= go
FUZZTIME ?= 60s
ROUNDS ?= 5
DURATION ?= 3s
SOAKTIME ?= 10m
BENCHFLAGS ?=

# cgo's C: what the release is built with. -asan and the native test targets bring their own flags.
export CGO_CFLAGS ?= -O2 -g

SETUP := tools/setup.sh
SANITIZE_FLAGS := -O1 -g -fno-omit-frame-pointer
STATICCHECK := $(GO) tool -modfile=$(CURDIR)/tools/go.mod staticcheck
C_SOURCES = $(wildcard native/*.c)
C_ALL = $(wildcard native/*.[ch] native/test/*.[ch] native/fuzz/*.[ch])
SHELL_SCRIPTS = $(wildcard tools/*.sh model/run model/*.sh test/*/*.sh deploy/*.sh) .ci/run

##@ Build and try

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-zA-Z0-9_-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo

.PHONY: build
build: setup-build ## bin/gateway (cgo, libuv) and bin/appworker (static, no cgo)
	CGO_ENABLED=1 $(GO) build -trimpath -o bin/gateway ./cmd/gateway
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/appworker ./cmd/appworker

# Programs for images that hold nothing else; LDFLAGS adds to what the linker is told.
.PHONY: static static-gateway static-worker
static: static-gateway static-worker ## build/static/gateway and appworker, which need no libraries (for container images)
static-gateway: setup-build
	CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=false -tags static,osusergo,netgo \
		-ldflags '-s -w -linkmode external -extldflags "-static" $(LDFLAGS)' -o build/static/gateway ./cmd/gateway
static-worker:
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w $(LDFLAGS)' -o build/static/appworker ./cmd/appworker

.PHONY: run
run: setup-run build ## gateway on 127.0.0.1:8080 (admin 127.0.0.1:9180) with a supervised worker, in the foreground
	tools/run.sh

.PHONY: demo
demo: setup-run build ## a few seconds: start, send real requests, kill a worker, print ring statistics, stop
	tools/demo.sh

##@ Test

.PHONY: test
test: setup-test build native-test test-go test-race test-bench test-otel ## unit, race, native and quick end-to-end tests
	@echo "test: all passed"

.PHONY: test-go
test-go: setup-test build ## Go tests of all packages, end to end included
	CGO_ENABLED=1 $(GO) test ./...

# The race detector sees no C and knows nothing of mapped memory: packages that link native/ and those that only
# drive processes are tested without it.
.PHONY: test-race
test-race: setup-build ## race-detector tests of the packages without C
	packages=$$($(GO) list -f '{{.ImportPath}} {{join .Deps " "}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... \
		| grep -v -E 'ringway/native|^ringway/(test|internal/policy)(/| )' | cut -d' ' -f1); \
	CGO_ENABLED=1 $(GO) test -race -short $$packages

.PHONY: containers-test
containers-test: setup-containers ## build the images and run docker-compose.yml with a real Docker engine (needs root)
	$(GO) test -tags containers -count=1 -timeout 20m ./test/containers

.PHONY: systemd-test
systemd-test: setup-systemd build ## run the units of deploy/systemd under a real systemd in namespaces of its own (needs root)
	$(GO) test -tags systemd -count=1 -timeout 20m ./test/systemd

.PHONY: console-test
console-test: setup-console build ## the admin server's page in a real Chromium; pictures in build/console
	GATEWAY=$(CURDIR)/bin/gateway APPWORKER=$(CURDIR)/bin/appworker $(GO) test -tags console -count=1 ./test/console

.PHONY: test-bench
test-bench: ## tests of the benchmark program (a module of its own)
	cd bench && $(GO) test ./...

.PHONY: test-otel
test-otel: setup-build ## tests of the package for traces (a module of its own)
	cd otel && CGO_ENABLED=1 $(GO) test -race ./...

.PHONY: lint
lint: lint-go lint-c lint-shell ## gofmt, go vet, staticcheck, clang-format, clang-tidy, shellcheck; findings fail
	@echo "lint: no findings"

.PHONY: lint-go
lint-go: setup-build
	files=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [[ -n $$files ]]; then echo "not formatted by gofmt:" $$files >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags stress,containers,systemd,console ./...
	$(STATICCHECK) -tags stress,containers,systemd,console ./...
	cd bench && $(GO) vet ./... && $(STATICCHECK) ./...
	cd otel && $(GO) vet ./... && $(STATICCHECK) ./...

# clang-tidy looks at the sources that are shipped; the native tests are compiled with warnings as errors.
.PHONY: lint-c
lint-c: setup-build setup-lint
	clang-format --dry-run -Werror $(C_ALL)
	printf '%s\n' $(C_SOURCES) | xargs -P "$$(nproc)" -n 4 sh -c 'exec clang-tidy --quiet "$$@" -- \
		-std=c11 -D_GNU_SOURCE -Wall -Wextra -Inative '"$$(pkg-config --cflags libuv)" clang-tidy

.PHONY: lint-shell
lint-shell: setup-lint
	shellcheck -x $(SHELL_SCRIPTS)

.PHONY: format
format: setup-lint ## rewrite Go and C sources in the project's style
	gofmt -w $$(git ls-files -co --exclude-standard '*.go')
	clang-format -i $(C_ALL)

.PHONY: sanitize
sanitize: setup-build setup-sanitize native-test-asan native-test-tsan sanitize-gateway ## native tests and the gateway under ASan+UBSan and under TSan
	@echo "sanitize: clean"

# The gateway makes itself non-dumpable, which LeakSanitizer cannot work with; leaks are looked for in native-test-asan.
# ThreadSanitizer sees the C loops; what Go does with their counters it takes for atomic. It cannot live with
# high-entropy address layouts, hence setarch where personality(2) is allowed.
.PHONY: sanitize-gateway
sanitize-gateway: build setup-sanitize ## make demo with gateways built with ASan+UBSan and with TSan
	CGO_ENABLED=1 CGO_CFLAGS="$(SANITIZE_FLAGS) -fsanitize=undefined -fno-sanitize-recover=all" \
		CGO_LDFLAGS="-fsanitize=undefined" $(GO) build -asan -o build/asan/gateway ./cmd/gateway
	CC=clang CGO_ENABLED=1 CGO_CFLAGS="$(SANITIZE_FLAGS) -fsanitize=thread" CGO_LDFLAGS="-fsanitize=thread" \
		$(GO) build -o build/tsan/gateway ./cmd/gateway
	for mode in handler env; do \
		ASAN_OPTIONS=detect_leaks=0 GATEWAY=build/asan/gateway MODE=$$mode tools/demo.sh; \
		TSAN_OPTIONS=halt_on_error=1 PREFIX="$$(setarch -R true 2>/dev/null && echo setarch -R)" \
			GATEWAY=build/tsan/gateway LOOPS=2 MODE=$$mode tools/demo.sh; \
	done

.PHONY: conformance
conformance: ## write docs/http-conformance.md from test/wire/cases, docs/owin-conformance.md from test/owin/rules
	@mkdir -p build
	$(GO) run ./test/wire/conformance >build/http-conformance.md
	mv build/http-conformance.md docs/http-conformance.md
	$(GO) run ./test/owin/conformance >build/owin-conformance.md
	mv build/owin-conformance.md docs/owin-conformance.md

.PHONY: reference
reference: ## write docs/reference.md and docs/metrics.md from the definitions of commands, flags and metrics
	@mkdir -p build
	CGO_ENABLED=1 $(GO) run ./internal/cli/reference >build/reference.md
	mv build/reference.md docs/reference.md
	$(GO) run ./internal/admin/metricspage >build/metrics.md
	mv build/metrics.md docs/metrics.md

.PHONY: model
model: setup-model ## check the Spin model of the ring, and that seeded bugs are found
	model/run

.PHONY: fuzz
fuzz: setup-sanitize fuzz-go fuzz-native ## every fuzz target for FUZZTIME (60s) each

.PHONY: fuzz-go
fuzz-go: ## the Go fuzz targets
	for package in $$($(GO) list ./...); do \
		for name in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime "$(FUZZTIME)" "$$package"; \
		done; \
	done

##@ Long

.PHONY: check
check: test lint sanitize model demo fuzz stress containers-test systemd-test console-test ## everything, with a minute per fuzz target and the long stress run
	@echo "check: all passed"

# Long tests carry the build tag `stress` and are named TestStress...
.PHONY: stress
stress: build ## the long stress tests: millions of exchanges, random cancels, worker deaths, 15 minutes of swaps and kills
	tests=$$($(GO) test -tags stress -list '^TestStress' ./... | grep -c '^TestStress' || true); \
	if ((tests == 0)); then echo "stress: no test TestStress... found" >&2; exit 1; fi
	CGO_ENABLED=1 $(GO) test -tags stress -run '^TestStress' -count=1 -timeout 2h ./...

.PHONY: soak
soak: setup-bench build ## mixed load for SOAKTIME (10m) and 10,000 idle connections, memory sampled
	cd bench && $(GO) run . soak --duration "$(SOAKTIME)" $(BENCHFLAGS)

.PHONY: bench
bench: setup-bench build ## all targets and loads, ROUNDS (5) interleaved rounds of DURATION (3s); writes bench/results
	cd bench && $(GO) run . compare --rounds "$(ROUNDS)" --duration "$(DURATION)" $(BENCHFLAGS)

.PHONY: bench-deploys
bench-deploys: setup-bench build ## swaps, kills and upgrades under load beside nginx and tableflip (10m); writes bench/results
	cd bench && $(GO) run . deploys $(BENCHFLAGS)

.PHONY: bench-streams
bench-streams: setup-bench build ## messages on upgraded connections and 10,000 idle WebSockets, against net/http (4m); writes bench/results
	cd bench && $(GO) run . streams --rounds "$(ROUNDS)" --duration "$(DURATION)" $(BENCHFLAGS)

.PHONY: clean
clean: ## remove what the targets have built
	rm -rf bin build bench/work

# Group targets for packages: setup-build, setup-test, ...
setup-%:
	@$(SETUP) $*

# native-test, native-test-asan, native-test-tsan, native-fuzz-*: the C side's own rules.
-include native/test/rules.mk
