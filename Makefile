# two cores and 4 GB are enough; nothing here needs an account or a key
PYTHON ?= python3
PERSONA_HOME ?= $(CURDIR)/var
export PERSONA_HOME
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
UV := $(shell command -v uv 2>/dev/null)
INSTALL := $(if $(UV),$(UV) pip install --python $(BIN)/python,$(PIP) install)
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
SAMPLE := $(PERSONA_HOME)/sample/sources.yml

.PHONY: help setup browser spark demo nightly test test-heavy bench accuracy chaos duckdb2 sbom lint format lock airflow up down clean
.DEFAULT_GOAL := help

help: ## what there is to do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16

setup: .venv/ready ## make .venv with everything in it (once)

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "Python 3.11, 3.12 or 3.13 is needed: make setup PYTHON=python3.11"; exit 2; }
	@echo "setting up .venv: about 250 packages, one to three minutes, once"
	@$(PYTHON) -m venv .venv || { echo "venv failed; on Debian and Ubuntu: apt install python3-venv"; exit 2; }
	@$(INSTALL) --no-deps --require-hashes -r requirements.txt \
		|| { echo "installing failed: is the package index reachable (pip config list)? then run make setup again"; exit 3; }
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

demo: setup $(SAMPLE) ## write the sample world and run its night through Airflow
	@$(BIN)/persona nightly --sources $(SAMPLE) --date 2026-10-31

$(SAMPLE): | setup
	@$(BIN)/persona simulate --out $(dir $@)

nightly: setup ## run the night of yesterday on sources.yml
	@$(BIN)/persona nightly

browser: ## Chromium for the tests of the report, where apt may install it; without it they are skipped and say so
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; } \
		|| echo "no Chromium, and apt may not install it: the tests of the report in a browser will be skipped"

spark: .venv/spark ## what the models need to run on Spark (docs/how-to/run-on-spark.md)
	@command -v java >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq openjdk-17-jre-headless >/dev/null; } \
		|| echo "no Java, and apt may not install it: the models run on DuckDB only"

.venv/spark: requirements-spark.txt .venv/ready
	@$(INSTALL) --no-deps --require-hashes -r requirements-spark.txt
	@touch $@

test: setup browser ## the tests, under ten minutes
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not heavy"

test-heavy: setup spark ## the scheduler, backfills, kills by the dozen, whole nights, also through APIs: under 45 minutes
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m heavy

bench: setup ## how fast it is beside the bare engine (SCALE=10m for more)
	@$(BIN)/python -m bench --scale $(or $(SCALE),1m)

accuracy: setup ## how right it is, on sample worlds that no test knows; writes docs/accuracy.md
	@$(BIN)/python -m accuracy

chaos: setup ## faults brought about on purpose, about fifteen minutes; writes docs/reliability.md
	@$(BIN)/python -m tests.chaos

duckdb2: setup browser ## the tests on DuckDB 2.0, in an environment beside .venv: what would fail after a change of the engine
	@$(BIN)/python -m venv --clear --without-pip .venv-duckdb2
	@ls -d $(CURDIR)/.venv/lib/python3.*/site-packages > $$(ls -d .venv-duckdb2/lib/python3.*/site-packages)/beside.pth
	@$(PIP) --python .venv-duckdb2/bin/python install --quiet --no-deps 'duckdb>=2,<3'
	@$(PIP) --python .venv-duckdb2/bin/python install --quiet --no-deps --no-build-isolation -e .
	@.venv-duckdb2/bin/python -m pytest -n 2 --dist loadfile -m "not heavy" || echo "what is named above fails on DuckDB 2.0"

sbom: setup ## what it is made of, as CycloneDX (sbom.cdx.json), and what is known against it where the network allows
	@$(BIN)/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-reproducible --of JSON -o sbom.cdx.json
	@$(BIN)/pip-audit --requirement requirements.txt --require-hashes --disable-pip \
		|| echo "no verdict of pip-audit: findings are above, or its service was not reached"

lint: setup ## style, types, floors, SQL
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/sqlfluff lint dbt_project/models dbt_project/tests

format: setup ## put Python and SQL in form
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; $(BIN)/sqlfluff fix dbt_project/models dbt_project/tests

lock: ## compile requirements.txt, and what Spark and the executors of many machines need beyond it, from requirements*.in (needs uv)
	@$(COMPILE) requirements.in -o requirements.txt
	@for one in spark celery kubernetes; do \
		$(COMPILE) --no-annotate -c requirements.txt $$(sed -n 's/^\([a-z0-9._-]*\)==.*/--no-emit-package \1/p' requirements.txt) \
			requirements-$$one.in | sed '/^# The following/,$$d' > requirements-$$one.txt; done

airflow: setup ## Airflow's own scheduler and pages, on http://localhost:8080
	@$(BIN)/persona airflow standalone

up: ## the containers of docker-compose.yml (SOURCES_DIR: the folder with sources.yml); makes the secrets that are missing
	@$(PYTHON) deploy/make_secrets.py
	@docker compose up --build --detach

down: ## stop the containers; the volume with the data stays
	@docker compose down

clean: ## remove .venv (what the nights wrote stays)
	@rm -rf .venv .venv-duckdb2 build *.egg-info .pytest_cache .mypy_cache .ruff_cache
