# Two commands are enough: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
# On Linux the registry's plain torch wheel is the CUDA build (several GB). For the CPU build:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
TORCH ?= torch==2.13.0
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
CODE := graphlabel tui tests scripts benchmarks

.PHONY: demo test test-slow check bench docs clean screenshots figures

$(VENV)/.torch: constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
	@touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) --editable ".[dev]"
	@touch $@

## demo: set up, trace, route and label a prompt on the embedded model, open the result
demo: $(VENV)/.installed
	$(BIN)/graphlabel demo $(DEMO_ARGS)

## check: format, lint, types, import walls
check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

## test: what tells within minutes whether anything broke
test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m "not slow" $(PYTEST_ARGS)

## test-slow: the rest: kills, servers, browsers, every command in the documentation
test-slow: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m slow $(PYTEST_ARGS)

## bench: the benchmarks, as tables
bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/route.py
	$(BIN)/python benchmarks/index.py
	$(BIN)/python benchmarks/open_graph.py

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) --editable ".[docs]"
	@touch $@

## docs: the command reference from the code, and the site (site/); warnings are errors
docs: $(VENV)/.installed-docs
	$(BIN)/python scripts/command_reference.py docs/commands.md
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

## screenshots: the pictures of the workbench and of sample graphs
screenshots: $(VENV)/.installed-dev
	$(BIN)/python scripts/screenshots.py -o docs/images
	$(BIN)/python -m scripts.page_picture -o docs/images

## figures: the pictures in docs/concepts.md
figures: $(VENV)/.installed-dev
	$(BIN)/python scripts/concept_figures.py -o docs/images

clean:
	rm -rf $(VENV) build dist out site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find graphlabel tui tests scripts benchmarks -name __pycache__ -type d -exec rm -rf {} +
