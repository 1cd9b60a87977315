# Needs make, Python >= 3.11 and a package registry. Everything else is installed into .venv: runtime packages from
# requirements.lock, and packages for tests and checks from requirements-dev.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
UV = $$(command -v uv || echo $(BIN)/uv)
COMPILE = pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet
export UV_NO_CONFIG ?= 1
export DAGSTER_DISABLE_TELEMETRY ?= 1

.PHONY: run test faults check ui bench night lock docs sample clean help

help: ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "drugflow needs Python 3.11 or newer: make run PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v uv >/dev/null 2>&1 || test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@$(UV) pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements.lock
	@$(UV) pip install --quiet --no-deps --editable . --python $(BIN)/python
	@$(BIN)/python -m pipelines.dbt.manifest
	@touch $(STAMP)

$(DEV): $(STAMP) requirements-dev.lock
	@$(UV) pip install --quiet --require-hashes --compile-bytecode --python $(BIN)/python -r requirements-dev.lock
	@touch $(DEV)

run: $(STAMP) ## Build everything from the embedded sample
	@$(BIN)/drugflow refresh

test: $(DEV) ## Run the tests
	@$(BIN)/python -m pytest -n 2

faults: $(DEV) ## Break the pipeline on purpose for at most half an hour; write the table in docs/operations.md
	@$(BIN)/python -m pytest -n 2 -m long tests/faults --junitxml .faults.xml; code=$$?; \
	  $(BIN)/python -m tests.faults.table .faults.xml docs/operations.md && rm .faults.xml; exit $$code

check: $(DEV) ## Check style, types, SQL style, dbt parsing and import arrows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pipelines.dbt.manifest
	@cd dbt_project && ../$(BIN)/sqlfluff lint --disable-progress-bar --nocolor models tests macros
	@$(BIN)/python -m pytest -q tests/unit/test_import_arrows.py

ui: $(STAMP) ## Start the Dagster UI on http://127.0.0.1:3000
	@$(BIN)/drugflow ui

bench: $(DEV) ## Measure against a bare DuckDB script
	@$(BIN)/python -m benchmarks

night: $(DEV) ## Rehearse fourteen nights against agencies on loopback (needs the real files)
	@$(BIN)/python -m rehearsals

lock: ## Compile both locks for all platforms, without registry addresses
	@$(UV) $(COMPILE) --output-file requirements.lock
	@$(UV) $(COMPILE) --group dev --constraints requirements.lock --output-file requirements-dev.lock

docs: $(STAMP) ## Write every generated file again: dbt's properties, pages, tables of the READMEs, the asset graph
	@$(BIN)/python -m pipelines.generate

sample: $(STAMP) ## Generate the embedded sample again
	@$(BIN)/python -m pipelines.ingest.sample_generator

clean: ## Remove everything derived (never the archive)
	@rm -rf data_marts/clean data_marts/quality data_marts/history data_marts/build data_marts/ingest dbt_project/target
