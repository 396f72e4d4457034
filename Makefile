# Two commands matter: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.synced
DAYS ?= 90
SCALE ?= 1
SEED ?= 7
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder
export PYTHONPATH := $(CURDIR)
export PYTHONWARNINGS := ignore
# Airflow and Great Expectations take seconds to compile: once is enough
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run up down env test suite coverage check style types fmt clean distclean simulate medallion retrain models upkeep status quarantine doctor catalog chaos fuzz proof proof-models bench bench-peers lock dashboard screenshots bench-dashboard axe

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## Create the environment from requirements.lock

$(STAMP): requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed. Debian or Ubuntu: sudo apt-get install python3 python3-venv"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { echo "Debian and Ubuntu keep venv apart: sudo apt-get install python3-venv"; exit 1; }
	@echo "Installing $$(grep -c == requirements.lock) packages, hashes checked (first time: a minute or two) ..."
	@sed -n '/^uv==/,/^[^ ]*==/{/^uv==/p;/^ /p}' requirements.lock > $(VENV)/uv.lock.txt
	@$(PY) -m pip install -q --no-deps --require-hashes -r $(VENV)/uv.lock.txt 2>&1 | grep -v '^WARNING: Location' || true
	@$(VENV)/bin/uv pip sync -q --python $(PY) --require-hashes requirements.lock \
		|| { echo "uv could not reach the packages; trying pip with its own configuration"; $(PY) -m pip install -q --require-hashes -r requirements.lock; }
	@touch $@

run: setup ## Simulate $(DAYS) days, run the DAGs over them, print what happened
	@$(PY) -m dags 'simulate={"days": $(DAYS), "scale": $(SCALE), "seed": $(SEED)}' medallion retrain medallion

up: setup ## Start the real Airflow on localhost: API server, scheduler, DAG processor
	@$(PY) -m dags.server up

down: setup ## Stop it
	@$(PY) -m dags.server down

env: ## Write .env for docker compose, with random secrets
	@python3 docker/env.py

simulate: setup ## One more simulated day (up to yesterday)
	@$(PY) -m dags simulate

medallion: setup ## Build what is stale, through the DAG
	@$(PY) -m dags medallion

retrain: setup ## Train the models, promote what wins; the next medallion run uses it
	@$(PY) -m dags retrain

models: setup ## Every version of every model, and which one serves
	@$(PY) -m models versions

upkeep: setup ## Compact, remove leftovers and old versions
	@$(PY) -m dags upkeep

status: setup ## Tables: version, rows, newest day, last verdict
	@$(PY) -m pipelines status

quarantine: setup ## Rows kept out, by reason
	@$(PY) -m pipelines quarantine

doctor: setup ## Check this machine and the settings
	@$(PY) -m pipelines doctor

catalog: setup ## Write data_catalog.md from the declarations
	@$(PY) -m pipelines catalog

dashboard: setup ## Serve the dashboard on http://127.0.0.1:8501
	@$(PY) -m streamlit run dashboards/app.py

screenshots: setup ## Pictures of all pages at two widths, in artifacts/screenshots (needs chromium)
	@$(PY) -m tests.dashboards.screenshots

bench-dashboard: setup ## First screen of each page on the lake as it is, and with 365 days of 2 000 assets (needs chromium)
	@$(PY) -m tests.dashboards.bench

axe: ## Fetch axe-core, which the accessibility test runs in the browser (from npm, once)
	@test -f .state/axe/package/axe.min.js || { mkdir -p .state/axe && cd .state/axe && npm pack --silent axe-core@4.14.1 >/dev/null && tar xzf axe-core-4.14.1.tgz; } \
		|| echo "no axe-core: the accessibility test will be skipped"

test: setup style axe ## Everything that must hold: style, imports, types, tests
	@$(MAKE) -s -j2 types suite

suite: setup
	@$(PY) -m pytest $(WORKERS)

coverage: setup axe ## The same tests, lines counted: a tenth slower; fails under 90 %
	@$(PY) -m pytest $(WORKERS) --cov --cov-report=term:skip-covered --cov-fail-under=90

check: style types ## Style, import directions, catalog up to date, types

style: setup
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/lint-imports
	@$(PY) -m pipelines catalog --check

types: setup
	@$(VENV)/bin/mypy

fmt: setup ## Format and mend what ruff can mend
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

chaos: setup ## Kill runs over all domains at 50 random moments and at every named point; compare with an undisturbed run
	@$(PY) -m pytest tests/chaos -m chaos --no-cov -s

fuzz: setup ## Write random mappings for an hour (SECONDS=3600): each is refused in one line, or runs on both engines
	@LAKE_FUZZ_SECONDS=$(or $(SECONDS),3600) $(PY) -m pytest tests/lake/test_mapping_fuzz.py -n0 --no-cov -s --timeout 0

bench: setup ## What the lake costs here, into docs/bench.json (hours in full; BENCH="--millions 1 --history" for less)
	@$(PY) -m tests.bench $(BENCH)

bench-peers: setup ## Refrigeration and fleet against hand-written DuckDB and PySpark, equal cell by cell, into docs/bench.json (PEERS="--days 5 --scale 0.2" for less)
	@$(PY) -m tests.bench.peers $(PEERS)

lock: $(STAMP) ## Resolve the dependencies anew into requirements.lock
	@$(VENV)/bin/uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --custom-compile-command "make lock" -o requirements.lock

proof: setup ## Rebuild equals incremental over 30 days, and one engine the other over two runs (half an hour)
	@LAKE_PROOF_DAYS=30 $(PY) -m pytest tests/pipelines/test_laws.py tests/engines/test_two_engines.py -n0 --no-cov -s --timeout 3600

proof-models: setup ## Models against naive rule and oracle on a lake with a simulated year: YEAR_LAKE=<its root>
	@$(PY) -m pytest tests/models/test_year.py -n0 --no-cov -s

clean: ## Remove lake data, reports, Airflow's database and caches; the environment stays
	rm -rf lake/landing lake/bronze lake/silver lake/gold lake/_truth .models .airflow .state artifacts .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* .import_linter_cache spark-warehouse
	find quality/reports -mindepth 1 -delete 2>/dev/null || true

distclean: clean ## Remove the environment too
	rm -rf $(VENV)
