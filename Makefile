# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check -q install -c constraints.txt
DEMO := build/demo

.PHONY: demo test validate bench docs lint clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

$(VENV)/.test: $(VENV)/.base
	$(PIP) -e ".[test]"
	touch $@

$(VENV)/.dev: $(VENV)/.test
	$(PIP) -e ".[dev]"
	touch $@

demo: $(VENV)/.base  ## assess the bundled spam filter and say where the report is
	rm -rf $(DEMO)
	$(BIN)/goalkeeper init --example spam-filter $(DEMO)
	GOALKEEPER_STORE=$(DEMO)/store $(BIN)/goalkeeper run $(DEMO)/application.yaml -o $(DEMO)/run --fail-on never || test $$? -eq 5
	@echo
	@echo "Read the report: $(CURDIR)/$(DEMO)/run/report.html"

test: $(VENV)/.test  ## the whole test suite
	$(BIN)/pytest -n auto

validate: $(VENV)/.test  ## slow statistical validations
	$(BIN)/pytest -m validation

bench: $(VENV)/.test  ## figures, side by side with peers
	$(BIN)/python -m benchmarks

docs: $(VENV)/.dev  ## generate the reference pages, and build the documentation into site/
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build --strict

lint: $(VENV)/.dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf build site docs/reference docs/requirements.md $(VENV)
