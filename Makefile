# Everything runs in .venv, which is set up once and again when pyproject.toml changes.
# PYTHON=... chooses another than the first one here that fits.
FITS := import sys; sys.exit(sys.version_info < (3, 11))
NAMES := python3.11 python3.12 python3.13 python3.14 python3 python
PYTHON ?= $(firstword $(foreach name,$(NAMES),$(shell $(name) -c '$(FITS)' 2>/dev/null && echo $(name))))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# scispaCy asks for numpy 1 and works with 2, so it comes without what it asks for: of that, these two are not here.
SCISPACY := $(shell sed -n 's/.*"\(scispacy==[^"]*\)".*/\1/p' pyproject.toml) nmslib-metabrainz==2.1.3 pysbd

# torchvision fits one build of torch alone, and one that does not fit breaks transformers: it lies aside with what needs
# it, for the tests that ask for it (tests/support/other_libraries.py).
BACKBONES := timm==1.0.31 open_clip_torch==3.3.0 torchvision==0.28.0 ftfy wcwidth

.PHONY: setup demo test lint types soak bench bench-compare release clean

setup: $(READY)

$(READY): pyproject.toml Makefile
	@test -x $(BIN)/python || { test -n '$(PYTHON)' && $(PYTHON) -c '$(FITS)'; } || \
		{ echo "clear-kb needs Python 3.11 or later, and $(if $(PYTHON),'$(PYTHON)' is not one,there is none on the PATH): make PYTHON=/path/to/one"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --no-warn-conflicts -e ".[dev]"
	@$(PIP) --no-deps $(SCISPACY) || echo "scispaCy cannot be had here: its tests are skipped, and all else works without it"
	@$(PIP) --no-deps --upgrade --target $(VENV)/backbones $(BACKBONES) || \
		echo "timm and open_clip cannot be had here: their tests are skipped, and all else works without them"
	touch $@

demo: setup
	$(BIN)/clear-kb demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

# One thread a worker: two that spin on two cores take longer than their share.
# Neighbours stay with one worker until the other has nothing left: what they stand on is made once.
test: lint types
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

soak: setup
	CLEAR_KB_SOAK=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m "soak or not soak"

bench: setup
	$(BIN)/python -m bench

# What became slower since a revision: make bench-compare REV=v1 [NAMES="startup mining"]
bench-compare: setup
	$(BIN)/python -m bench.compare $(REV) $(NAMES)

release: setup
	rm -rf dist
	$(BIN)/python -m build

clean:
	rm -rf demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache site

.PHONY: docs docs-check

# The generated reference, then the site in site/; a broken link fails.
docs: setup
	$(BIN)/python -m docs.generate
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "open site/index.html"

docs-check: setup
	$(BIN)/pytest -q tests/docs
