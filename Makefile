# Kotally: everything a developer or CI does, by name. Needs bash, git and Python 3.11 or newer.
.DEFAULT_GOAL := help
SHELL := bash
BIN := .venv/bin
BOOTSTRAP := requirements-bootstrap.txt tools/setup.sh

.PHONY: help setup serve demo test check format bench lock clean

help:  ## List the targets
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/make \1\t\2/p' Makefile | expand -t 14

setup: .venv/.dev  ## Make .venv with everything, for running and developing

serve: .venv/.runtime  ## Run Kotally on 127.0.0.1:8000 with its own PostgreSQL
	@exec $(BIN)/kotally serve $(ARGS)

demo: .venv/.runtime  ## Fill a believable studio, then print where to look
	@exec $(BIN)/kotally demo $(ARGS)

test: .venv/.dev  ## Run all tests on two cores (ARGS=… for pytest)
	$(BIN)/pytest -n 2 $(ARGS)

check: .venv/.dev  ## Run every gate but the tests: format, lint, types, storeys, spelling, house
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/pytest tests/house

format: .venv/.dev  ## Format and apply the safe fixes
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/.dev  ## Measure against the targets and prove the books
	$(BIN)/python -m bench $(ARGS)

lock: .venv/.dev  ## Resolve the lock files again (EXCLUDE_NEWER=date for a cooldown)
	@bash tools/lock.sh

clean:  ## Remove what setup and the tools made; the data stays
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage* dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.dev: requirements-dev.txt $(BOOTSTRAP)
	@bash tools/setup.sh requirements-dev.txt
	@touch .venv/.runtime $@

.venv/.runtime: requirements.txt $(BOOTSTRAP)
	@bash tools/setup.sh requirements.txt
	@touch $@
