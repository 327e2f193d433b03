PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DEMO := demo
DEMO_SAMPLES ?= 4000
DEMO_SHARDS ?= 8

.PHONY: help setup demo test spark-cluster-test lint format browser java clean

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 28

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

test: $(READY) browser java ## run all tests
	$(BIN)/python -m pytest

spark-cluster-test: $(READY) java ## lose workers of a real Spark cluster on loopback in the middle of a job
	$(BIN)/python -m pytest -m cluster

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

java: ## Java, which Spark's tests run on
	@command -v java >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless >/dev/null; } \
	|| { echo "Spark's tests need Java 17 or newer: install it (Debian: openjdk-17-jre-headless), then run make test again" >&2; exit 1; }

clean: ## remove what make made
	rm -rf .venv $(DEMO) build *.egg-info
