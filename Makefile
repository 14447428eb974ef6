# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check -q install -c constraints.txt
DEMO := build/demo
HARDENED := build/demo-hardened

TRIAL := build/dist

# Compiled once: otherwise every process that a test starts compiles all of goalkeeper again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-hardened test validate mutants bench docs lint dist clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

$(VENV)/.test: $(VENV)/.base
	$(PIP) -e ".[test]"
	touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt  # in one go, with what the others need
	$(PIP) -e ".[dev]"
	touch $(VENV)/.base $(VENV)/.test $@

demo: $(VENV)/.base  ## assess the bundled spam filter and say where the report is
	rm -rf $(DEMO)
	$(BIN)/goalkeeper init --example spam-filter $(DEMO)
	GOALKEEPER_STORE=$(DEMO)/store $(BIN)/goalkeeper run $(DEMO)/application.yaml -o $(DEMO)/run --fail-on never || test $$? -eq 5
	@echo
	@echo "Read the report: $(CURDIR)/$(DEMO)/run/report.html"
	@echo "See the same filter hardened, with goals that are met: make demo-hardened"

demo-hardened: $(VENV)/.base  ## assess the hardened spam filter and say where the report is
	rm -rf $(HARDENED)
	$(BIN)/goalkeeper init --example spam-filter --hardened $(HARDENED)
	GOALKEEPER_STORE=$(HARDENED)/store $(BIN)/goalkeeper run $(HARDENED)/application.yaml -o $(HARDENED)/run --fail-on never || test $$? -eq 5
	@echo
	@echo "Read the report: $(CURDIR)/$(HARDENED)/run/report.html"
	@echo "Beside it, after make demo: $(CURDIR)/$(DEMO)/run/report.html"

test: $(VENV)/.test  ## the whole test suite
	$(BIN)/pytest -n auto --dist worksteal

validate: $(VENV)/.test dist  ## slow validations, the table in docs/validation.md, and the release recipe
	$(BIN)/pytest -m validation --timeout 3600
	$(BIN)/python -m tests.validation --write --jobs 2

mutants: $(VENV)/.test  ## break goalkeeper in one line at a time, and see whether the tests notice
	$(BIN)/python -m tests.mutation

bench: $(VENV)/.test  ## figures, side by side with peers
	$(BIN)/python -m benchmarks

docs: $(VENV)/.dev  ## generate the reference pages, and build the documentation into site/
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build --strict

lint: $(VENV)/.dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dist: $(VENV)/.dev  ## build sdist and wheel into dist/, and try the wheel in a fresh environment
	rm -rf dist $(TRIAL)
	$(BIN)/python -m build --outdir dist
	$(PYTHON) -m venv $(TRIAL)
	$(TRIAL)/bin/pip --disable-pip-version-check -q install -c constraints.txt dist/*.whl
	cd $(TRIAL) && PYTHONPATH= bin/goalkeeper --version
	cd $(TRIAL) && PYTHONPATH= bin/goalkeeper init --example spam-filter filter
	cd $(TRIAL) && PYTHONPATH= bin/goalkeeper check filter/application.yaml

clean:
	rm -rf build dist site docs/reference docs/requirements.md $(VENV)
