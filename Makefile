# Two commands are all that is needed: `make demo` and `make test`. Each does its own set-up.
.DELETE_ON_ERROR:
.PHONY: demo drivers drivers-test test slow bench calibrate calibrate-default fingerprints reproduce prove-faults prove-isolation acceptance lint packages

CARGO ?= cargo
# Debian packages that tests use when they are there; without them those tests say so and skip.
# They are installed with RUNLEVEL=1, so that none of their services is started.
# Not among them, for its size: chromium, in which the pages are measured where it is installed.
PACKAGES = default-jre-headless etcd-server galera-4 iptables iproute2 libzookeeper-java mariadb-server \
  nats-server patroni postgresql-15 python3 python3-etcd rabbitmq-server redis-server rsync uidmap
# How many runs `make calibrate` and `make calibrate-default` make at once.
JOBS ?= 4

## demo: the main job against the built-in reference cluster; ends with the path of the report
demo:
	$(CARGO) build --locked --bin fracas --bin regent
	target/debug/fracas run regent --time 35s --min-elections 3 --seed 1
	@echo "The report: $$(readlink -f runs/latest)/report.html"

## drivers: the client programs for systems that no target file can speak to (etcd's locks, kafka,
## mysql, nats, postgres, rabbitmq, zookeeper), put beside `fracas`: with PROFILE=--release beside
## the optimised program
drivers:
	$(CARGO) build --locked $(PROFILE) -p fracas-drivers --features all

## drivers-test: lints and tests of the drivers themselves; what they do to servers is tested with the rest
drivers-test: drivers
	$(CARGO) clippy --locked -p fracas-drivers --features all --all-targets -- -D warnings
	$(CARGO) test --locked -p fracas-drivers --features all

## test: everything that a change must pass
test: packages lint
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --quiet
	$(CARGO) test --locked --workspace --no-fail-fast

## lint: form and lints, as far as the toolchain has the tools
lint:
	@if $(CARGO) fmt --version >/dev/null 2>&1; then $(CARGO) fmt --all --check; \
	else echo "not installed: rustfmt (the form is not checked)"; fi
	@if $(CARGO) clippy --version >/dev/null 2>&1; then \
	  $(CARGO) clippy --locked --workspace --all-targets -- -D warnings; \
	else echo "not installed: clippy (lints are not checked)"; fi
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
	  $(CARGO) deny check licenses sources bans && \
	  if $(CARGO) deny fetch db >/dev/null 2>&1; then $(CARGO) deny check advisories; \
	  else echo "not reachable: the database of advisories (they are not checked)"; fi; \
	else echo "not installed: cargo-deny (known advisories are not checked; licences, sources and duplicates are, by a test)"; fi

## slow: the slow tier, kept apart: many histories, many seeds, many kills
slow: packages
	$(CARGO) test --locked -p fracas-checker --no-fail-fast -- --include-ignored --nocapture
	FRACAS_SLOW=1 $(CARGO) test --locked --workspace --no-fail-fast -- --nocapture

## acceptance: correct clusters must pass under all faults, seed after seed: 20 of regent, 5 of etcd
acceptance: packages
	$(CARGO) build --locked --bin fracas --bin regent
	target/debug/fracas run regent --faults all --time 30s --seed 1 --repeat 20 --out runs/acceptance
	target/debug/fracas run etcd --faults all --time 30s --seed 1 --repeat 5 --out runs/acceptance

## calibrate: how soon each planted bug is found, and again in replays; writes docs/calibration.md
calibrate:
	$(CARGO) build --locked --release --bin fracas --bin regent
	$(CARGO) run --locked --quiet --release --example calibrate -- --replays --jobs $(JOBS) $(BUGS)

# What `make calibrate-default` measures: seeds 1 to SEEDS, runs of so many seconds, on so many nodes.
SEEDS ?= 5
TIMES ?= 30,60
NODES ?= 5,3

## calibrate-default: what the bare default run finds of each planted bug, JOBS runs at once; goes on
## where it was interrupted (ANEW=--anew forgets what is known); writes docs/detection.md
calibrate-default:
	$(CARGO) build --locked --release --bin fracas --bin regent
	$(CARGO) run --locked --quiet --release --example detection -- --jobs $(JOBS) --seeds $(SEEDS) \
	  --times $(TIMES) --nodes $(NODES) $(ANEW) $(BUGS)

## fingerprints: how stable the fingerprints of each planted bug are, and which bugs share theirs, in
## ten bare runs of each; writes docs/fingerprints.md
fingerprints:
	$(CARGO) build --locked --release --bin fracas --bin regent
	$(CARGO) run --locked --quiet --release --example fingerprints -- runs/fingerprints --record 10 --write

# `make reproduce` runs seeds 1 to 10 of each row, or of those in ROWS; it keeps the versions in VERSIONS.
ROWS ?=
reproduce: SEEDS = 10
VERSIONS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/fracas-versions

## reproduce: known failures of released versions of real systems, and their controls; fetches the
## versions; goes on where it was interrupted; writes docs/reproductions.md
reproduce: packages
	$(CARGO) build --locked --release --bin fracas
	$(CARGO) run --locked --quiet --release --example reproduce -- --jobs $(JOBS) --seeds $(SEEDS) \
	  --cache $(VERSIONS) $(ANEW) $(ROWS)

# Of `make prove-faults`: those servers and runtimes alone, and nothing is written.
SYSTEMS ?=

## prove-faults: every fault on every server, as root (if this is root) and as an ordinary user, with
## its proof and its price, and on a system of each other runtime; writes docs/proven-faults.md
prove-faults: packages drivers
	$(CARGO) build --locked --bin fracas --bin regent
	PATH="$(CURDIR)/target/debug:$$PATH" $(CARGO) run --locked --quiet -p fracas --example prove_faults -- $(SYSTEMS)

## prove-isolation: a hostile server tries every row of the table in SECURITY.md, as root, as root in a
## user namespace, and as an ordinary user
prove-isolation: packages
	$(CARGO) test --locked --quiet -p fracas --test lab_tests every_promise_of_isolation_holds

## bench: how long the checker takes, written to docs/benchmarks.md, the faults, and the index of
##   ten thousand runs, printed. For a
##   quiet machine
bench:
	$(CARGO) bench --locked -p fracas-checker --bench histories -- --write
	$(CARGO) bench --locked -p fracas --bench faults
	$(CARGO) bench --locked -p fracas --bench index

## packages: what the tests use, installed where this is root and Debian; else what is missing is named
packages:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  missing=$$(for p in $(PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	  if [ -n "$$missing" ]; then apt-get update -qq && \
	    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; fi; \
	fi; \
	for tool in etcd iptables ip newuidmap python3 redis-server chromium; do command -v $$tool >/dev/null || [ -x /usr/sbin/$$tool ] || \
	  echo "not installed: $$tool (tests that need it are skipped, and say so)"; done
