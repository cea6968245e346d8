# `make run` and `make test` set everything up themselves; they need Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SITE := run
SIZE ?= default
BENCH ?=
TRACK ?= $(shell cat sample_feeds/track.txt 2>/dev/null)

.PHONY: help run test torture check bench verify docs clean

help: ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(VENV)/made: pyproject.toml requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one with make PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/made-dev: $(VENV)/made requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(VENV)/made ## apply the sample feeds to a new site in ./run and show what came of it
	@sh docs/first_run.sh $(BIN)/feedengine $(SITE)

test: $(VENV)/made-dev ## every test, in parts beside each other
	@$(BIN)/python tests/parts.py

torture: $(VENV)/made-dev ## every kill, fault and power cut there is; takes about an hour, and root for some
	TORTURE=1 $(BIN)/python -m pytest -p no:randomly --durations=0 tests/faults

check: $(VENV)/made-dev ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/made-dev ## how fast it is, on this machine, beside the floor and others: SIZE=small, default or large
	$(BIN)/python tests/bench --size $(SIZE) $(BENCH)

verify: $(VENV)/made-dev ## fail when something generated has drifted from the declarations
	$(BIN)/python -m feedengine.declarations --check
	$(BIN)/python -m feedengine.schemas --check
	$(BIN)/python docs/generate.py --check
	$(BIN)/python -m pytest -q tests/store/test_migrations.py

docs: $(VENV)/made-dev ## write schemas and reference pages anew from the declarations
	$(BIN)/python -m feedengine.declarations
	$(BIN)/python -m feedengine.schemas
	$(BIN)/python docs/generate.py

clean: ## remove what make has made
	rm -rf $(VENV) $(SITE) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
