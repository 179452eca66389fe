# demo and test need Python 3.11, make and a package index; everything else they install themselves.
PYTHON ?= python3.11
VENV ?= .venv
BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
TORCH = -r constraints/torch.txt
LOCK = UV_CUSTOM_COMPILE_COMMAND='make constraints' $(BIN)/uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	-c constraints/torch.txt --no-emit-package torch --excludes constraints/cuda.txt $(UPGRADE) \
	pyproject.toml

.PHONY: demo test coverage lint bench docs constraints clean

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

docs: $(VENV)/installed-dev
	$(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html"

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry --no-ansi mpn_cli models nms_backends

bench: $(VENV)/installed-dev
	$(BIN)/python benchmarks/bench_engine.py --json benchmarks/results/engine.json

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints/users.txt constraints/torch.txt | $(VENV)/bin/python
	$(INSTALL) -r constraints/users.txt
	$(INSTALL) $(TORCH)
	$(INSTALL) --no-deps -e .
	touch $@

$(VENV)/installed-dev: pyproject.toml constraints/dev.txt constraints/torch.txt | $(VENV)/bin/python
	$(INSTALL) -r constraints/dev.txt
	$(INSTALL) $(TORCH)
	$(INSTALL) --no-deps -e .
	touch $@ $(VENV)/installed

# Keeps the versions that are there and adds what pyproject.toml asks for since;
# UPGRADE=--upgrade takes the newest ones.
constraints: $(BIN)/uv
	$(LOCK) -o constraints/users.txt
	$(LOCK) --extra dev --extra docs -o constraints/dev.txt

$(BIN)/uv: | $(VENV)/bin/python
	$(INSTALL) uv==0.13.9

clean:
	rm -rf $(VENV) demo-out mpn-out site .coverage .coverage.*
