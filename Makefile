PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

repro: $(VENV)/locked ## create .venv, install the locked dependencies, run `dvc repro`
	dvc repro

test: $(VENV)/locked-test ## the same environment plus the test tools, run pytest (ARGS="-k name" picks)
	python -m pytest $(ARGS)

lint: $(VENV)/locked-test ## check style and format with ruff
	ruff check .
	ruff format --check .

lock: $(VENV)/bin/python ## resolve pyproject.toml anew into the two lock files
	python -m pip install --quiet uv
	uv pip compile --quiet --universal --upgrade --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		--extra test -c requirements.lock pyproject.toml -o requirements-test.lock

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# The stamp is newer than the lock only after an install that succeeded.
$(VENV)/locked: requirements.lock | $(VENV)/bin/python
	python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

$(VENV)/locked-test: requirements-test.lock $(VENV)/locked
	python -m pip install --quiet --disable-pip-version-check -r requirements-test.lock
	@touch $@

.PHONY: help repro test lint lock
