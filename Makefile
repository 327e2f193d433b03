PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DEMO := demo
DEMO_SAMPLES ?= 4000
DEMO_SHARDS ?= 8

.PHONY: help setup demo test lint format browser clean

help: ## say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

setup: $(READY) ## make .venv with the tested versions

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fairshard needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --upgrade pip
	$(BIN)/pip install -qq --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

demo: $(READY) ## draw a corpus with planted bias, rebalance it, show what came out
	@$(BIN)/fairshard corpus $(DEMO) --samples $(DEMO_SAMPLES) --shards $(DEMO_SHARDS) --seed 0
	@$(BIN)/fairshard rebalance $(DEMO)/config.yaml

test: $(READY) browser ## run all tests
	$(BIN)/python -m pytest

lint: $(READY) ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

browser: ## Chromium, which the report's tests open
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	|| { echo "the report's tests need Chromium: install the package chromium, then run make test again" >&2; exit 1; }

clean: ## remove what make made
	rm -rf .venv $(DEMO) build *.egg-info
