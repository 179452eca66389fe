# demo and test need Python 3.11, make and a package index; everything else they install themselves.
PYTHON ?= python3.11
VENV ?= .venv
BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test coverage lint bench docs clean

demo: $(VENV)/installed
	$(BIN)/mpn annotate examples -o demo-out --overlay --no-resume
	@echo "Look at demo-out/overlays/"

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n 2

coverage: $(VENV)/installed-dev
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

docs: $(VENV)/installed-docs
	$(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html"

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed-dev
	$(BIN)/python benchmarks/bench_engine.py --json benchmarks/results/engine.json

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e .
	touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e '.[dev]'
	touch $@

$(VENV)/installed-docs: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) demo-out mpn-out site .coverage .coverage.*
