# `make` alone lists the commands. Every command sets up what it needs first.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
# Another index to take torch from, for example https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
# Another version of torch than constraints.txt has, 2.11.0 or later: make setup TORCH=2.11.0
TORCH ?=
# More arguments for the command underneath: make serve ARGS="--port 9000"
ARGS ?=
DOCKER ?= docker
IMAGE ?= longshot:latest

BIN := .venv/bin
READY := .venv/.ready

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## Make .venv and install everything in it

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || \
		{ echo "Longshot needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is not one: make setup PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "'$(PYTHON)' cannot make virtual environments: install its venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@sed '$(if $(TORCH),s/^torch==.*/torch==$(TORCH)/)' constraints.txt > .venv/constraints.txt
	$(BIN)/pip install --disable-pip-version-check -c .venv/constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -e '.[dev]'
	@touch $@

.PHONY: demo
demo: $(READY) ## Train on a real series, serve it, and plot its forecast beside the truth
	$(BIN)/python examples/demo.py $(ARGS)

.PHONY: serve
serve: $(READY) ## Start the service on http://127.0.0.1:8000
	$(BIN)/longshot serve $(ARGS)

.PHONY: test
test: $(READY) ## Run every test that this machine can run
	$(BIN)/python -m pytest -m "" -n auto --maxprocesses 4 --dist loadfile $(ARGS)

.PHONY: test-fast
test-fast: $(READY) ## Run only the fast tests
	$(BIN)/python -m pytest $(ARGS)

.PHONY: check
check: $(READY) ## Check format, lint, types, layers and generated documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

.PHONY: format
format: $(READY) ## Format the code, fix what can be fixed, rewrite generated documents
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python docs/generate.py

.PHONY: docs
docs: $(READY) ## Make the site of the documents: build/site/index.html
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/site

.PHONY: bench
bench: $(READY) ## Measure accuracy: make bench ARGS="--data DIR"
	$(BIN)/python -m benchmarks.accuracy $(ARGS)

.PHONY: paper
paper: $(READY) ## Repeat the paper's experiments: make paper ARGS="--quick --experiments spiral"
	$(BIN)/python -m benchmarks.paper $(ARGS)

.PHONY: image
image: ## Build the container image: make image TORCH_INDEX=... for CUDA
	$(DOCKER) build $(if $(TORCH_INDEX),--build-arg TORCH_INDEX=$(TORCH_INDEX)) -t $(IMAGE) .
