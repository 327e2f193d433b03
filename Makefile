PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
AIRFLOW := .airflow/.ready
INFRA := .venv/infra
LOADERS := .venv/loaders
DEMO := demo
SECONDS ?= 60
PROCESSES ?= 2
DEMO_SAMPLES ?= 4000
DEMO_SHARDS ?= 8

.PHONY: help setup demo test airflow-test infra-test loaders-test container-test spark-cluster-test fuzz lint docs format browser java clean

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 28

setup: $(READY) ## make .venv with the tested versions, and compile the solver's loops

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fairshard needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --upgrade pip
	$(BIN)/pip install -qq --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/fairshard warm
	@touch $(READY)

demo: $(READY) ## draw a corpus with planted bias, rebalance it, show what came out
	@$(BIN)/fairshard corpus $(DEMO) --samples $(DEMO_SAMPLES) --shards $(DEMO_SHARDS) --seed 0
	@$(BIN)/fairshard rebalance $(DEMO)/config.yaml

test: $(READY) browser java ## run all tests
	$(BIN)/python -m pytest --numprocesses $(PROCESSES)

spark-cluster-test: $(READY) java ## lose workers of a real Spark cluster on loopback in the middle of a job
	$(BIN)/python -m pytest -m cluster

$(AIRFLOW): infra/airflow/requirements.txt infra/airflow/constraints.txt
	$(PYTHON) -m venv .airflow
	.airflow/bin/pip install -qq --upgrade pip
	.airflow/bin/pip install -qq --constraint infra/airflow/constraints.txt --requirement infra/airflow/requirements.txt
	@touch $(AIRFLOW)

airflow-test: $(READY) $(AIRFLOW) java ## run the DAGs in a real Airflow, in an environment of its own
	$(BIN)/python -m pytest -m airflow

$(INFRA)/.ready: $(READY)
	$(BIN)/python -m venv $(INFRA)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(INFRA)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/fairshard-venv.pth"
	$(INFRA)/bin/pip install -qq --constraint constraints.txt --editable '.[infra]'
	@touch $@

infra-test: $(INFRA)/.ready java ## check what is in infra/ with the tools of the platforms that read it
	$(INFRA)/bin/python -m pytest tests/platforms

$(LOADERS)/.ready: $(READY) tests/loaders/requirements.txt
	$(BIN)/python -m venv $(LOADERS)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(LOADERS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/fairshard-venv.pth"
	$(LOADERS)/bin/pip install -qq --requirement tests/loaders/requirements.txt
	@touch $@

loaders-test: $(LOADERS)/.ready ## load an output with other loaders, those that do not fit together in an environment of their own
	$(BIN)/python -m pytest -m loaders $(addprefix tests/loaders/test_,webdataset.py open_clip.py datasets.py)
	$(LOADERS)/bin/python -m pytest -m loaders $(addprefix tests/loaders/test_,webdataset.py daft.py energon.py)
	$(LOADERS)/bin/python -m pytest tests/fairshard/loaders

container-test: ## build and run the GPU image in clean Debian trees (Debian, root, buildah, mmdebstrap)
	infra/docker/container_test.sh

fuzz: $(READY) ## change bytes of every kind of input for SECONDS each, guided by coverage
	$(BIN)/pip install -qq --constraint constraints.txt --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzzing --seconds $(SECONDS)

lint: $(READY) ## ruff, mypy --strict and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY) ## bring up to date what the documentation takes from the code
	$(BIN)/python -m docs.rooms
	$(BIN)/python -m docs.registered
	$(BIN)/python -m docs.exporters

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
	rm -rf .venv .airflow $(DEMO) build *.egg-info
