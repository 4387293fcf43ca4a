# Everything runs in .venv, which is set up once and again when pyproject.toml changes.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test lint types soak bench clean

setup: $(READY)

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

demo: setup
	$(BIN)/clear-kb demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

test: lint types
	$(BIN)/pytest -n 2

soak: setup
	$(BIN)/pytest -n 2 -m "soak or not soak"

bench: setup
	$(BIN)/python -m bench

clean:
	rm -rf demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache
