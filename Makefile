# The only way that checks, tests and builds are run: here, in the pre-commit hook and in CI.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest
MOST := not slow and not gpu and not compiled and not browser and not pages
FAST := -n 2 --dist worksteal -m "$(MOST)"

.DEFAULT_GOAL := help
.PHONY: help install format lint quick test coverage test-all parity launchers browser pages compiled bench study demo wheel clean
.DELETE_ON_ERROR:

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1  /p' Makefile | awk '{name = $$1; $$1 = ""; printf "  make %-9s%s\n", name, $$0}'

install: $(STAMP)  ## make .venv and install everything in it

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@command -v $(PYTHON) > /dev/null || { echo "there is no $(PYTHON) here; name another: make PYTHON=/path/to/python3 install" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "attn needs Python 3.10 or newer, this is $$($(PYTHON) --version 2>&1); name another: make PYTHON=python3.12 install" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { echo "this Python lacks the venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

format: install  ## put all code in its one form
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lint: install  ## check form, names, types, and who may import whom
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

quick: install  ## run the fast tests, in less than a minute
	$(PYTEST) -q -n 2 --dist worksteal -m "$(MOST) and not long"

test: install  ## run all tests but the slow ones
	$(PYTEST) $(FAST)

coverage: install  ## the same, counting the lines that are run: half as long again
	$(PYTEST) $(FAST) --cov --cov-report=term-missing:skip-covered

test-all: install  ## run every test
	$(PYTEST) --timeout=3600

parity: install  ## compare with outside packages, installed into .venv without what they need
	$(BIN)/python -m pip install --quiet --no-deps -r tests/parity.txt
	$(PYTEST) -q -m parity

pages: install  ## run every command and every block of Python of docs/
	$(PYTEST) -q -n 2 -m pages

compiled: install  ## compile every attention, and train a compiled model
	$(PYTEST) -q -n 2 -m "compiled and not slow"

launchers: install  ## run sweeps by joblib, submitit, Ray and Optuna, which it installs
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,joblib,submitit,optuna]' ray
	$(BIN)/python -m pip install --quiet -c constraints.txt --no-deps hydra-ray-launcher
	$(PYTEST) -q -m launchers

browser: install  ## open the pages in Chromium, which must be there (Debian: apt install chromium)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,browser]'
	$(PYTEST) -q -m browser

bench: install  ## measure training speed beside a plain loop
	$(BIN)/python experiments/speed/bench.py

study: install  ## repeat a study: make study STUDY=why_attention
	@test -f "experiments/$(STUDY)/study.sh" || { echo "STUDY=$(STUDY): no study; choose one of $$(ls -d experiments/*/study.sh | cut -d/ -f2 | xargs)" >&2; exit 2; }
	@bash experiments/$(STUDY)/study.sh $(ARGUMENTS)

demo: install  ## train, evaluate and look at a small model, offline, in minutes
	$(BIN)/attn train experiment=demo study=make-demo
	$(BIN)/attn evaluate run=outputs/make-demo split=test samples=10

wheel: install  ## build what can be installed elsewhere, into dist/
	rm -rf build dist
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m build --outdir dist .

clean:  ## remove what was built, but neither .venv nor runs
	rm -rf build dist *.egg-info .coverage* htmlcov .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -exec rm -rf {} +
