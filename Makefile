# Everything that is done with Tripline's sources. All tools but Rust, Python 3 and a C compiler are
# installed into .local/, and nothing outside this folder is changed.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The processor that `build` and `deploy` build the functions for: arm64 or x86_64.
ARCHITECTURE ?= arm64
# The stack that `deploy` makes.
STACK ?= tripline

HOST := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
FUNCTIONS := -p metrics-generator -p force-stopper -p guard-keeper -p wave-runner
CARGO_LAMBDA := PATH="$(CURDIR)/.local/build/bin:$$PATH" cargo lambda build --release --locked $(FUNCTIONS)
flag = $(if $(filter arm64,$(1)),--arm64,--x86-64)
ifeq ($(filter arm64 x86_64,$(ARCHITECTURE)),)
$(error ARCHITECTURE `$(ARCHITECTURE)` is unknown (expected arm64 or x86_64))
endif
LINT := .local/lint/bin
TEMPLATE := templates/tripline.yaml
# The same stack in fewer bytes: this one is deployed.
PACKAGE := target/package/tripline.yaml
# The linters need some Region and no account.
QUIET := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1

.PHONY: help
help: ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

.PHONY: demo
demo: .local/local-aws/.ready zips-$(HOST) package ## Watch a bad rollout stop itself, on this machine, without an AWS account
	cargo build --locked -p tripline-cli -p tripline-tests --bins
	target/debug/demo

.PHONY: test
test: check zips package .local/local-aws/.ready browser ## Pass all tests, from formatting to the chain end to end
	cargo test --locked --workspace

.PHONY: bench
bench: machine ## Measure the simulator and the replay, each against its floor in the same run
	cargo bench --locked -p tripline-simulation --bench simulation --bench replay

.PHONY: waves
waves: ## Write docs/reference/waves.md: what gates let through, of good and bad firmware (RUNS=500)
	cargo run --locked --release -p tripline-simulation --example waves -- $(or $(RUNS),500)

.PHONY: verdict
verdict: ## Write docs/reference/verdict.md: false stops and detection beside other guards (RUNS=2000; hours; goes on where it was)
	cargo run --locked --release -p tripline-simulation --example verdict -- $(or $(RUNS),2000) $(PART)

.PHONY: soak
soak: zips-$(HOST) package .local/local-aws/.ready ## Try everything under faults for hours, and write what was seen (PERCENT=100; MINUTES=60 a part; SEED=1)
	cargo build --locked --workspace --bins
	TRIPLINE_SOAK=$(or $(PERCENT),100) $(if $(MINUTES),TRIPLINE_SOAK_MINUTES=$(MINUTES)) $(if $(SEED),TRIPLINE_SEED=$(SEED)) \
	  cargo test --locked --workspace --test it -- --nocapture --include-ignored stopper:: generator:: keeper:: wave_runner::

.PHONY: fuzz
fuzz: machine ## Feed every reader with what nobody wrote (SECONDS=600 of CPU time each; TARGET=dev-ini; SEED=1)
	cargo build --locked --workspace --bin fuzz
	target/debug/fuzz --seconds $(or $(SECONDS),600) --seed $(or $(SEED),1) $(if $(TARGET),--target $(TARGET))

.PHONY: mutants
mutants: .local/mutants/.ready ## Change each expression of what decides, and see that a unit test notices (MODULE=stop; hours, goes on where it was; FRESH=1)
	tools/mutants $(if $(FRESH),--fresh) $(MODULE)

# A crate, unlike the other tools.
.local/mutants/.ready: tools/mutants.txt | machine
	@echo "setting up .local/mutants (minutes)"
	@rm -rf .local/mutants
	@cargo install --quiet --locked --root .local/mutants --target-dir target/mutants/install $$(grep -v '^#' $<)
	@rm -rf target/mutants/install
	@touch $@

.PHONY: check
check: machine lint ## Formatting, lints, documentation, and the linters of the template
	tools/check-rooms
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet

.PHONY: lint
lint: .local/lint/.ready .local/checkov/.ready $(PACKAGE)
	tools/generate-template --check
	.local/package/bin/python tools/generate-reference --check
	$(QUIET) $(LINT)/cfn-lint $(TEMPLATE) $(PACKAGE)
	$(QUIET) $(LINT)/sam validate --lint --template-file $(TEMPLATE)
	$(QUIET) $(LINT)/sam validate --lint --template-file $(PACKAGE)
	.local/checkov/bin/checkov --framework cloudformation --skip-download --quiet --compact -f $(TEMPLATE) $(PACKAGE)

.PHONY: deny advisories
deny: .local/deny/.ready ## Licenses, sources and duplicates of what Tripline is built from
	PATH="$(CURDIR)/.local/deny/bin:$$PATH" cargo deny --locked --workspace check licenses sources bans
advisories: .local/deny/.ready ## Known vulnerabilities of it, from the RustSec database on GitHub
	PATH="$(CURDIR)/.local/deny/bin:$$PATH" cargo deny --locked --workspace check advisories

.PHONY: template
template: ## Write into the template what comes from other files: the dashboard and the alarms on the guard's health
	tools/generate-template

.PHONY: reference
reference: .local/package/.ready ## Write the pages of docs/reference/ that come from the sources
	.local/package/bin/python tools/generate-reference

.PHONY: package
package: $(PACKAGE) ## Write the template that is deployed into target/package/: no comments, below CloudFormation's limit

$(PACKAGE): $(TEMPLATE) templates/dashboard-body.json templates/release.asl.json tools/package-template .local/package/.ready
	.local/package/bin/python tools/package-template $(TEMPLATE) $@

.PHONY: ci
ci: test ## What CI runs

.PHONY: build
build: machine .local/build/.ready targets ## Build the functions that are deployed, into target/lambda/
	$(CARGO_LAMBDA) $(call flag,$(ARCHITECTURE))
	tools/third-party-notices target/lambda

.PHONY: deploy
deploy: build package .local/lint/.ready ## Build and deploy the stack into your AWS account, asking what it needs to know
	SAM_CLI_TELEMETRY=0 $(LINT)/sam deploy --guided --template-file $(PACKAGE) --stack-name $(STACK) \
	  --config-file "$(CURDIR)/samconfig.toml" --resolve-s3 --capabilities CAPABILITY_IAM \
	  --parameter-overrides Architecture=$(ARCHITECTURE)

.PHONY: install
install: ## Install the command `tripline`
	cargo install --locked --profile installed --path crates/tripline-cli

.PHONY: schemas
schemas: ## Write docs/reference/schemas/: the JSON Schema of what each command puts out
	rm -f docs/reference/schemas/*.json
	cargo run --locked --quiet -p tripline-cli -- schemas docs/reference/schemas
	$(MAKE) reference

.PHONY: pages
pages: ## Write the command's man pages and completions into target/pages/
	cargo run --locked --quiet -p tripline-cli -- pages target/pages

.PHONY: notices
notices: .local/build/.ready ## Write again what the built functions are built from, with the texts of all licenses: target/lambda-<processor>/THIRD-PARTY-NOTICES.txt
	for folder in target/lambda-*/; do tools/third-party-notices "$$folder"; .local/build/bin/python tools/zip-functions "$$folder"; done

.PHONY: zips zips-arm64 zips-x86_64
zips: zips-arm64 zips-x86_64 ## Build the functions' zips for both processors, into target/lambda-<processor>/
zips-arm64 zips-x86_64: zips-%: machine .local/build/.ready targets
	$(CARGO_LAMBDA) $(call flag,$*) --lambda-dir target/lambda-$*
	tools/third-party-notices target/lambda-$*
	.local/build/bin/python tools/zip-functions target/lambda-$*

# Both processors' standard libraries; zig, from .local/build, is the linker.
.PHONY: targets
targets:
	@rustup --quiet target add x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu

.PHONY: machine
machine: ## Check that this machine has what cannot be installed into .local/
	@tools/check-machine

.PHONY: browser
browser: $(if $(filter x86_64,$(HOST)),.local/browser/.ready) ## Install the browser in which the tests open reports

# The npm package holds Chromium itself, for x86_64 only; elsewhere the tests look for the machine's.
# npm comes as a Python package.
.local/browser/.ready: $(wildcard tools/browser/*) | machine
	@echo "setting up .local/browser"
	@rm -rf .local/browser
	@python3 -m venv .local/browser
	@.local/browser/bin/pip install --quiet --disable-pip-version-check -r tools/browser/requirements.txt
	@cp tools/browser/package.json tools/browser/package-lock.json .local/browser/
	@PATH="$(CURDIR)/.local/browser/bin:$$PATH" npm ci --prefix .local/browser --ignore-scripts --no-audit --no-fund --loglevel=error
	@.local/browser/bin/node tools/browser/unpack.mjs .local/browser
	@rm -rf .local/browser/node_modules
	@touch $@

.PHONY: setup
setup: $(addprefix .local/,local-aws/.ready build/.ready lint/.ready checkov/.ready package/.ready) ## Install all tools into .local/

.PHONY: clean
clean: ## Remove everything that was built or installed
	rm -rf target .local .aws-sam

# One Python environment a purpose, since their packages disagree. The mark is newer than the list
# only if the whole list was installed.
.local/%/.ready: tools/%.txt | machine
	@echo "setting up .local/$*"
	@rm -rf .local/$*
	@python3 -m venv .local/$*
	@.local/$*/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@
