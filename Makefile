# Everything a newcomer types. Needs Python >= 3.11 and make; no root, nothing installed outside this folder.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps
SELF   := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .

HOST    ?= 127.0.0.1
PORT    ?= 8080
WORKERS ?= 1

# Recorded outcomes to evaluate the router on: here, or beside this folder.
DATA ?= $(firstword $(wildcard data/routing/outcomes.jsonl.gz ../*/data/routing/outcomes.jsonl.gz))
SEED ?= 0

# Where this is set, every gateway that a test starts compiles itself anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run install test lint check format soak bench eval-routing eval-forecast eval-recommendations conformance lock schema docs clean

help:
	@echo "make run          set up and serve plugins.yaml on http://$(HOST):$(PORT)"
	@echo "make test         set up, check and test everything"
	@echo "make check        format, lint, types, architecture, generated files"
	@echo "make bench        gateway, bare floor and peers side by side"
	@echo "make eval-routing what the router is worth, on recorded outcomes (DATA=...)"
	@echo "make eval-forecast whether forecasts hold what they say, and anomalies are noticed"
	@echo "make eval-recommendations  what recommendations find in made-up traffic"
	@echo "make conformance  around LiteLLM's real proxy"
	@echo "make soak         the long forms of the long tests"
	@echo "make install      the set-up alone, into $(VENV)"

run: install
	$(BIN)/cognitude serve --config plugins.yaml --host $(HOST) --port $(PORT) --workers $(WORKERS)

install: $(VENV)/run.installed

# All of `check`, whose tests are among the tests. Three at once keep two processors busy: a third of a journey is waiting.
test: $(VENV)/dev.installed $(VENV)/openai3.installed lint
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/dev.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint
	$(BIN)/python -m pytest --quiet tests/test_architecture.py tests/test_supply_chain.py tests/test_docs.py tests/gateway/test_schema.py

format: $(VENV)/dev.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

soak: $(VENV)/dev.installed
	COGNITUDE_SOAK=1 $(BIN)/python -m pytest -m soak

bench: $(VENV)/dev.installed
	$(BIN)/python -m tests.bench $(BENCH)

# JSON=file writes every figure there too, WRITE=1 ships the weights, SHIPPED=1 scores with those that are shipped.
eval-routing: $(VENV)/dev.installed
	$(BIN)/python -m tests.eval.routing $(DATA) --seed $(SEED) $(if $(JSON),--json $(JSON)) $(if $(WRITE),--write) $(if $(SHIPPED),--shipped)

# The same, and WRITE=1 makes the table of errors that is shipped before it is tested.
eval-forecast: $(VENV)/dev.installed
	$(BIN)/python -m tests.eval.forecast --seed $(SEED) $(if $(JSON),--json $(JSON)) $(if $(WRITE),--write)

# WRITE=1 puts the table into docs/recommendations.md.
eval-recommendations: $(VENV)/dev.installed
	$(BIN)/python -m tests.eval.recommendations --seed $(SEED) $(if $(WRITE),--write)

conformance: $(VENV)/peers.installed
	$(VENV)/peers/bin/python -m pytest tests/conformance

# The environments. A lock file that changed is installed again; a stamp is touched only when everything is there.

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.installed: requirements/run.lock pyproject.toml | $(BIN)/python
	@echo "Installing the gateway's dependencies (about half a minute) ..."
	$(PIP) --requirement requirements/run.lock
	$(SELF)
	@touch $@

$(VENV)/dev.installed: requirements/dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing everything for tests (about a minute) ..."
	$(PIP) --requirement requirements/dev.lock
	$(SELF)
	@touch $@ $(VENV)/run.installed

$(VENV)/openai3.installed: requirements/openai3.lock | $(BIN)/python
	@echo "Installing the other major version of the openai client ..."
	$(PIP) --target $(VENV)/openai3 --upgrade --requirement requirements/openai3.lock
	@touch $@

$(VENV)/peers.installed: requirements/peers.lock pyproject.toml | $(BIN)/python
	@echo "Installing the peers (LiteLLM's proxy and others; some minutes) ..."
	$(PYTHON) -m venv $(VENV)/peers
	$(VENV)/peers/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps --requirement requirements/peers.lock
	$(VENV)/peers/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
	@touch $@

# Locks: every dependency with the hashes of its files, for every platform.

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock: $(VENV)/dev.installed
	$(LOCK) pyproject.toml --extra build --output-file requirements/run.lock
	$(LOCK) pyproject.toml --extra build --extra dev --output-file requirements/dev.lock
	$(LOCK) pyproject.toml --extra build --extra dev --extra peers --output-file requirements/peers.lock
	echo 'openai>=3,<4' | $(LOCK) - --output-file requirements/openai3.lock

# Files that are made from others and committed; tests fail when they are stale.

docs schema: $(VENV)/dev.installed
	$(BIN)/python -m tests.generated

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .cognitude dist
