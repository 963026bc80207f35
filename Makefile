# Everything is done from here: `make help` lists the commands.
# Needs nothing but Python 3.11+ and make; all else goes into a virtual environment of its own.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
SOURCES := $(wildcard src client/src studio/src tests client/tests studio/tests studio/tools bench)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help setup setup-test demo serve test check fix bench bench-grown bench-peers bench-latency bench-deliveries bench-scaling bench-open-tasks soak lock conformance test-models test-ray test-s3 test-pgbouncer test-deploy prove-crash prove-failpoints prove-money prove-limits prove-restarts prove-simulation prove-fuzz prove-rates prove-overload prove-rolling prove-hosts prove-mutation prove-coverage prove-requests audit-dependencies sbom dist gallery obedience blind screenshots

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Heliograph needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

# the stamp is newer than everything it was made from, so a second run costs nothing
$(VENV)/.service: $(BIN)/python requirements/service.txt pyproject.toml client/pyproject.toml studio/pyproject.toml
	$(PIP) install --require-hashes --requirement requirements/service.txt
	$(PIP) install --no-deps --no-build-isolation --editable client --editable studio --editable .
	$(BIN)/python -m heliograph_studio --warm-up
	@touch $@

$(VENV)/.test: $(VENV)/.service requirements/test.txt
	$(PIP) install --require-hashes --requirement requirements/test.txt
	@command -v chromium > /dev/null \
		|| { test "$$(id -u)" = 0 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends chromium fonts-noto-cjk; } \
		|| $(BIN)/playwright install chromium \
		|| echo "There is no Chromium: the tests of the playground will say so."
	@touch $@

setup: $(VENV)/.service ## install into .venv; leaves .venv/bin/heliograph ready

setup-test: $(VENV)/.test

demo: setup ## make four real pictures through the HTTP API (ARGS=--exit ends the server afterwards)
	$(BIN)/heliograph demo $(ARGS)

serve: setup ## run the service on http://127.0.0.1:8080
	$(BIN)/heliograph serve $(ARGS)

# whole files go to two processes, the slow ones first; each process has a PostgreSQL of its own
test: setup-test ## run every test (ARGS passes options on to pytest)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

$(VENV)/dashscope-%: requirements/dashscope-%.txt
	$(PYTHON) -m venv $@
	$@/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	@touch $@

conformance: setup-test $(VENV)/dashscope-1 $(VENV)/dashscope-2 ## run the official dashscope SDK, two releases, against the emulator that the tests use
	$(BIN)/python -m pytest -q tests/conformance --sdk $(VENV)/dashscope-1/bin/python --sdk $(VENV)/dashscope-2/bin/python

# torch by its version alone: which build of it (CPU, CUDA, ROCm) is the machine's choice
$(VENV)/.models: $(VENV)/.test requirements/diffusers.txt
	$(PIP) install --no-deps --require-hashes --requirement requirements/diffusers.txt
	$(PIP) install torch==2.13.0
	@touch $@

test-models: ## run the diffusers provider with real, tiny pipelines (installs torch into a second environment)
	$(MAKE) VENV=$(VENV)-models $(VENV)-models/.models
	$(VENV)-models/bin/python -c "import torch, diffusers"
	$(VENV)-models/bin/python -m pytest -q tests/models $(ARGS)

$(VENV)/.ray: $(VENV)/.test requirements/ray.txt
	$(PIP) install --require-hashes --requirement requirements/ray.txt
	@touch $@

test-ray: ## run the studio as replicas on a real, local Ray, one killed under load (installs Ray into an environment of its own)
	$(MAKE) VENV=$(VENV)-ray $(VENV)-ray/.ray
	$(VENV)-ray/bin/python -c "import ray.serve"
	$(VENV)-ray/bin/python -m pytest -q --capture=no tests/ray $(ARGS)

test-s3: setup-test ## run the storage tests against Ceph's object gateway (Debian's packages; installs them as root)
	@command -v radosgw > /dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends radosgw ceph-common ceph-mon ceph-osd; }
	$(BIN)/python -m pytest -q tests/integration/test_storage_s3.py tests/contract/test_files_s3.py $(ARGS)

test-pgbouncer: setup-test ## run the service behind PgBouncer in transaction mode (Debian's package; installs it as root)
	@PATH=$$PATH:/usr/sbin command -v pgbouncer > /dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends pgbouncer; }
	$(BIN)/python -m pytest -q tests/e2e/test_pgbouncer.py $(ARGS)

$(VENV)/.deploy: $(VENV)/.test requirements/deploy.txt
	$(PIP) install --require-hashes --requirement requirements/deploy.txt
	@touch $@

test-deploy: $(VENV)/.deploy ## let promtool and Helm judge what is in deploy/ (installs promtool with apt)
	@command -v promtool || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus; }
	promtool --version
	$(BIN)/python -c "import helm_python"
	$(BIN)/python -m pytest -q tests/unit/test_deploy.py tests/unit/test_chart.py $(ARGS)

check: setup-test ## format, lint, types, import contracts, sizes
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy src client/src studio/src
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/unit/test_sizes.py --capture=no

fix: setup-test ## format and mend what can be mended by machine
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: setup-test ## measure submits and status reads beside their limits, in one run
	$(BIN)/python bench/run.py $(ARGS)

bench-grown: setup-test ## measure the same on an empty database and beside a million finished tasks, and the audit of them
	PYTHONPATH=tests $(BIN)/python bench/grown.py $(ARGS)

$(VENV)/peers: requirements/peers.txt
	$(PYTHON) -m venv $@
	$@/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	@command -v redis-server > /dev/null \
		|| { test "$$(id -u)" = 0 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends redis-server; } \
		|| echo "There is no redis-server: Celery will be left out."
	@touch $@

BENCH := PYTHONPATH=bench:bench/peers $(BIN)/python

bench-peers: setup-test $(VENV)/peers ## measure this service beside LiteLLM, Cog, PgQueuer and Celery, in one run (installs them into an environment of their own)
	$(BENCH) bench/peers/compare.py $(ARGS)

bench-latency: setup-test ## measure what the service adds to the time of its upstream at half of what it can do
	$(BENCH) bench/latency.py $(ARGS)

bench-scaling: setup-test ## measure what a task costs API, workers and PostgreSQL, with one to four processes of each
	$(BENCH) bench/scaling.py $(ARGS)

bench-open-tasks: setup-test ## measure memory and punctuality of one worker with 10,000 tasks at a remote provider: about 4 minutes
	$(BENCH) bench/open_tasks.py $(ARGS)

soak: setup-test ## an hour at seven tenths of what the service can do: errors, memory, and how long a read takes
	$(BENCH) bench/soak.py $(ARGS)

bench-deliveries: setup-test ## measure the webhooks of one worker while receivers fail and hang
	$(BENCH) bench/deliveries.py $(ARGS)

prove-crash: setup-test ## kill -9 processes of the service and its database 1,000 times while 2,000 tasks run: about 35 minutes
	$(BIN)/python -m pytest -q --capture=no tests/e2e/test_crash.py --kills 1000 --tasks 2000 $(ARGS)

prove-failpoints: setup-test ## kill -9 before and after every step and commit of a task's life
	$(BIN)/python -m pytest -q --capture=no tests/e2e/test_failpoints.py --every-failpoint $(ARGS)

prove-money: setup-test ## 10,000 histories of the money model against the real database, and a storm of 10,000 submits: about 40 minutes
	HYPOTHESIS_PROFILE=prove $(BIN)/python -m pytest -q --capture=no tests/integration/test_money_model.py tests/e2e/test_storm.py $(ARGS)

prove-limits: setup-test ## 500 tasks by four workers within the limits of one DashScope account
	$(BIN)/python -m pytest -q --capture=no tests/e2e/test_account_limits.py --limited-tasks 500 $(ARGS)

prove-restarts: setup-test ## kill the embedded database 100 times under load
	$(BIN)/python -m pytest -q --capture=no tests/e2e/test_trouble.py -k restarted --restarts 100 $(ARGS)

prove-simulation: setup-test ## simulate the life of tasks, crashes and all, in 5,000 worlds (ARGS="--seed N" replays one, --first N goes on from there)
	$(BIN)/python -m pytest -q --capture=no tests/simulation --seeds 5000 $(ARGS)

CRITICAL := src/heliograph/ledger/*,src/heliograph/base/address.py,src/heliograph/base/outbound.py,src/heliograph/accounts/keys.py,src/heliograph/intake/header.py,src/heliograph/tasks/finish.py

# left out is a test whose process may write nothing, and so no figures either
prove-coverage: setup-test ## measure which branches the tests take; all of those that guard money, network, keys and pictures
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests/unit tests/integration tests/contract tests/e2e --deselect tests/integration/test_postgres_trouble.py::test_a_data_directory_that_cannot_be_written_is_named $(ARGS)
	$(BIN)/coverage combine
	$(BIN)/coverage report --skip-covered --show-missing --fail-under 95
	$(BIN)/coverage report --show-missing --fail-under 100 --include '$(CRITICAL)'

prove-requests: setup-test ## make up 300 requests for each operation of the OpenAPI document
	$(BIN)/python -m pytest -q --capture=no tests/contract/test_schemathesis.py --requests-per-operation 300 $(ARGS)

prove-rates: setup-test ## 100,000 requests to four processes, counted against the limit of each key
	$(BIN)/python -m pytest -q --capture=no tests/e2e/test_rate_limit_processes.py --rated-requests 100000 $(ARGS)

prove-overload: setup-test ## three times more than the database can take, for a minute
	$(BIN)/python -m pytest -q --capture=no tests/e2e/test_overload.py --overload-seconds 60 $(ARGS)

prove-rolling: setup-test ## replace every process of a deployment 50 times under load: about 10 minutes
	$(BIN)/python -m pytest -q --capture=no tests/e2e/test_rolling.py --rolling-restarts 50 $(ARGS)

prove-hosts: setup-test ## seven hosts as network namespaces, cut off and killed under load (needs root; installs iproute2 and Ceph)
	@command -v ip > /dev/null && command -v radosgw > /dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends iproute2 radosgw ceph-common ceph-mon ceph-osd; }
	$(BIN)/python -m pytest -q --capture=no tests/e2e/test_hosts.py --hosts $(ARGS)

prove-mutation: setup-test ## change the rules that guard money, network, keys and pictures; count what no test notices
	PYTHONPATH=tests $(BIN)/python tests/mutation/mutate.py $(ARGS)

prove-fuzz: setup-test ## a million pictures made up by a coverage-guided fuzzer, for the header scanner
	$(PIP) install atheris
	$(BIN)/python tests/fuzz/fuzz_header.py -runs=1000000 $(ARGS)

$(VENV)/audit: requirements/audit.txt
	$(PYTHON) -m venv $@
	$@/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	@touch $@

# strict: what could not be looked up is no good news
audit-dependencies: $(VENV)/audit ## ask PyPI for published weaknesses of every dependency (needs the network)
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements/service.txt $(ARGS)

sbom: $(VENV)/audit ## write dist/sbom.json, a CycloneDX list of every dependency with its hashes
	@mkdir -p dist
	$(VENV)/audit/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file dist/sbom.json requirements/service.txt

dist: setup ## build service, client and studio into dist/, the same bytes each time
	for folder in client studio .; do (cd $$folder && $(abspath $(BIN))/python -m hatchling build --directory $(CURDIR)/dist) || exit 1; done

gallery: setup ## draw the studio's gallery and the picture of the README anew (ARGS="--only edits")
	$(BIN)/python studio/tools/gallery.py $(ARGS)

screenshots: setup-test ## draw docs/screenshots anew, with pictures of the studio, in a real browser
	PYTHONPATH=tests $(BIN)/python tests/browser/screenshots.py

obedience: setup ## count how well the studio does what 60 prompts say
	$(BIN)/python studio/tools/obedience.py

blind: setup ## draw a blind test of the studio into ARGS=FOLDER: pictures without prompts, and a form
	$(BIN)/python studio/tools/blind.py draw $(ARGS)

lock: ## write requirements/*.txt anew from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-package heliograph --no-emit-package heliograph-client --no-emit-package heliograph-studio -o requirements/service.txt requirements/service.in pyproject.toml client/pyproject.toml studio/pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -c requirements/service.txt -o requirements/otel.txt requirements/otel.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -c requirements/service.txt -o requirements/test.txt requirements/test.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --override requirements/no-torch.txt -c requirements/service.txt -c requirements/test.txt -o requirements/diffusers.txt requirements/diffusers.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -c requirements/service.txt -c requirements/test.txt -o requirements/ray.txt requirements/ray.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements/deploy.txt requirements/deploy.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements/audit.txt requirements/audit.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements/peers.txt requirements/peers.in
	for release in 1 2; do uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements/dashscope-$$release.txt requirements/dashscope-$$release.in; done
