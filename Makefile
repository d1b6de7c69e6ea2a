# `make run` and `make test` do all the set-up themselves.
PYTHON := .venv/bin/python
SLOW_MARKS := slow
# One process of tests per core, four at most: each needs about 1.5 GB.
TEST_PROCESSES := -n auto --maxprocesses=4 --dist=worksteal

.PHONY: run test test-slow lint bench screenshots quickstart lock setup setup-dev

run: setup
	@.venv/bin/emostudio

quickstart: setup
	@.venv/bin/emostudio quickstart --out out/quickstart

test: setup-dev lint
	@QT_QPA_PLATFORM=offscreen $(PYTHON) -m pytest -q $(TEST_PROCESSES)

test-slow: setup-dev
	@QT_QPA_PLATFORM=offscreen $(PYTHON) -m pytest -q -m "$(SLOW_MARKS)" --timeout=3600

lint: setup-dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports
	@.venv/bin/mypy

bench: setup-dev
	@$(PYTHON) benchmarks/run_all.py

screenshots: setup-dev
	@QT_QPA_PLATFORM=offscreen $(PYTHON) packaging/screenshots.py

lock: setup-dev
	@packaging/lock.sh

setup:
	@packaging/setup.sh run

setup-dev:
	@packaging/setup.sh dev
